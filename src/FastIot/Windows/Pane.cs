using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIot.Windows;

/// <summary>
/// What one series has in one pane: one cache line, so that a reading costs one miss. All zero when there is no reading.
/// </summary>
/// <remarks>
/// <code>
///  0       8       16      24      32      40      44      48      52      56      60     64
///  ├───────┼───────┼───────┼───────┼───────┼───────┼───────┼───────┼───────┼───────┼───────┤
///  │ Shift │  Sum  │SumSq  │  Min  │  Max  │ Count │ Last  │SumSq  │ Max   │ Max   │ Zero  │
///  │  f64  │  f64  │  f64  │  f64  │  f64  │  i32  │ u32   │Diff f │Diff f │Hampel │Diffs i│
/// </code>
/// Sum and SumSq are of (value − Shift), and Shift is the pane's own first value. A sample is never further from its mean than
/// stddev · (n − 1) / √n (Samuelson), so the shift costs stddev at most about n · 2⁻⁵³ of its value, whatever the mean.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct Pane
{
    public double Shift;
    public double Sum;
    public double SumSq;
    public double Min;
    public double Max;
    public int Count;

    /// <summary>Offset of the last reading, from the pane's base offset.</summary>
    public uint LastOffset;

    /// <summary>Sum of squared differences between successive readings.</summary>
    public float SumSqDiff;

    public float MaxDiff;

    /// <summary>Largest distance of the reading four back from the median of nine.</summary>
    public float MaxHampel;

    /// <summary>Differences that are exactly zero.</summary>
    public int ZeroDiffs;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(ref Pane pane, double value, uint offset)
    {
        if (pane.Count++ == 0)
        {
            pane.Shift = pane.Min = pane.Max = value;
            pane.LastOffset = offset;
            return;
        }

        double shifted = value - pane.Shift;
        pane.Sum += shifted;
        pane.SumSq += shifted * shifted;
        pane.Min = value < pane.Min ? value : pane.Min;
        pane.Max = value > pane.Max ? value : pane.Max;
        pane.LastOffset = offset;
    }
}
