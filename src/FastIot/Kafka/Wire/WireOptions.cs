namespace FastIot.Kafka.Wire;

/// <summary>How brokers are talked to.</summary>
internal sealed record WireOptions
{
    public required BrokerAddress[] Bootstrap { get; init; }

    public string ClientId { get; init; } = "fastiot";

    /// <summary>Of one attempt to connect.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>From a request to the end of its answer.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Before something that failed is tried again.</summary>
    public TimeSpan RetryBackoff { get; init; } = TimeSpan.FromMilliseconds(100);
}
