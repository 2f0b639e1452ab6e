using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Evaluation;

/// <summary>Everything that is counted of one detector.</summary>
internal sealed class DetectorAnalysis
{
    /// <summary>False alarm episodes per sensor-day that detectors are compared at, falling.</summary>
    public static readonly double[] Budgets = [3, 1, .3, .1];

    /// <summary>The predecessor's threshold, and stricter ones.</summary>
    private static readonly double[] s_quantiles = [.95, .99, .995, .999];

    private const double UndisturbedUs = 1_800e6;

    private readonly EvaluationSet _set;
    private readonly DetectorScores _detector;
    private readonly Resampling _resampling;
    private readonly EpisodeCurve _curve;
    private readonly EventTable _events;
    private readonly RankMetrics _ranks;
    private readonly RankBins _bins;
    private readonly float[] _healthy;
    private readonly double _days;

    public DetectorAnalysis(EvaluationSet set, DetectorScores detector, Resampling resampling, IReadOnlyList<Placement> placements)
    {
        (_set, _detector, _resampling) = (set, detector, resampling);
        _days = set.HealthyDays.Sum();
        (float[] scores, bool[] labels) = Labelled(_ => true);
        _healthy = detector.Healthy ?? [.. scores.Where((_, i) => !labels[i])];
        Array.Sort(_healthy);
        _ranks = RankMetrics.Of(scores, labels);
        _bins = new RankBins(set, detector, scores);
        // Far enough for the widest budget in every resample, and for the plot.
        _curve = EpisodeCurve.Of(set, detector, Math.Max(100, 8 * Budgets[0]));
        _events = new EventTable(set, detector, placements);
    }

    public DetectorResult Result()
    {
        double[] roc = new double[_resampling.Count], pr = new double[_resampling.Count], f1 = new double[_resampling.Count];
        for (int r = 0; r < _resampling.Count; r++)
        {
            RankMetrics resampled = _bins.Of(_resampling.Weights(r));
            (roc[r], pr[r], f1[r]) = (resampled.RocAuc(), resampled.PrAuc(), resampled.BestF1(.95));
        }

        return new DetectorResult(_detector.Name, _detector.Role,
            Resampling.Interval(_ranks.RocAuc(), roc), Resampling.Interval(_ranks.PrAuc(), pr), _ranks.BestF1(), Resampling.Interval(_ranks.BestF1(.95), f1), RocByKind(),
            [.. s_quantiles.Where(_ => _healthy.Length > 0).Select(AtQuantile)],
            [.. Budgets.Select(b => At(b, _curve.Threshold(b * _days), r => _curve.Threshold(b * Days(r), _resampling.Weights(r))))],
            [.. _detector.Thresholds.OrderByDescending(t => t.Key).Select(t => At(t.Key, t.Value, null))],
            Points(_ranks.RocCurve()), Points(_ranks.PrCurve()), BudgetCurve());
    }

    /// <summary>Detection in each resample, at thresholds that meet the budget there.</summary>
    public double[] Resampled(double budget) =>
        [.. Enumerable.Range(0, _resampling.Count).Select(r => _events.Share(_curve.Threshold(budget * Days(r), _resampling.Weights(r)), null, _resampling.Weights(r)))];

    public double Detection(double budget) => _events.Share(_curve.Threshold(budget * _days));

    private static CurvePoint[] Points((double X, double Y)[] points) => [.. points.Select(p => new CurvePoint(p.X, p.Y))];

    private double Days(int resample)
    {
        ReadOnlySpan<int> weights = _resampling.Weights(resample);
        double days = 0;
        for (int s = 0; s < weights.Length; s++) days += weights[s] * _set.HealthyDays[s];
        return days;
    }

    /// <param name="resampled">Threshold of a resample; null: it is fixed.</param>
    private OperatingPoint At(double budget, float threshold, Func<int, float>? resampled)
    {
        float[] thresholds = [.. Enumerable.Range(0, _resampling.Count).Select(r => resampled?.Invoke(r) ?? threshold)];
        Estimate Share(Func<ShownEvent, bool>? group) => Resampling.Interval(_events.Share(threshold, group),
            [.. thresholds.Select((t, r) => _events.Share(t, group, _resampling.Weights(r)))]);
        var rate = Resampling.Interval(Rate(threshold), [.. thresholds.Select((t, r) => FalseAlarms(t, r) / Days(r))]);
        AnomalyKind[] kinds = [.. _set.Events.Select(e => e.Truth.Kind).Distinct()];
        PrecisionRecall windows = _ranks.At(threshold);
        var delays = Sorted(kinds, AnomalyKinds.Name, k => _events.Delays(threshold, e => e.Truth.Kind == k));
        var medians = new SortedDictionary<string, double>(delays.Where(d => d.Value.Length > 0).ToDictionary(d => d.Key, d => Resampling.Quantile(d.Value, .5)), StringComparer.Ordinal);
        return new OperatingPoint(budget, threshold, rate, Undisturbed(threshold), Share(null), Share(e => e.Truth.Tier is AnomalyTier.Easy or AnomalyTier.Medium),
            _events.Chance(threshold), windows.Precision, windows.Recall, windows.F1,
            Sorted(kinds, AnomalyKinds.Name, k => Share(e => e.Truth.Kind == k)),
            Sorted([.. _set.Events.Select(e => e.Truth.Tier).OfType<AnomalyTier>().Distinct()], AnomalyTiers.Name, t => _events.Count(threshold, e => e.Truth.Tier == t)),
            Sorted([.. _set.Events.Select(e => e.Type).Distinct()], TypeName, t => _events.Count(threshold, e => e.Type == t)),
            _events.ByKindAndTier(threshold), EventTable.Median(_events.Delays(threshold)), medians, delays);
    }

    private static string TypeName(SensorType type) => type == SensorType.Other ? "other" : SensorTypes.Names[(int)type];

    private static SortedDictionary<string, TValue> Sorted<TKey, TValue>(TKey[] keys, Func<TKey, string> name, Func<TKey, TValue> value)
    {
        var sorted = new SortedDictionary<string, TValue>(StringComparer.Ordinal);
        foreach (TKey key in keys) sorted.Add(name(key), value(key));
        return sorted;
    }

    private double Rate(float threshold) => FalseAlarms(threshold, null) / _days;

    /// <summary>Below what the curve holds there are more than anybody asks for; counted anew.</summary>
    private double FalseAlarms(float threshold, int? resample)
    {
        ReadOnlySpan<int> weights = resample is { } r ? _resampling.Weights(r) : default;
        if (threshold >= _curve.Lowest) return _curve.Episodes(threshold, weights);
        return _slowEpisodes.Of(_set, _detector, threshold, weights);
    }

    private readonly SlowEpisodes _slowEpisodes = new();

    private double Undisturbed(float threshold)
    {
        long windows = 0, episodes = 0;
        for (int s = 0; s < _set.Series.Count; s++)
        {
            EvaluatedSeries series = _set.Series[s];
            long last = long.MinValue / 2;
            long[] eventEnds = [.. series.Events.Select(e => e.EndUs).Order()];
            for (int w = 0; w < series.EndsUs.Length; w++)
            {
                if (series.EventOf[w] != EventLabels.Normal || !_set.IsScored(s, w)) continue;
                long end = series.EndsUs[w];
                int before = EventLabels.LowerBound(eventEnds, end - _set.WindowUs + 1) - 1;
                bool undisturbed = before < 0 || end - _set.WindowUs - eventEnds[before] > UndisturbedUs;
                if (undisturbed) windows++;
                if (!(_detector.Scores[s][w] >= threshold)) continue;
                if (undisturbed && end - last > EvaluationSet.GapUs) episodes++;
                last = end;
            }
        }

        return episodes / (windows * _set.SlideUs / 86_400e6);
    }

    private QuantilePoint AtQuantile(double quantile)
    {
        float threshold = _healthy[Math.Min(_healthy.Length - 1, (int)Math.Ceiling(quantile * _healthy.Length))];
        PrecisionRecall windows = _ranks.At(threshold);
        return new QuantilePoint(quantile, threshold, windows.Precision, windows.Recall, windows.F1, Rate(threshold), _events.Share(threshold), _events.Chance(threshold));
    }

    private SortedDictionary<string, double> RocByKind() => Sorted([.. _set.Events.Select(e => e.Truth.Kind).Distinct()], AnomalyKinds.Name, kind =>
    {
        (float[] scores, bool[] labels) = Labelled(e => e.Kind == kind);
        return RankMetrics.Of(scores, labels).RocAuc();
    });

    private (float[] Scores, bool[] IsAnomaly) Labelled(Func<TruthEvent, bool> wanted)
    {
        var scores = new List<float>();
        var labels = new List<bool>();
        for (int s = 0; s < _set.Series.Count; s++)
        {
            EvaluatedSeries series = _set.Series[s];
            for (int w = 0; w < series.EventOf.Length; w++)
            {
                int label = series.EventOf[w];
                if (label == EventLabels.DoNotCare || !_set.IsScored(s, w) || label >= 0 && !wanted(series.Events[label])) continue;
                scores.Add(_detector.Scores[s][w]);
                labels.Add(label >= 0);
            }
        }

        return ([.. scores], [.. labels]);
    }

    private CurvePoint[] BudgetCurve()
    {
        var points = new List<CurvePoint>();
        double last = 0;
        foreach ((float threshold, long episodes) in _curve.Steps())
        {
            double rate = episodes / _days;
            if (rate < last * 1.1) continue;
            last = rate;
            points.Add(new CurvePoint(rate, _events.Share(threshold)));
        }

        return [.. points];
    }
}

/// <summary>Episodes counted window by window, by series, so that each threshold is counted once for all resamples.</summary>
internal sealed class SlowEpisodes
{
    private float _threshold = float.NaN;
    private long[] _bySeries = [];

    public long Of(EvaluationSet set, DetectorScores detector, float threshold, ReadOnlySpan<int> weights)
    {
        if (threshold != _threshold) (_threshold, _bySeries) = (threshold, [.. set.Series.Select((s, i) => Episodes(set, s, i, detector.Scores[i], threshold))]);
        long sum = 0;
        for (int s = 0; s < _bySeries.Length; s++) sum += _bySeries[s] * (weights.IsEmpty ? 1 : weights[s]);
        return sum;
    }

    private static long Episodes(EvaluationSet set, EvaluatedSeries series, int index, float[] scores, float threshold)
    {
        long episodes = 0, last = long.MinValue / 2;
        for (int w = 0; w < scores.Length; w++)
        {
            if (series.EventOf[w] != EventLabels.Normal || !set.IsScored(index, w) || !(scores[w] >= threshold)) continue;
            if (series.EndsUs[w] - last > EvaluationSet.GapUs) episodes++;
            last = series.EndsUs[w];
        }

        return episodes;
    }
}
