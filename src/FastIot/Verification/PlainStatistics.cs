namespace FastIot.Verification;

/// <summary>The features of one window, from its readings themselves.</summary>
/// <param name="StdDev">NaN for one reading, or where it is beyond a double.</param>
/// <param name="LastOffset">Offset of the window's last reading in the log.</param>
internal readonly record struct PlainFeatures(double Mean, double StdDev, double Min, double Max, long Count, long LastOffset)
{
    public double Range => Max - Min;
}

/// <summary>
/// Mean and sample standard deviation in two passes with compensated sums: an error of a few units in the last place, whatever the mean.
/// Shares nothing with the engine's panes and merges.
/// </summary>
internal static class PlainStatistics
{
    /// <summary>Beyond this, squares and sums could leave the range of a double: everything is scaled down, and the results up again.</summary>
    private const double Huge = 1e140;
    private const double Tiny = 1e-140;
    private const double Scale = 1e160;

    public static PlainFeatures Of(IReadOnlyCollection<(double Value, long Offset)> readings)
    {
        double min = double.PositiveInfinity, max = double.NegativeInfinity;
        long last = -1;
        foreach ((double value, long offset) in readings)
        {
            min = Math.Min(min, value);
            max = Math.Max(max, value);
            last = Math.Max(last, offset);
        }

        double largest = Math.Max(Math.Abs(min), Math.Abs(max)), spread = max - min;
        double factor = largest > Huge ? 1 / Scale : spread < Tiny && spread > 0 && largest < 1 ? Scale : 1;
        double mean = Sum(readings.Select(r => r.Value * factor)) / readings.Count;
        double deviations = Sum(readings.Select(r => r.Value * factor - mean));
        double squares = Sum(readings.Select(r => (r.Value * factor - mean) * (r.Value * factor - mean)));
        // The mean is rounded: what the deviations do not sum up to 0 by is its error.
        double variance = (squares - deviations * deviations / readings.Count) / (readings.Count - 1);
        double stddev = readings.Count < 2 ? double.NaN : Math.Sqrt(Math.Max(0, variance)) / factor;
        return new PlainFeatures(mean / factor, double.IsFinite(stddev) ? stddev : double.NaN, min, max, readings.Count, last);
    }

    /// <summary>Neumaier's sum: the digits that each addition loses are summed up beside it.</summary>
    private static double Sum(IEnumerable<double> values)
    {
        double sum = 0, lost = 0;
        foreach (double value in values)
        {
            double next = sum + value;
            lost += Math.Abs(sum) >= Math.Abs(value) ? sum - next + value : value - next + sum;
            sum = next;
        }

        return sum + lost;
    }
}
