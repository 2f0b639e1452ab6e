namespace FastIot.Kafka;

/// <summary>Which Kafka, which topics. Properties pass to librdkafka as they are and win over what is set here.</summary>
public sealed record KafkaOptions
{
    public string Bootstrap { get; init; } = "localhost:9092";

    public string Group { get; init; } = "fastiot";

    public string RawTopic { get; init; } = "raw-readings";

    public string AnomalyTopic { get; init; } = "anomalies";

    public string DeadLetterTopic { get; init; } = "raw-readings-dlq";

    /// <summary>Null: late readings are counted only.</summary>
    public string? LateTopic { get; init; }

    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();
}

/// <summary>librdkafka refused a property, or could not be set up; the message is its own, with what to do.</summary>
public sealed class KafkaException(string message, Exception? inner = null) : Exception(message, inner);
