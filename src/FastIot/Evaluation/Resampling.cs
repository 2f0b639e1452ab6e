namespace FastIot.Evaluation;

/// <summary>Bootstrap over series: how often each counts in each resample, drawn with replacement. The same for all detectors, so that differences are paired.</summary>
public sealed class Resampling
{
    private readonly int[][] _weights;

    /// <param name="seed">The same seed draws the same resamples.</param>
    public Resampling(int series, int resamples, int seed)
    {
        var random = new Random(seed);
        _weights = new int[resamples][];
        for (int r = 0; r < resamples; r++)
        {
            int[] weights = _weights[r] = new int[series];
            for (int i = 0; i < series; i++) weights[random.Next(series)]++;
        }
    }

    public int Count => _weights.Length;

    public ReadOnlySpan<int> Weights(int resample) => _weights[resample];

    /// <summary>The value with the interval that holds the middle 95 % of its resamples; resamples without a value (NaN) are left out.</summary>
    public static Estimate Interval(double value, ReadOnlySpan<double> resampled)
    {
        double[] sorted = [.. resampled.ToArray().Where(x => !double.IsNaN(x)).Order()];
        return sorted.Length == 0 ? new Estimate(value, double.NaN, double.NaN) : new Estimate(value, Quantile(sorted, .025), Quantile(sorted, .975));
    }

    /// <summary>Linear interpolation between order statistics.</summary>
    internal static double Quantile(ReadOnlySpan<double> sorted, double share)
    {
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        return below + 1 >= sorted.Length ? sorted[^1] : sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]);
    }
}
