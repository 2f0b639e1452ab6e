namespace FastIot.Serving;

/// <summary>What is counted of one model version.</summary>
internal sealed class VersionMetrics
{
    private readonly long[] _requests = new long[ServingStatuses.All.Length];

    /// <summary>Seconds a request waited for a thread.</summary>
    public Histogram Queue { get; } = new(Histogram.Seconds);

    /// <summary>Seconds a batch ran.</summary>
    public Histogram Compute { get; } = new(Histogram.Seconds);

    /// <summary>Rows of a batch.</summary>
    public Histogram BatchRows { get; } = new(Histogram.Rows);

    /// <summary>Microseconds from the request's body to its answer.</summary>
    public Histogram LatencyUs { get; } = new(Histogram.ServingMicroseconds);

    /// <summary>Microseconds a batch ran.</summary>
    public Histogram RuntimeUs { get; } = new(Histogram.ServingMicroseconds);

    public void Count(ServingStatus status) => Interlocked.Increment(ref _requests[(int)status]);

    public long Requests(ServingStatus status) => Volatile.Read(ref _requests[(int)status]);
}
