namespace FastIot;

/// <summary>Why a reading was not used. Each reason has a counter and is the <c>reason</c> header of its dead letter.</summary>
public enum Rejection : byte
{
    /// <summary>Used.</summary>
    None,
    /// <summary>The record has no value (a tombstone) or only white space.</summary>
    Empty,
    /// <summary>The record has no key. Readings are partitioned by sensor id: without a key their order is not defined.</summary>
    MissingKey,
    /// <summary>Not JSON by RFC 8259: syntax, truncation, trailing bytes.</summary>
    MalformedJson,
    /// <summary>Bytes that are not UTF-8.</summary>
    InvalidUtf8,
    /// <summary>Nested deeper than <see cref="Limits.MaxNesting"/>.</summary>
    TooDeep,
    /// <summary>The record is larger than <see cref="Limits.MaxRecordBytes"/>.</summary>
    TooLarge,
    /// <summary>JSON, but not an object (nor an array of objects).</summary>
    NotAnObject,
    MissingSensorId,
    /// <summary>Not a string, empty, or longer than <see cref="Limits.MaxSensorIdBytes"/>.</summary>
    InvalidSensorId,
    /// <summary>Present and not null, but not a string, or longer than <see cref="Limits.MaxMetricBytes"/>.</summary>
    InvalidMetric,
    MissingTimestamp,
    /// <summary>Neither ISO-8601 nor a number in the range of <see cref="Limits.MinTimeUs"/> to <see cref="Limits.MaxTimeUs"/>.</summary>
    InvalidTimestamp,
    MissingValue,
    /// <summary>Not a number, or not finite as a double.</summary>
    InvalidValue,
    /// <summary>Further ahead of the record's Kafka timestamp than <c>max-future</c>.</summary>
    FutureTimestamp,
    /// <summary>The partition's series table is at its cap.</summary>
    TooManySeries,
}

public static class Rejections
{
    public static readonly int Count = (int)Rejection.TooManySeries + 1;

    /// <summary>The name used in headers, metric labels and summaries, snake case.</summary>
    public static string Name(Rejection reason) => s_names[(int)reason];

    private static readonly string[] s_names =
    [
        "none", "empty", "missing_key", "malformed_json", "invalid_utf8", "too_deep", "too_large", "not_an_object",
        "missing_sensor_id", "invalid_sensor_id", "invalid_metric", "missing_timestamp", "invalid_timestamp",
        "missing_value", "invalid_value", "future_timestamp", "too_many_series",
    ];
}
