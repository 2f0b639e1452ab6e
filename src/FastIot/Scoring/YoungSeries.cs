namespace FastIot.Scoring;

/// <summary>
/// How many times as many false alarms a series raises while its baselines are young as later, at the same threshold: measured, interpolated
/// in the logarithm. Without it the alarm budget would hold for old series only.
/// </summary>
public sealed class YoungSeries
{
    private readonly int[] _windows;
    private readonly double[] _logFactors;

    /// <param name="windows">Windows seen of a series, rising.</param>
    /// <param name="factors">At least 1, not rising.</param>
    /// <exception cref="ModelException">Not so, or not of one length.</exception>
    public YoungSeries(IReadOnlyList<int> windows, IReadOnlyList<double> factors)
    {
        if (windows.Count == 0 || windows.Count != factors.Count) throw new ModelException($"{windows.Count} windows and {factors.Count} factors; there must be as many, and at least one");
        for (int i = 0; i < windows.Count; i++)
        {
            bool follows = i == 0 || windows[i] > windows[i - 1] && factors[i] <= factors[i - 1];
            if (!follows || windows[i] < 0 || !(factors[i] >= 1) || double.IsInfinity(factors[i])) throw new ModelException($"windows must rise from 0, factors fall to 1 at the lowest; entry {i} does not");
        }

        _windows = [.. windows];
        _logFactors = [.. factors.Select(f => Math.Log(f))];
    }

    public IReadOnlyList<int> Windows => _windows;

    public IEnumerable<double> Factors => _logFactors.Select(f => Math.Exp(f));

    /// <summary>ln of the factor; beyond the first and the last entry theirs.</summary>
    public double LogFactor(int windows)
    {
        int last = _windows.Length - 1;
        if (windows >= _windows[last]) return _logFactors[last];
        int above = 0;
        while (_windows[above] <= windows) above++;
        if (above == 0) return _logFactors[0];
        double along = (double)(windows - _windows[above - 1]) / (_windows[above] - _windows[above - 1]);
        return _logFactors[above - 1] + along * (_logFactors[above] - _logFactors[above - 1]);
    }
}
