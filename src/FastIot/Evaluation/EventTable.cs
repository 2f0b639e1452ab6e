using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Evaluation;

/// <summary>One detector's highest score within each event: the event is found at every threshold up to it.</summary>
internal sealed class EventTable
{
    private readonly EvaluationSet _set;
    private readonly DetectorScores _detector;
    private readonly float[] _peak;
    private readonly float[] _chancePeaks;

    /// <param name="placements">Stretches for the chance level, see <see cref="ChancePlacements"/>.</param>
    public EventTable(EvaluationSet set, DetectorScores detector, IReadOnlyList<Placement> placements)
    {
        (_set, _detector) = (set, detector);
        _peak = [.. set.Events.Select(e => e.Windows.Max(w => detector.Scores[e.Series][w]))];
        _chancePeaks = [.. placements.Select(p => detector.Scores[p.Series].AsSpan(p.First, p.Length).ToArray().Max())];
    }

    public double Chance(float threshold) => _chancePeaks.Length == 0 ? double.NaN : (double)_chancePeaks.Count(p => p >= threshold) / _chancePeaks.Length;

    /// <summary>Weighted share of the events of a group found; NaN without any.</summary>
    public double Share(float threshold, Func<ShownEvent, bool>? group = null, ReadOnlySpan<int> weights = default)
    {
        long events = 0, found = 0;
        for (int e = 0; e < _peak.Length; e++)
        {
            ShownEvent shown = _set.Events[e];
            if (group != null && !group(shown)) continue;
            int weight = weights.IsEmpty ? 1 : weights[shown.Series];
            events += weight;
            if (_peak[e] >= threshold) found += weight;
        }

        return events == 0 ? double.NaN : (double)found / events;
    }

    public Found Count(float threshold, Func<ShownEvent, bool> group)
    {
        int[] members = [.. Enumerable.Range(0, _peak.Length).Where(e => group(_set.Events[e]))];
        return new Found(members.Length, members.Count(e => _peak[e] >= threshold));
    }

    /// <summary>Seconds from each found event's start to its first alarm, rising.</summary>
    public double[] Delays(float threshold, Func<ShownEvent, bool>? group = null)
    {
        var delays = new List<double>();
        for (int e = 0; e < _peak.Length; e++)
        {
            ShownEvent shown = _set.Events[e];
            if (_peak[e] < threshold || group != null && !group(shown)) continue;
            float[] scores = _detector.Scores[shown.Series];
            int first = shown.Windows.First(w => scores[w] >= threshold);
            delays.Add(Math.Max(0, (_set.Series[shown.Series].EndsUs[first] - shown.Truth.StartUs) / 1e6));
        }

        delays.Sort();
        return [.. delays];
    }

    public KindTier[] ByKindAndTier(float threshold) =>
    [
        .. _set.Events.Select(e => (e.Truth.Kind, e.Truth.Tier)).Distinct().OrderBy(x => x.Kind).ThenBy(x => x.Tier).Select(g =>
        {
            bool Group(ShownEvent e) => (e.Truth.Kind, e.Truth.Tier) == g;
            Found found = Count(threshold, Group);
            return new KindTier(AnomalyKinds.Name(g.Kind), g.Tier is { } tier ? AnomalyTiers.Name(tier) : null, found.Events, found.Detected, Median(Delays(threshold, Group)));
        }),
    ];

    public static double? Median(double[] sorted) => sorted.Length == 0 ? null : Resampling.Quantile(sorted, .5);
}

/// <summary>A stretch of healthy windows as long as an event.</summary>
internal readonly record struct Placement(int Series, int First, int Length);

internal static class ChancePlacements
{
    private const int PerEvent = 10;
    private const int Tries = 40;

    /// <summary>
    /// For each event some stretches of as many healthy windows, drawn at random: of its own series, or of any where that has no room.
    /// </summary>
    public static List<Placement> Draw(EvaluationSet set, int seed)
    {
        var random = new Random(seed);
        var placements = new List<Placement>();
        int[][] healthyUntil = [.. set.Series.Select((s, i) => HealthyUntil(set, s, i))];
        foreach (ShownEvent shown in set.Events)
        {
            int length = shown.Windows.Length;
            for (int found = 0, tries = 0; found < PerEvent && tries < 2 * Tries; tries++)
            {
                int series = tries < Tries ? shown.Series : random.Next(healthyUntil.Length);
                int[] until = healthyUntil[series];
                if (until.Length < length) continue;
                int first = random.Next(until.Length - length + 1);
                if (until[first] < first + length) continue;
                placements.Add(new Placement(series, first, length));
                found++;
            }
        }

        return placements;
    }

    /// <summary>By window the end of the run of scored healthy windows, a slide apart, that begins there.</summary>
    private static int[] HealthyUntil(EvaluationSet set, EvaluatedSeries series, int index)
    {
        int[] until = new int[series.EndsUs.Length];
        for (int w = until.Length - 1; w >= 0; w--)
        {
            bool healthy = series.EventOf[w] == EventLabels.Normal && set.IsScored(index, w);
            bool goesOn = healthy && w + 1 < until.Length && until[w + 1] > w + 1 && series.EndsUs[w + 1] - series.EndsUs[w] == set.SlideUs;
            until[w] = !healthy ? w : goesOn ? until[w + 1] : w + 1;
        }

        return until;
    }
}
