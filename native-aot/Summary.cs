using System.Text.Json;
using System.Text.Json.Serialization;

namespace FastIot.Cli;

/// <summary>What a run did: printed at its end, or with --json written as one object. Units are in the names.</summary>
internal sealed class Summary
{
    public required string Command { get; init; }

    public required string Version { get; init; }

    public required string Vectors { get; init; }

    /// <summary>"name:version", or "none".</summary>
    public required string Model { get; init; }

    public required double Seconds { get; init; }

    /// <summary>Readings the simulator made; null where none runs.</summary>
    public long? Produced { get; init; }

    /// <summary>Readings of the simulated history that the series knew at the start; not in the figures below.</summary>
    public long? History { get; init; }

    public required long Records { get; init; }

    /// <summary>Readings that went into windows.</summary>
    public required long Readings { get; init; }

    public required long Late { get; init; }

    public required long Rejected { get; init; }

    /// <summary>Without the reasons that did not occur.</summary>
    public required SortedDictionary<string, long> RejectedByReason { get; init; }

    /// <summary>Records read again after a restart.</summary>
    public required long Replayed { get; init; }

    public required double ReadingsPerSecond { get; init; }

    public required long Series { get; init; }

    public required long Windows { get; init; }

    public required long Scored { get; init; }

    public required long Anomalies { get; init; }

    /// <summary>Windows that raised an alarm, by what they look like.</summary>
    public required SortedDictionary<string, long> AnomaliesByKind { get; init; }

    /// <summary>Null where no second model scored beside the first.</summary>
    public ShadowSummary? Shadow { get; init; }

    public TruthSummary? Truth { get; init; }

    public LatencySummary? Latency { get; init; }

    public FilesSummary? Files { get; init; }

    public required ProcessSummary Process { get; init; }

    public SteadySummary? Steady { get; init; }
}

/// <summary>Alarms against the injected truth.</summary>
internal sealed class TruthSummary
{
    public required long Events { get; init; }

    /// <summary>Events during which a window raised an alarm.</summary>
    public required long Found { get; init; }

    public required SortedDictionary<string, TruthKindSummary> ByKind { get; init; }

    /// <summary>Runs of alarms that touch no event.</summary>
    public required long FalseAlarms { get; init; }

    public required double SensorDays { get; init; }

    public required double FalseAlarmsPerSensorDay { get; init; }
}

internal sealed record TruthKindSummary(long Events, long Found);

/// <summary>From the moment a window's last event was due to the broker's acknowledgement of its anomaly.</summary>
internal sealed record LatencySummary(long Count, double P50Ms, double P95Ms, double P99Ms, double MaxMs);

internal sealed record FilesSummary(string Location, long Files, long Rows, long Bytes);

/// <param name="ProcessorShare">Processor time over wall time: 1 is one core fully used.</param>
internal sealed record ProcessSummary(long PeakMemoryBytes, long StateBytes, double ProcessorSeconds, double ProcessorShare);

/// <summary>Allocation and garbage collections between the end of the start-up and the end.</summary>
/// <param name="WorkerAllocatedBytes">By the worker threads, from a reading's bytes to its outputs.</param>
/// <param name="ProcessAllocatedBytes">By all threads: simulator, HTTP, this progress line.</param>
internal sealed record SteadySummary(
    double Seconds, long Readings, long WorkerAllocatedBytes, double WorkerBytesPerReading, long ProcessAllocatedBytes, int Gen0, int Gen1, int Gen2);

/// <summary>What a simulation sent. Disorder counts are null without disorder.</summary>
internal sealed record SimulationSummary(
    string Command, string Target, long Readings, long Bytes, double Seconds, double ReadingsPerSecond, long? Late, long? Duplicates, long? Future, long? Malformed);

/// <summary>A topic as it is now.</summary>
internal sealed record TopicSummary(string Name, bool Created, int Partitions, int WantedPartitions);

internal sealed record VersionSummary(string Version, string RuntimeIdentifier, string Framework, string Compiler, string Vectors);

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Summary))]
[JsonSerializable(typeof(SimulationSummary))]
[JsonSerializable(typeof(IReadOnlyList<TopicSummary>))]
[JsonSerializable(typeof(VersionSummary))]
internal sealed partial class SummaryJson : JsonSerializerContext
{
    public static string Write(Summary summary) => JsonSerializer.Serialize(summary, Default.Summary);

    public static string Write(SimulationSummary summary) => JsonSerializer.Serialize(summary, Default.SimulationSummary);

    public static string Write(IReadOnlyList<TopicSummary> topics) => JsonSerializer.Serialize(topics, Default.IReadOnlyListTopicSummary);

    public static string Write(VersionSummary version) => JsonSerializer.Serialize(version, Default.VersionSummary);
}
