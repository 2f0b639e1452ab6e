namespace FastIot;

/// <summary>Every capacity in one place. Debug builds use tiny ones, so that each test grows, wraps and flushes.</summary>
public static class Limits
{
    /// <summary>A record's value beyond this is refused unread (Kafka's own default message limit is 1 MiB).</summary>
    public const int MaxRecordBytes = 8 << 20;

    public const int MaxSensorIdBytes = 255;

    public const int MaxMetricBytes = 127;

    /// <summary>Depth of objects and arrays within one record, its own array included.</summary>
    public const int MaxNesting = 64;

    /// <summary>Earliest event time, 1970-01-01.</summary>
    public const long MinTimeUs = 0;

    /// <summary>Latest event time, 2262-01-01: what a signed 64-bit count of nanoseconds holds, with room to add windows.</summary>
    public const long MaxTimeUs = 9_214_646_400_000_000;

    /// <summary>Records asked of the source in one poll.</summary>
#if DEBUG
    public const int PollRecords = 16;
#else
    public const int PollRecords = 1024;
#endif

    /// <summary>Series a partition's table starts with; it doubles up to the configured cap.</summary>
#if DEBUG
    public const int InitialSeries = 4;
#else
    public const int InitialSeries = 1024;
#endif

    /// <summary>Default cap of series in one partition.</summary>
    public const int MaxSeriesPerPartition = 1 << 20;

    /// <summary>Panes in one window at most.</summary>
    public const int MaxPanesPerWindow = 64;

    /// <summary>Rows in one run of the model: a fixed shape, padded, so that a row's score never depends on its neighbours.</summary>
    public const int ScoringChunk = 256;

    /// <summary>Windows of one partition whose rows wait for the object store before the partition pauses.</summary>
    public const int MaxPendingFiles = 8;
}
