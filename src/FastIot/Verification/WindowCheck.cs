using System.Globalization;
using FastIot.Emit;

namespace FastIot.Verification;

/// <summary>
/// Compares what a window must be with what the outputs hold of it. Counts, minima and maxima must be the same; means and standard
/// deviations may differ by what two right ways of rounding differ by; anomalies must carry the very values of their row.
/// </summary>
internal static class WindowCheck
{
    /// <summary>Relative to the largest magnitude in the window, and to the standard deviation.</summary>
    public const double MeanTolerance = 1e-12, StdDevTolerance = 1e-12;

    /// <summary>Another machine's or provider's last digits.</summary>
    public const float ScoreTolerance = 1e-4f;

    /// <returns>Null where they agree.</returns>
    public static string? Row(in PlainFeatures must, long windowUs, StoredRow row)
    {
        var differences = new Differences();
        if (row.WindowEndUs - row.WindowStartUs != windowUs) differences.Add("window_start", row.WindowStartUs, row.WindowEndUs - windowUs);
        Features(ref differences, must, row.Mean, row.StdDev, row.Min, row.Max, row.Range, row.Count);
        return differences.Text;
    }

    /// <summary>An anomaly against the window as recomputed.</summary>
    public static string? Anomaly(in PlainFeatures must, long windowUs, SeenAnomaly seen)
    {
        var differences = new Differences();
        if (!seen.IsAnomaly) differences.Add("is_anomaly", "false", "true");
        if (seen.WindowEndUs - seen.WindowStartUs != windowUs) differences.Add("window_start", seen.WindowStartUs, seen.WindowEndUs - windowUs);
        if (seen.Offset != must.LastOffset) differences.Add("offset", seen.Offset, must.LastOffset);
        Features(ref differences, must, seen.Mean, seen.StdDev, seen.Min, seen.Max, seen.Range, seen.Count);
        return differences.Text;
    }

    /// <summary>An anomaly against its row: the same run made both, so that the features are the same bits.</summary>
    public static string? Anomaly(StoredRow row, SeenAnomaly seen)
    {
        var differences = new Differences();
        if (!Bits(seen.Mean, row.Mean)) differences.Add("mean", seen.Mean, row.Mean);
        if (!Bits(seen.StdDev, row.StdDev)) differences.Add("stddev", seen.StdDev, row.StdDev);
        // A row of a warming series has no score; its anomaly is at the threshold.
        float score = float.IsNaN(row.AnomalyScore) ? 1f : row.AnomalyScore;
        if (!(Math.Abs(seen.Score - score) <= ScoreTolerance * Math.Max(1, Math.Abs(score)))) differences.Add("anomaly_score", seen.Score, score);
        if (seen.Kind != row.Kind) differences.Add("kind", seen.Kind, row.Kind);
        if (seen.Model != row.Model) differences.Add("model", seen.Model, row.Model);
        return differences.Text;
    }

    private static void Features(ref Differences differences, in PlainFeatures must, double mean, double stddev, double min, double max, double range, long count)
    {
        if (count != must.Count) differences.Add("count", count, must.Count);
        if (min != must.Min) differences.Add("min", min, must.Min);
        if (max != must.Max) differences.Add("max", max, must.Max);
        if (!Bits(range, must.Range)) differences.Add("range", range, must.Range);
        double largest = Math.Max(Math.Abs(must.Min), Math.Abs(must.Max));
        if (!(Math.Abs(mean - must.Mean) <= MeanTolerance * largest + double.Epsilon)) differences.Add("mean", mean, must.Mean);
        bool none = double.IsNaN(must.StdDev) && double.IsNaN(stddev);
        if (!none && !(Math.Abs(stddev - must.StdDev) <= StdDevTolerance * must.StdDev + double.Epsilon)) differences.Add("stddev", stddev, must.StdDev);
    }

    private static bool Bits(double a, double b) => a.Equals(b) || a == b;

    private struct Differences
    {
        public string? Text { get; private set; }

        public void Add(string member, object? found, object? must) =>
            Text = (Text == null ? "" : Text + "; ") + string.Create(CultureInfo.InvariantCulture, $"{member} is {found ?? "null"} instead of {must ?? "null"}");
    }
}
