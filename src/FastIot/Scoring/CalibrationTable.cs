namespace FastIot.Scoring;

/// <summary>
/// How many false alarm episodes a day a healthy sensor raises, when a channel's raw score is the threshold: measured on healthy sensors,
/// monotone, interpolated in the logarithm.
/// </summary>
public sealed class CalibrationTable
{
    /// <summary>Scores beyond the table are judged by its tail's slope, down to this share of its last rate: nobody has measured further.</summary>
    private const double MostExtrapolation = 1e-3;

    /// <summary>The tail's slope is taken over this factor of rates: the last two entries are a handful of episodes apart, and say little.</summary>
    private const double TailFactor = 10;

    private readonly double[] _scores;
    private readonly double[] _logRates;
    private readonly double _tailSlope;

    /// <param name="type">Name of a sensor type, or "*" for all others.</param>
    /// <param name="scores">Rising, at least two.</param>
    /// <param name="ratesPerDay">Falling, above 0.</param>
    /// <exception cref="ModelException">Not monotone, or not of one length.</exception>
    public CalibrationTable(string type, IReadOnlyList<double> scores, IReadOnlyList<double> ratesPerDay)
    {
        Type = type;
        if (scores.Count < 2 || scores.Count != ratesPerDay.Count) throw new ModelException($"calibration of \"{type}\": {scores.Count} scores and {ratesPerDay.Count} rates; there must be as many, and at least two");
        for (int i = 0; i < scores.Count; i++)
        {
            bool rises = i == 0 || scores[i] > scores[i - 1] && ratesPerDay[i] < ratesPerDay[i - 1];
            if (!rises || !double.IsFinite(scores[i]) || !(ratesPerDay[i] > 0)) throw new ModelException($"calibration of \"{type}\": scores must rise and rates fall; entry {i} does not");
        }

        _scores = [.. scores];
        _logRates = [.. ratesPerDay.Select(rate => Math.Log(rate))];
        int last = _scores.Length - 1, tail = last - 1;
        while (tail > 0 && _logRates[tail] - _logRates[last] < Math.Log(TailFactor)) tail--;
        _tailSlope = (_logRates[last] - _logRates[tail]) / (_scores[last] - _scores[tail]);
    }

    public string Type { get; }

    public IReadOnlyList<double> Scores => _scores;

    public IEnumerable<double> RatesPerDay => _logRates.Select(rate => Math.Exp(rate));

    /// <summary>The type's table, or the one of type "*", which there must be.</summary>
    internal static CalibrationTable Of(SensorType type, IReadOnlyList<CalibrationTable> tables)
    {
        string name = type == SensorType.Other ? "*" : SensorTypes.Names[(int)type];
        return tables.FirstOrDefault(t => t.Type == name) ?? tables.First(t => t.Type == "*");
    }

    /// <summary>ln of the false alarms per day at this raw score.</summary>
    public double LogRate(double score)
    {
        if (score <= _scores[0]) return _logRates[0];
        int last = _scores.Length - 1;
        if (score >= _scores[last]) return Math.Max(_logRates[last] + _tailSlope * (score - _scores[last]), _logRates[last] + Math.Log(MostExtrapolation));
        int above = ~Array.BinarySearch(_scores, score);
        if (above < 0) return _logRates[~above];
        double slope = (_logRates[above] - _logRates[above - 1]) / (_scores[above] - _scores[above - 1]);
        return _logRates[above - 1] + slope * (score - _scores[above - 1]);
    }
}
