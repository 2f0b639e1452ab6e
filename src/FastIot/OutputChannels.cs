using FastIot.Emit;

namespace FastIot;

/// <summary>Where one worker's outputs go.</summary>
/// <param name="files">Feature rows and snapshots; null = not kept. Shared by all workers.</param>
/// <param name="clock">Tells how long ago a reading was due.</param>
/// <param name="timeout">Bound of a wait for a full queue.</param>
/// <param name="statistics">The worker's counters.</param>
/// <param name="modelLabel">"name:version" of a model's version; null without one.</param>
internal sealed class OutputChannels(IRecordSink records, FeatureFileWriter? files, EventClock clock, TimeSpan timeout, WorkerStatistics statistics,
    Func<int, string?> modelLabel)
{
    /// <summary>Anomalies, dead letters, late readings. The worker's own; another one after an outcome that nobody knows.</summary>
    public IRecordSink Records { get; set; } = records;

    public FeatureFileWriter? Files { get; } = files;

    public EventClock Clock { get; } = clock;

    public TimeSpan Timeout { get; } = timeout;

    public WorkerStatistics Statistics { get; } = statistics;

    public Func<int, string?> ModelLabel { get; } = modelLabel;

    /// <summary>Partitions may be taken over by others: what is put must be confirmed by a commit first.</summary>
    public bool IsShared { get; set; }

    /// <summary>Records written since the last commit.</summary>
    public long Uncommitted { get; set; }
}
