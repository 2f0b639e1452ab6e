namespace FastIot.Kafka.Wire;

/// <summary>One partition as the direct fetch sees it.</summary>
internal sealed class FetchPartition(int number, long position)
{
    public int Number { get; } = number;

    /// <summary>Next offset to deliver. An answer to a fetch from anywhere else is thrown away: so pausing, seeking and taking up anew need no more.</summary>
    public long Position { get; set; } = position;

    /// <summary>Where the next fetch begins: behind what has been received, which may not be delivered yet.</summary>
    public long FetchFrom { get; set; } = position;

    /// <summary>Offset behind the last record of the log that all replicas have; −1 while unknown.</summary>
    public long High { get; set; } = -1;

    /// <summary>Offset from which transactions are undecided: a read_committed reader gets no further.</summary>
    public long LastStable { get; set; } = -1;

    public bool Paused { get; set; }

    /// <summary>Asked for and not answered yet.</summary>
    public bool Asked { get; set; }

    /// <summary>Not asked for before this moment: its leader is being looked for.</summary>
    public long RetryTicks { get; set; }
}
