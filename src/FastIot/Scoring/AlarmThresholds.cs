namespace FastIot.Scoring;

/// <summary>
/// Turns the model's raw outputs into the published score. Each channel (scoring head, reconstruction error) has its share of the budget of
/// false alarms (a model with one channel: all of it); its score is (share · budget / rate)^log10 2: 1 where the rate is what the budget allows, doubled for each tenth of it.
/// </summary>
public sealed class AlarmThresholds
{
    /// <summary>Beyond this a score says nothing more.</summary>
    public const float MaxScore = 100;

    private static readonly double s_exponent = Math.Log10(2);

    private readonly CalibrationTable? _head;
    private readonly CalibrationTable[]? _reconstruction;
    private readonly double _logHeadShare;
    private readonly double _logReconstructionShare;
    private readonly double _logBudget;

    /// <param name="budget">False alarm episodes that a healthy sensor may raise in a day.</param>
    public AlarmThresholds(ModelManifest manifest, double budget) : this(manifest.HeadCalibration, manifest.Reconstruction, manifest.HeadShare, budget)
    {
    }

    /// <param name="head">Calibration of the scoring head; null where the model has none.</param>
    /// <param name="reconstruction">Calibrations of the reconstruction error by sensor type, "*" among them; none where the model has no such error.</param>
    /// <param name="headShare">The head's share of the budget: above 0 and below 1 where there are both.</param>
    /// <param name="budget">False alarm episodes that a healthy sensor may raise in a day.</param>
    internal AlarmThresholds(CalibrationTable? head, IReadOnlyList<CalibrationTable> reconstruction, double headShare, double budget)
    {
        if (!(budget > 0) || !double.IsFinite(budget)) throw new ArgumentOutOfRangeException(nameof(budget), $"the alarm budget must be a number above 0, not {budget}");
        _head = head;
        if (reconstruction.Count > 0) _reconstruction = [.. Enumerable.Range(-1, SensorTypes.Count + 1).Select(type => CalibrationTable.Of((SensorType)type, reconstruction))];
        _logHeadShare = Math.Log(headShare);
        _logReconstructionShare = Math.Log(1 - headShare);
        _logBudget = Math.Log(budget);
    }

    /// <summary>Judges one window by the model's raw outputs; what a channel that the model has not got says does not matter.</summary>
    public Verdict Judge(float score, float reconstructionError, SensorType type)
    {
        bool known = (_head == null || float.IsFinite(score)) && (_reconstruction == null || float.IsFinite(reconstructionError));
        if (!known) return new Verdict(float.NaN, float.NaN, false, false);
        // Rates as if each channel had the whole budget: comparable, and equal to it at the threshold.
        double head = _head == null ? double.PositiveInfinity : _head.LogRate(score) - _logHeadShare;
        double reconstruction = _reconstruction == null ? double.PositiveInfinity : _reconstruction[(int)type + 1].LogRate(reconstructionError) - _logReconstructionShare;
        double logRate = Math.Min(head, reconstruction);
        float published = (float)Math.Min(Math.Exp((_logBudget - logRate) * s_exponent), MaxScore);
        return new Verdict(published, (float)Math.Exp(logRate), published >= 1, head <= reconstruction);
    }
}
