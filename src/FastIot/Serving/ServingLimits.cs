namespace FastIot.Serving;

/// <summary>What one client, and all of them together, may ask of the server.</summary>
public sealed record ServingLimits
{
    /// <summary>Bytes of a body, inflated.</summary>
    public int MaxBodyBytes { get; init; } = 32 << 20;

    /// <summary>Bytes of the bodies of all requests in progress together.</summary>
    public long MaxPendingBytes { get; init; } = 512L << 20;

    /// <summary>Requests in progress at once; more are refused.</summary>
    public int MaxRequests { get; init; } = 1024;

    /// <summary>Open connections.</summary>
    public int MaxConnections { get; init; } = 4096;

    /// <summary>How long a request may wait for its model.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Requests that one token may make in a second; 0 = as many as it likes.</summary>
    public double RequestsPerSecond { get; init; }

    /// <summary>Time a client has for its request's headers.</summary>
    public TimeSpan HeadersTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes a second that a client must send or take at least, after a grace of a few seconds.</summary>
    public double MinBytesPerSecond { get; init; } = 240;
}
