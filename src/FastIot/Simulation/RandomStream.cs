using System.Runtime.CompilerServices;

namespace FastIot.Simulation;

/// <summary>
/// A stream of random 64-bit words in eight bytes of state (SplitMix64: Steele, Lea, Flood, OOPSLA 2014), one per sensor, so that no
/// sensor's readings depend on any other's or on the order in which they are made.
/// </summary>
internal static class RandomStream
{
    private const ulong Gamma = 0x9E3779B97F4A7C15;

    /// <summary>Start of the stream of one sensor and purpose.</summary>
    public static ulong Start(ulong seed, int sensor, uint purpose) =>
        Mix(seed + Gamma * (((ulong)purpose << 32 | (uint)sensor) + 1)) ^ Mix(seed ^ 0xD1B54A32D192ED03);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Next(ref ulong state) => Mix(state += Gamma);

    /// <summary>Uniform in [0, 1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Unit(ulong word) => (word >> 11) * (1.0 / (1UL << 53));

    public static double NextUnit(ref ulong state) => Unit(Next(ref state));

    public static double NextBetween(ref ulong state, double low, double high) => low + (high - low) * NextUnit(ref state);

    public static double NextLogBetween(ref ulong state, double low, double high) => low * Math.Exp(Math.Log(high / low) * NextUnit(ref state));

    /// <summary>Exponential with the given mean; above 0 and finite.</summary>
    public static double NextExponential(ref ulong state, double mean) => -mean * Math.Log(1 - NextUnit(ref state));

    /// <summary>Tries until a success of probability <paramref name="share"/>, from 1 up.</summary>
    public static long NextGeometric(ref ulong state, double share) =>
        share <= 0 ? long.MaxValue / 4 : 1 + (long)Math.Min(1e15, Math.Log(1 - NextUnit(ref state)) / Math.Log(1 - share));

    /// <summary>Index drawn by weights.</summary>
    public static int NextIndex(ref ulong state, IReadOnlyList<double> weights)
    {
        double total = 0;
        for (int i = 0; i < weights.Count; i++) total += weights[i];
        double at = NextUnit(ref state) * total;
        for (int i = 0; i < weights.Count - 1; i++)
        {
            at -= weights[i];
            if (at < 0) return i;
        }

        return LastPositive(weights);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mix(ulong z)
    {
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        return z ^ z >> 31;
    }

    private static int LastPositive(IReadOnlyList<double> weights)
    {
        int last = weights.Count - 1;
        while (last > 0 && weights[last] <= 0) last--;
        return last;
    }
}
