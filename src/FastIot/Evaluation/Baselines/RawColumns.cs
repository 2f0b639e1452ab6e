using FastIot.Windows;

namespace FastIot.Evaluation.Baselines;

/// <summary>Copies what the merge has found, and nothing that later stages have added: features and baselines of one's own begin there.</summary>
internal static class RawColumns
{
    public static void Copy(WindowBatch from, WindowBatch to)
    {
        int n = from.Count;
        to.EnsureCapacity(Math.Max(n, 1));
        (to.WindowEndUs, to.Count) = (from.WindowEndUs, n);
        from.Slot.Span[..n].CopyTo(to.Slot.Span);
        from.ReadingCount.Span[..n].CopyTo(to.ReadingCount.Span);
        from.Mean.Span[..n].CopyTo(to.Mean.Span);
        from.StdDev.Span[..n].CopyTo(to.StdDev.Span);
        from.Min.Span[..n].CopyTo(to.Min.Span);
        from.Max.Span[..n].CopyTo(to.Max.Span);
        from.Range.Span[..n].CopyTo(to.Range.Span);
        from.SumSqDiff.Span[..n].CopyTo(to.SumSqDiff.Span);
        from.MaxDiff.Span[..n].CopyTo(to.MaxDiff.Span);
        from.MaxHampel.Span[..n].CopyTo(to.MaxHampel.Span);
        from.ZeroDiffs.Span[..n].CopyTo(to.ZeroDiffs.Span);
    }
}
