using FastIot.Emit;

namespace FastIot;

/// <summary>Where one worker's outputs go.</summary>
/// <param name="Records">Anomalies, dead letters, late readings. The worker's own.</param>
/// <param name="Files">Feature rows; null = not kept. Shared by all workers.</param>
/// <param name="Clock">Tells how long ago a reading was due.</param>
/// <param name="Timeout">Bound of a wait for a full queue.</param>
/// <param name="Statistics">The worker's counters.</param>
/// <param name="Model">"name:version" of the model; null without one.</param>
internal sealed record OutputChannels(
    IRecordSink Records, FeatureFileWriter? Files, EventClock Clock, TimeSpan Timeout, WorkerStatistics Statistics, string? Model);
