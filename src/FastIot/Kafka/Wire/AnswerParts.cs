namespace FastIot.Kafka.Wire;

/// <summary>One partition's part of a fetch answer; its bytes lie in the link's memory.</summary>
internal unsafe struct FetchPart
{
    public FetchPartition Partition;

    /// <summary>The offset that was asked for.</summary>
    public long From;

    public long High;
    public long LastStable;
    public byte* Records;
    public int Length;
    public short Error;

    private byte* _aborted;
    private int _abortedBytes;

    /// <summary>Aborted transactions, 16 bytes each: producer id, first offset.</summary>
    public ReadOnlySpan<byte> Aborted
    {
        readonly get => new(_aborted, _abortedBytes);
        set
        {
            fixed (byte* at = value) _aborted = at;
            _abortedBytes = value.Length;
        }
    }
}

/// <summary>A fetch answer (version 11) taken apart. Its memory is native, so the parts' pointers hold; this is kept for the next one.</summary>
internal sealed unsafe class AnswerParts
{
    private FetchPart[] _parts = new FetchPart[16];
    private int _next;

    public int Count { get; private set; }

    /// <summary>Whose answer it is; null for none.</summary>
    public FetchLink? Link { get; private set; }

    public ref FetchPart this[int index] => ref _parts[index];

    /// <exception cref="WireException">The answer cannot be understood, or is an error as a whole.</exception>
    public void Read(ref WireReader answer, FetchLink link)
    {
        Clear();
        answer.Int32(); // throttled, ms: the broker reads nothing from this connection until then
        short error = answer.Int16();
        if (error != BrokerError.None) throw new WireException($"{link.Address}, Fetch: {BrokerError.Text(error)}");
        answer.Int32(); // session
        int count = 0;
        for (int topics = answer.Count(6); topics > 0; topics--)
        {
            answer.SkipString();
            for (int partitions = answer.Count(42); partitions > 0; partitions--, count++)
            {
                if (count == _parts.Length) Array.Resize(ref _parts, count * 2);
                ReadPart(ref answer, link, count, ref _parts[count]);
            }
        }

        Count = count;
        Link = link;
    }

    /// <summary>The next part without error.</summary>
    public bool TryNext(out FetchPart part)
    {
        while (_next < Count)
        {
            part = _parts[_next++];
            if (part.Error == BrokerError.None && part.Length > 0) return true;
        }

        part = default;
        return false;
    }

    public void Clear()
    {
        _parts.AsSpan(0, Count).Clear();
        Count = 0;
        _next = 0;
        Link = null;
    }

    private static void ReadPart(ref WireReader answer, FetchLink link, int place, ref FetchPart part)
    {
        int number = answer.Int32();
        List<(FetchPartition Partition, long From)> asked = link.Asked;
        // In the order they were asked for, as a rule.
        if (place >= asked.Count || asked[place].Partition.Number != number)
        {
            place = 0;
            while (place < asked.Count && asked[place].Partition.Number != number) place++;
            if (place == asked.Count) throw new WireException($"{link.Address}, Fetch: partition {number} was not asked for");
        }

        (part.Partition, part.From) = asked[place];
        part.Error = answer.Int16();
        part.High = answer.Int64();
        part.LastStable = answer.Int64();
        answer.Int64(); // log start
        part.Aborted = answer.Take(answer.Count(16) * 16);
        answer.Int32(); // a replica nearer by, where racks are known
        ReadOnlySpan<byte> records = answer.Bytes();
        fixed (byte* at = records) part.Records = at;
        part.Length = records.Length;
    }
}
