namespace FastIot.Serving;

/// <summary>How a model's requests are gathered and run.</summary>
public sealed record BatchOptions
{
    /// <summary>Rows of a batch at most; a single request with more runs alone, in one piece.</summary>
    public int MaxRows { get; init; } = 256;

    /// <summary>How long the first request may wait for others. Zero: a free thread takes what is there, and batches grow while all are busy.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.Zero;

    /// <summary>Rows that may wait; more are refused.</summary>
    public int QueuedRows { get; init; } = 4096;

    /// <summary>Sizes that batches are padded to, rising; empty = as many rows as there are. For providers that compile a graph per shape.</summary>
    public int[] Sizes { get; init; } = [];

    /// <summary>Threads that run the model; 0 = one per core, one on a GPU.</summary>
    public int Instances { get; init; }

    /// <summary>Threads within one run.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>How many rows are run for this many: the next allowed size.</summary>
    internal long Padded(long rows)
    {
        foreach (int size in Sizes)
        {
            if (size >= rows) return size;
        }

        return rows;
    }
}
