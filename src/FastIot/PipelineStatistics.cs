namespace FastIot;

/// <summary>
/// Counters of one partition. Written by its worker alone, as plain longs; read by anybody, each value whole but not all of one moment.
/// </summary>
public sealed class PartitionStatistics(int partition)
{
    internal readonly long[] RejectedByReason = new long[Rejections.Count];

    public int Partition { get; } = partition;

    public long Records;

    /// <summary>Readings that went into a window.</summary>
    public long Readings;

    /// <summary>Readings too late for every window.</summary>
    public long Late;

    public long RejectedReadings;

    /// <summary>Records read again after a restart.</summary>
    public long Replayed;

    /// <summary>Window ends closed with at least one row.</summary>
    public long WindowEnds;

    /// <summary>Rows: windows of one series each.</summary>
    public long Windows;

    public long Scored;

    public long Anomalies;

    public long Series;

    /// <summary>Next offset to be read.</summary>
    public long Position;

    /// <summary>Offset behind the last record of the log; −1 while unknown.</summary>
    public long HighOffset = -1;

    /// <summary>Event time; <see cref="long.MinValue"/> before the first reading.</summary>
    public long WatermarkUs = long.MinValue;

    /// <summary>Replay offset committed last; −1 before the first commit.</summary>
    public long CommittedOffset = -1;

    /// <summary>Records that were needed and had expired (policy: go on without).</summary>
    public long GapRecords;

    /// <summary>Snapshots that could not be used (policy: begin cold).</summary>
    public long SnapshotsLost;

    public long EmittedUpToUs = long.MinValue;

    public long StoredUpToUs = long.MinValue;

    public long StateBytes;

    public bool Paused;

    /// <summary>False once the partition has been given up.</summary>
    public bool Assigned = true;

    public long Rejected(Rejection reason) => Volatile.Read(ref RejectedByReason[(int)reason]);

    public long Lag => HighOffset < 0 ? 0 : Math.Max(0, HighOffset - Position);
}

/// <summary>Counters of one worker; see <see cref="PartitionStatistics"/> for who writes and reads.</summary>
public sealed class WorkerStatistics
{
    public long Polls;

    public long Commits;

    /// <summary>Commits that were refused or whose outcome is unknown.</summary>
    public long FailedCommits;

    /// <summary>Times that the worker discarded what it had in memory and began again from what is committed.</summary>
    public long Recoveries;

    /// <summary>Ticks spent in commits.</summary>
    public long CommitTicks;

    /// <summary>Snapshots of slow state taken, and ticks that the worker spent on them.</summary>
    public long Snapshots;

    public long SnapshotTicks;

    /// <summary>Managed bytes the worker's thread has allocated since its start, and since the steady state was marked.</summary>
    public long AllocatedBytes;

    public long SteadyAllocatedBytes;

    public long SteadyReadings;

    /// <summary>Ticks spent merging and learning, and in the model.</summary>
    public long CloseTicks;

    public long ScoreTicks;

    /// <summary>What the model in use says, by sensor type; null while it has said nothing, or without a model.</summary>
    public Scoring.ModelDrift? Drift { get; internal set; }

    /// <summary>Alarms by <see cref="Scoring.AnomalyKind"/>.</summary>
    public readonly long[] AnomaliesByKind = new long[Scoring.AnomalyKinds.Modelled + 1];
}

/// <summary>What the pipeline has done so far, summed up.</summary>
public sealed record PipelineStatistics
{
    public required IReadOnlyList<PartitionStatistics> Partitions { get; init; }

    public required IReadOnlyList<WorkerStatistics> Workers { get; init; }

    public long Records => Partitions.Sum(p => p.Records);

    public long Readings => Partitions.Sum(p => p.Readings);

    public long Late => Partitions.Sum(p => p.Late);

    public long Rejected => Partitions.Sum(p => p.RejectedReadings);

    public long Replayed => Partitions.Sum(p => p.Replayed);

    public long Windows => Partitions.Sum(p => p.Windows);

    public long Scored => Partitions.Sum(p => p.Scored);

    public long Anomalies => Partitions.Sum(p => p.Anomalies);

    public long Series => Partitions.Sum(p => p.Assigned ? p.Series : 0);

    /// <summary>Series of all partitions read so far, given up ones included.</summary>
    public long SeriesSeen => Partitions.Sum(p => p.Series);

    public long Lag => Partitions.Sum(p => p.Assigned ? p.Lag : 0);

    public long RejectedFor(Rejection reason) => Partitions.Sum(p => p.Rejected(reason));
}
