using FastIot.Scoring;

namespace FastIot.Evaluation;

/// <summary>One series: its windows and what they show.</summary>
/// <param name="Name">Sensor and metric, as the scores call it.</param>
/// <param name="EndsUs">Window ends, rising.</param>
/// <param name="EventOf">By window, see <see cref="EventLabels"/>.</param>
public sealed record EvaluatedSeries(string Name, SensorType Type, long[] EndsUs, int[] EventOf, IReadOnlyList<TruthEvent> Events);

/// <summary>What a detector is in a comparison.</summary>
public enum DetectorRole
{
    /// <summary>Compared with each baseline.</summary>
    Model,

    /// <summary>One output of a model by itself: shown, not compared.</summary>
    Channel,
    Baseline,
}

/// <summary>A detector's scores: [series][window], higher is worse; NaN where it has none.</summary>
/// <param name="Thresholds">
/// By alarm budget (false alarm episodes per sensor-day): the score from which on it alarms, fixed without a look at these series. Empty: none
/// is known.
/// </param>
/// <param name="Healthy">Scores of healthy series, from which quantile thresholds are taken; null: the healthy windows of this set.</param>
public sealed record DetectorScores(string Name, DetectorRole Role, float[][] Scores, IReadOnlyDictionary<double, float> Thresholds, float[]? Healthy = null);

/// <summary>Series with their truth, on which detectors are compared.</summary>
public sealed class EvaluationSet
{
    /// <summary>Windows that lie at most this far apart belong to one alarm episode.</summary>
    public const long GapUs = 60_000_000;

    private const double DayUs = 86_400e6;

    private readonly bool[][] _scored;

    /// <param name="detectors">Windows without a score of any one of them are left out for all: all are judged by the same windows.</param>
    public EvaluationSet(IReadOnlyList<EvaluatedSeries> series, IReadOnlyList<DetectorScores> detectors, long windowUs, long slideUs)
    {
        (Series, Detectors, WindowUs, SlideUs) = (series, detectors, windowUs, slideUs);
        _scored = [.. series.Select((s, i) => Scored(s, i, detectors))];
        HealthyDays = [.. series.Select((s, i) => s.EventOf.Where((label, w) => label == EventLabels.Normal && _scored[i][w]).Count() * slideUs / DayUs)];
        Events = [.. series.SelectMany((s, i) => EventsOf(s, i))];
    }

    public IReadOnlyList<EvaluatedSeries> Series { get; }

    public IReadOnlyList<DetectorScores> Detectors { get; }

    public long WindowUs { get; }

    public long SlideUs { get; }

    /// <summary>Days of scored healthy windows, by series.</summary>
    public double[] HealthyDays { get; }

    /// <summary>Events with at least one scored window that shows them.</summary>
    public IReadOnlyList<ShownEvent> Events { get; }

    public bool IsScored(int series, int window) => _scored[series][window];

    public long Windows => _scored.Sum(s => (long)s.Count(x => x));

    private static bool[] Scored(EvaluatedSeries series, int index, IReadOnlyList<DetectorScores> detectors)
    {
        bool[] scored = new bool[series.EndsUs.Length];
        Array.Fill(scored, true);
        foreach (DetectorScores detector in detectors)
        {
            float[] scores = detector.Scores[index];
            if (scores.Length != scored.Length) throw new ArgumentException($"{detector.Name} has {scores.Length} scores of {series.Name}, which has {scored.Length} windows");
            for (int w = 0; w < scored.Length; w++) scored[w] &= !float.IsNaN(scores[w]);
        }

        return scored;
    }

    private IEnumerable<ShownEvent> EventsOf(EvaluatedSeries series, int index)
    {
        var windows = new List<int>[series.Events.Count];
        for (int w = 0; w < series.EventOf.Length; w++)
        {
            if (series.EventOf[w] >= 0 && _scored[index][w]) (windows[series.EventOf[w]] ??= []).Add(w);
        }

        for (int e = 0; e < windows.Length; e++)
        {
            if (windows[e] is { } shown) yield return new ShownEvent(index, series.Type, series.Events[e], [.. shown]);
        }
    }
}

/// <summary>An event that can be found.</summary>
/// <param name="Series">Index of its series.</param>
/// <param name="Windows">Windows that show it, rising.</param>
public sealed record ShownEvent(int Series, SensorType Type, TruthEvent Truth, int[] Windows);
