namespace FastIot.Scoring;

/// <summary>
/// Turns the model's raw outputs into the published score. Each channel (scoring head, reconstruction error) has its share of the budget of
/// false alarms (a model with one channel: all of it), and the channel that is further beyond its share decides. Young series, which raise
/// more of them, must be further beyond. What this comes to altogether is calibrated once more: the channels' alarms often coincide, so that
/// their shares by themselves would give fewer than asked for. The published score is (budget / rate)^log10 2: 1 where the rate is what the budget allows, doubled for each tenth of it.
/// </summary>
public sealed class AlarmThresholds
{
    /// <summary>Beyond this a score says nothing more.</summary>
    public const float MaxScore = 100;

    private static readonly double s_exponent = Math.Log10(2);

    private readonly CalibrationTable? _head;
    private readonly CalibrationTable[]? _reconstruction;
    private readonly YoungSeries? _young;
    private readonly CalibrationTable? _combined;
    private readonly double _logHeadShare;
    private readonly double _logReconstructionShare;
    private readonly double _logBudget;

    /// <param name="budget">False alarm episodes that a healthy sensor may raise in a day.</param>
    public AlarmThresholds(ModelManifest manifest, double budget) : this(manifest.HeadCalibration, manifest.Reconstruction, manifest.HeadShare, budget, manifest.Young, manifest.Combined)
    {
    }

    /// <param name="head">Calibration of the scoring head; null where the model has none.</param>
    /// <param name="reconstruction">Calibrations of the reconstruction error by sensor type, "*" among them; none where the model has no such error.</param>
    /// <param name="headShare">The head's share of the budget: above 0 and below 1 where there are both.</param>
    /// <param name="budget">False alarm episodes that a healthy sensor may raise in a day.</param>
    /// <param name="young">Null: series of all ages are judged alike.</param>
    /// <param name="combined">From <see cref="Nominal"/> to the rate of all channels and ages together; null: taken as it is.</param>
    internal AlarmThresholds(CalibrationTable? head, IReadOnlyList<CalibrationTable> reconstruction, double headShare, double budget, YoungSeries? young = null, CalibrationTable? combined = null)
    {
        if (!(budget > 0) || !double.IsFinite(budget)) throw new ArgumentOutOfRangeException(nameof(budget), $"the alarm budget must be a number above 0, not {budget}");
        _head = head;
        _young = young;
        _combined = combined;
        if (reconstruction.Count > 0) _reconstruction = [.. Enumerable.Range(-1, SensorTypes.Count + 1).Select(type => CalibrationTable.Of((SensorType)type, reconstruction))];
        _logHeadShare = Math.Log(headShare);
        _logReconstructionShare = Math.Log(1 - headShare);
        _logBudget = Math.Log(budget);
    }

    /// <summary>Judges one window by the model's raw outputs; what a channel that the model has not got says does not matter.</summary>
    /// <param name="windows">Windows seen of the series, this one included.</param>
    public Verdict Judge(float score, float reconstructionError, SensorType type, int windows)
    {
        if (!Judges(score, reconstructionError)) return new Verdict(float.NaN, float.NaN, false, false);
        (double nominal, bool byHead) = Nominal(score, reconstructionError, type, windows);
        double logRate = _combined?.LogRate(nominal) ?? -nominal;
        float published = (float)Math.Min(Math.Exp((_logBudget - logRate) * s_exponent), MaxScore);
        return new Verdict(published, (float)Math.Exp(logRate), published >= 1, byHead);
    }

    /// <summary>Whether the outputs of the channels that there are, are numbers.</summary>
    internal bool Judges(float score, float reconstructionError) => (_head == null || float.IsFinite(score)) && (_reconstruction == null || float.IsFinite(reconstructionError));

    /// <summary>
    /// −ln of the false alarms per day that the deciding channel's score would mean if that channel had the whole budget, and the series' age
    /// mattered as measured: comparable between channels and ages. The raw scores must be finite.
    /// </summary>
    internal (double Nominal, bool ByHead) Nominal(float score, float reconstructionError, SensorType type, int windows)
    {
        double head = _head == null ? double.PositiveInfinity : _head.LogRate(score) - _logHeadShare;
        double reconstruction = _reconstruction == null ? double.PositiveInfinity : _reconstruction[(int)type + 1].LogRate(reconstructionError) - _logReconstructionShare;
        return (-Math.Min(head, reconstruction) - (_young?.LogFactor(windows) ?? 0), head <= reconstruction);
    }
}
