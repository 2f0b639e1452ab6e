namespace FastIot.Decode;

/// <summary>What a numeric timestamp counts.</summary>
public enum TimestampUnit
{
    /// <summary>Told by magnitude: below 1e11 seconds, below 1e14 ms, below 1e17 µs, else ns.</summary>
    Auto,
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

/// <summary>Where in a record a reading's parts are. All members take part in <see cref="PipelineOptions.ConfigHash"/>.</summary>
public sealed record DecodeOptions
{
    public string SensorIdName { get; init; } = "sensor_id";

    public string TimestampName { get; init; } = "timestamp";

    public string MetricName { get; init; } = "metric";

    public string ValueName { get; init; } = "value";

    public TimestampUnit TimestampUnit { get; init; }
}
