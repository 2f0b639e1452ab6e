namespace FastIot.Serving;

/// <summary>Counts of values by upper bounds, as Prometheus wants them. Any threads may record and read.</summary>
internal sealed class Histogram(double[] bounds)
{
    /// <summary>Seconds, from a tenth of a millisecond to ten seconds.</summary>
    public static readonly double[] Seconds = [1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, .1, .25, .5, 1, 2.5, 5, 10];

    /// <summary>Rows.</summary>
    public static readonly double[] Rows = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

    /// <summary>TensorFlow Serving's own latency bounds: microseconds, 33 from 10 on, each 1.8 times the one before.</summary>
    public static readonly double[] ServingMicroseconds = [.. Enumerable.Range(0, 33).Select(i => 10 * Math.Pow(1.8, i))];

    private readonly long[] _counts = new long[bounds.Length + 1];
    private double _sum;

    public IReadOnlyList<double> Bounds => bounds;

    public double Sum => Volatile.Read(ref _sum);

    public void Record(double value)
    {
        int bucket = 0;
        while (bucket < bounds.Length && value > bounds[bucket]) bucket++;
        Interlocked.Increment(ref _counts[bucket]);
        double sum = Volatile.Read(ref _sum), seen;
        while ((seen = Interlocked.CompareExchange(ref _sum, sum + value, sum)) != sum) sum = seen;
    }

    /// <summary>Values of one bucket; behind the last bound lie the others.</summary>
    public long Count(int bucket) => Volatile.Read(ref _counts[bucket]);
}
