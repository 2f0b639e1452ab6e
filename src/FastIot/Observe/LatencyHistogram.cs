using System.Diagnostics;
using System.Numerics;

namespace FastIot.Observe;

/// <summary>
/// Latencies in log-linear buckets: 128 to each doubling of a microsecond, so that a quantile is within 0.8 %. From 1 µs to over an hour; less
/// and more go into the first and last bucket. Writers and readers may be any threads.
/// </summary>
public sealed class LatencyHistogram
{
    private const int LinearBits = 7;
    private const int Linear = 1 << LinearBits;
    private const int Doublings = 32;

    private readonly long[] _counts = new long[(Doublings + 1) * Linear];
    private long _count;
    private long _sumUs;
    private long _maxUs;

    public long Count => Volatile.Read(ref _count);

    public double MaxMs => Volatile.Read(ref _maxUs) / 1e3;

    /// <summary>Seconds, all latencies together.</summary>
    public double SumSeconds => Volatile.Read(ref _sumUs) / 1e6;

    /// <summary>Records one latency in ticks of <see cref="Stopwatch"/>; below zero counts as zero.</summary>
    public void Record(long ticks)
    {
        long us = Math.Max(0, ticks * 1_000_000 / Stopwatch.Frequency);
        Interlocked.Increment(ref _counts[Bucket(us)]);
        Interlocked.Increment(ref _count);
        Interlocked.Add(ref _sumUs, us);
        long max = Volatile.Read(ref _maxUs);
        while (us > max)
        {
            long seen = Interlocked.CompareExchange(ref _maxUs, us, max);
            if (seen == max) break;
            max = seen;
        }
    }

    /// <summary>Latency in ms that this share of all is at most; NaN where there are none.</summary>
    public double QuantileMs(double share)
    {
        long wanted = Math.Max(1, (long)Math.Ceiling(share * Count)), seen = 0;
        if (Count == 0) return double.NaN;
        for (int i = 0; i < _counts.Length; i++)
        {
            seen += Volatile.Read(ref _counts[i]);
            if (seen >= wanted) return Math.Min(Upper(i), Volatile.Read(ref _maxUs)) / 1e3;
        }

        return MaxMs;
    }

    /// <summary>How many were at most this long (a bucket's bound away).</summary>
    public long CountUpTo(double seconds)
    {
        int last = Bucket((long)(seconds * 1e6));
        long count = 0;
        for (int i = 0; i <= last; i++) count += Volatile.Read(ref _counts[i]);
        return count;
    }

    private static int Bucket(long us)
    {
        if (us < Linear) return (int)us;
        int shift = BitOperations.Log2((ulong)us) - LinearBits;
        return Math.Min((shift + 1) * Linear + (int)(us >> shift) - Linear, (Doublings + 1) * Linear - 1);
    }

    private static long Upper(int bucket)
    {
        if (bucket < Linear) return bucket;
        int shift = bucket / Linear - 1;
        return ((long)(bucket % Linear + Linear + 1) << shift) - 1;
    }
}
