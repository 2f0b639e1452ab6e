namespace FastIot.Training;

/// <summary>
/// Windows counted in rows, for benchmarks whose files have no common rate: 12 rows, sliding by 2 (the pipeline's six to one), the public six
/// features, standardised by the windows of a file's training rows alone.
/// </summary>
internal sealed class RowWindows
{
    public const int Length = 12, Slide = 2, Features = 6, Lags = 12;

    private readonly float[][] _z;

    /// <param name="values">One channel.</param>
    /// <param name="trainingRows">Rows at the start that are normal.</param>
    public RowWindows(double[] values, int trainingRows)
    {
        int count = Math.Max(0, (values.Length - Length) / Slide + 1);
        double[][] windows = [.. Enumerable.Range(0, count).Select(w => Six(values.AsSpan(w * Slide, Length)))];
        TrainingWindows = Math.Clamp((trainingRows - Length) / Slide + 1, 0, count);
        double[][] normal = windows[..Math.Max(2, TrainingWindows)];
        double[] mean = [.. Enumerable.Range(0, Features).Select(f => normal.Average(w => w[f]))];
        double[] scale = [.. Enumerable.Range(0, Features).Select(f => Math.Sqrt(normal.Average(w => (w[f] - mean[f]) * (w[f] - mean[f]))))];
        // A feature that never changed in training is judged by its size, not by nothing.
        _z = [.. windows.Select(w => w.Select((x, f) => (float)((x - mean[f]) / (scale[f] + 1e-3 * Math.Abs(mean[f]) + 1e-9))).ToArray())];
    }

    public int Count => _z.Length;

    /// <summary>Windows that lie wholly within the training rows.</summary>
    public int TrainingWindows { get; }

    /// <summary>Row behind a window's last one.</summary>
    public static int EndRow(int window) => window * Slide + Length;

    public ReadOnlySpan<float> Z(int window) => _z[window];

    /// <summary>The windows before and with this one, oldest first; the first one stands in for those before it.</summary>
    public float[] Sequence(int window) => [.. Enumerable.Range(window - Lags + 1, Lags).SelectMany(w => _z[Math.Max(0, w)])];

    private static double[] Six(ReadOnlySpan<double> values)
    {
        double sum = 0, min = double.PositiveInfinity, max = double.NegativeInfinity;
        foreach (double v in values)
        {
            sum += v;
            min = Math.Min(min, v);
            max = Math.Max(max, v);
        }

        double mean = sum / values.Length, squares = 0;
        foreach (double v in values) squares += (v - mean) * (v - mean);
        return [mean, Math.Sqrt(squares / (values.Length - 1)), min, max, values.Length, max - min];
    }
}
