using FastIot.Decode;
using FastIot.Emit;
using FastIot.Kafka;
using FastIot.Windows;

namespace FastIot.Verification;

/// <summary>What is verified against what.</summary>
internal sealed record VerifyOptions
{
    public required KafkaOptions Kafka { get; init; }

    public required WindowSpec Windows { get; init; }

    public required DecodeOptions Decode { get; init; }

    public required int MaxSeries { get; init; }

    /// <summary>Where the feature files are.</summary>
    public required IObjectStore Store { get; init; }

    /// <summary>Windows that end after this, µs of event time; null = from the begin of the log.</summary>
    public long? FromUs { get; init; }

    /// <summary>Windows that end by this; null = up to what the group has committed.</summary>
    public long? ToUs { get; init; }

    /// <summary>Offsets of each partition to read from and up to (exclusive); null = as far as the log and the group's commits reach.</summary>
    public long? FromOffset { get; init; }

    public long? ToOffset { get; init; }

    /// <summary>Bound of every wait for a broker, an open transaction included.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);
}
