namespace FastIot.Evaluation;

/// <summary>Precision, recall and their harmonic mean at one threshold; all 0 where nothing alarms.</summary>
public readonly record struct PrecisionRecall(double Precision, double Recall)
{
    public double F1 => Precision + Recall > 0 ? 2 * Precision * Recall / (Precision + Recall) : 0;
}

/// <summary>
/// How well a score ranks windows, counted exactly over all thresholds. Each window counts by itself: an event that is found by one window
/// does not make its other windows right (no point adjustment).
/// </summary>
public sealed class RankMetrics
{
    private const int PlotPoints = 200;

    private readonly long[] _positivesAt;
    private readonly long[] _negativesAt;
    private readonly float[] _thresholds;

    private RankMetrics(float[] thresholds, long[] positivesAt, long[] negativesAt) =>
        (_thresholds, _positivesAt, _negativesAt) = (thresholds, positivesAt, negativesAt);

    public long Positives => _positivesAt.Length == 0 ? 0 : _positivesAt[^1];

    public long Negatives => _negativesAt.Length == 0 ? 0 : _negativesAt[^1];

    /// <param name="scores">No NaN. Sorted in place, labels along.</param>
    public static RankMetrics Of(float[] scores, bool[] isAnomaly)
    {
        Array.Sort(scores, isAnomaly);
        var thresholds = new List<float>();
        List<long> positives = [], negatives = [];
        long above = 0, aboveNormal = 0;
        for (int i = scores.Length - 1; i >= 0; i--)
        {
            if (isAnomaly[i]) above++;
            else aboveNormal++;
            if (i > 0 && scores[i - 1] == scores[i]) continue;
            thresholds.Add(scores[i]);
            positives.Add(above);
            negatives.Add(aboveNormal);
        }

        return new RankMetrics([.. thresholds], [.. positives], [.. negatives]);
    }

    /// <summary>Counts by falling score, as <see cref="Of"/> makes them: of bins instead of distinct scores.</summary>
    internal static RankMetrics OfCounts(ReadOnlySpan<long> positives, ReadOnlySpan<long> negatives)
    {
        long[] above = new long[positives.Length], aboveNormal = new long[positives.Length];
        long p = 0, n = 0;
        for (int i = 0; i < positives.Length; i++)
        {
            above[i] = p += positives[i];
            aboveNormal[i] = n += negatives[i];
        }

        return new RankMetrics([], above, aboveNormal);
    }

    /// <summary>Chance that an anomalous window scores higher than a normal one, ties counting half; NaN without one of either.</summary>
    public double RocAuc()
    {
        if (Positives == 0 || Negatives == 0) return double.NaN;
        double area = 0;
        long lastP = 0, lastN = 0;
        for (int i = 0; i < _positivesAt.Length; i++)
        {
            area += (_negativesAt[i] - lastN) * (lastP + _positivesAt[i]) / 2.0;
            (lastP, lastN) = (_positivesAt[i], _negativesAt[i]);
        }

        return area / ((double)Positives * Negatives);
    }

    /// <summary>Average precision: the precision at each threshold weighted by the recall it adds; NaN without an anomaly.</summary>
    public double PrAuc()
    {
        if (Positives == 0) return double.NaN;
        double area = 0;
        long last = 0;
        for (int i = 0; i < _positivesAt.Length; i++)
        {
            if (_positivesAt[i] == last) continue;
            area += (_positivesAt[i] - last) * ((double)_positivesAt[i] / (_positivesAt[i] + _negativesAt[i]));
            last = _positivesAt[i];
        }

        return area / Positives;
    }

    /// <summary>Highest F1 of all thresholds whose precision is at least this; 0 where there is none.</summary>
    public double BestF1(double leastPrecision = 0)
    {
        double best = 0;
        for (int i = 0; i < _positivesAt.Length; i++)
        {
            PrecisionRecall at = Place(i);
            if (at.Precision >= leastPrecision) best = Math.Max(best, at.F1);
        }

        return best;
    }

    /// <summary>Where windows that score at least this alarm.</summary>
    public PrecisionRecall At(float threshold)
    {
        int low = 0, high = _thresholds.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_thresholds[middle] >= threshold) low = middle + 1;
            else high = middle;
        }

        return low == 0 ? default : Place(low - 1);
    }

    /// <summary>The ROC curve as (false positive rate, true positive rate), thinned.</summary>
    public (double X, double Y)[] RocCurve() => Curve(i => (_negativesAt[i] / (double)Math.Max(1, Negatives), _positivesAt[i] / (double)Math.Max(1, Positives)), (0, 0));

    /// <summary>The precision-recall curve as (recall, precision), thinned.</summary>
    public (double X, double Y)[] PrCurve() => Curve(i => (Place(i).Recall, Place(i).Precision), null);

    private PrecisionRecall Place(int i) =>
        new((double)_positivesAt[i] / Math.Max(1, _positivesAt[i] + _negativesAt[i]), (double)_positivesAt[i] / Math.Max(1, Positives));

    /// <summary>Points at equal steps along the curve, so that steep parts keep theirs.</summary>
    private (double X, double Y)[] Curve(Func<int, (double X, double Y)> at, (double X, double Y)? origin)
    {
        var points = new List<(double X, double Y)>();
        if (origin is { } o) points.Add(o);
        for (int i = 0; i < _positivesAt.Length; i++)
        {
            (double x, double y) = at(i);
            bool isLast = i == _positivesAt.Length - 1;
            if (points.Count > 0 && !isLast && Math.Abs(x - points[^1].X) + Math.Abs(y - points[^1].Y) < 2.0 / PlotPoints) continue;
            points.Add((x, y));
        }

        return [.. points];
    }
}
