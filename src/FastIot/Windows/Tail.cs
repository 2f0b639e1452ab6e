using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIot.Windows;

/// <summary>
/// The last eight readings of one series in one pane, a ring by the pane's count, in order of arrival: what the features between
/// readings look back to. One cache line.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal unsafe struct Tail
{
    public const int Length = 8;

    public fixed double Values[Length];

    /// <summary>
    /// Takes one more reading (already counted in <paramref name="pane"/>) into the tail, and its differences and Hampel residual into the
    /// pane. Context is the pane itself and the one before; nothing further back, so that a replay from one pane earlier repeats it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(ref Tail tail, ref Pane pane, ref Tail before, int countBefore, double value)
    {
        int own = pane.Count - 1;
        if (own > 0 || countBefore > 0)
        {
            double previous = own > 0 ? tail.Values[(own - 1) & (Length - 1)] : before.Values[(countBefore - 1) & (Length - 1)];
            double difference = Math.Abs(value - previous);
            float size = (float)difference;
            pane.SumSqDiff += size * size;
            pane.MaxDiff = size > pane.MaxDiff ? size : pane.MaxDiff;
            pane.ZeroDiffs += difference == 0 ? 1 : 0;
            if (own + countBefore >= Length) AddHampel(ref tail, ref pane, ref before, countBefore, value, own);
        }

        tail.Values[own & (Length - 1)] = value;
    }

    private static void AddHampel(ref Tail tail, ref Pane pane, ref Tail before, int countBefore, double value, int own)
    {
        double* nine = stackalloc double[Length + 1];
        for (int back = 1; back <= Length; back++)
        {
            nine[Length - back] = back <= own
                ? tail.Values[(own - back) & (Length - 1)]
                : before.Values[(countBefore - (back - own)) & (Length - 1)];
        }

        nine[Length] = value;
        double centre = nine[Length / 2];
        float residual = (float)Math.Abs(centre - MedianOfNine(nine));
        pane.MaxHampel = residual > pane.MaxHampel ? residual : pane.MaxHampel;
    }

    /// <summary>Nineteen compare-exchanges without a branch; leaves the nine values partly sorted.</summary>
    internal static double MedianOfNine(double* v)
    {
        Sort(ref v[1], ref v[2]); Sort(ref v[4], ref v[5]); Sort(ref v[7], ref v[8]);
        Sort(ref v[0], ref v[1]); Sort(ref v[3], ref v[4]); Sort(ref v[6], ref v[7]);
        Sort(ref v[1], ref v[2]); Sort(ref v[4], ref v[5]); Sort(ref v[7], ref v[8]);
        Sort(ref v[0], ref v[3]); Sort(ref v[5], ref v[8]); Sort(ref v[4], ref v[7]);
        Sort(ref v[3], ref v[6]); Sort(ref v[1], ref v[4]); Sort(ref v[2], ref v[5]);
        Sort(ref v[4], ref v[7]); Sort(ref v[4], ref v[2]); Sort(ref v[6], ref v[4]);
        Sort(ref v[4], ref v[2]);
        return v[4];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sort(ref double a, ref double b)
    {
        double low = double.MinNative(a, b);
        double high = double.MaxNative(a, b);
        a = low;
        b = high;
    }
}
