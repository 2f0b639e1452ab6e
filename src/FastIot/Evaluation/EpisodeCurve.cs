namespace FastIot.Evaluation;

/// <summary>
/// False alarm episodes as a function of the threshold. A healthy window begins an episode at every threshold up to its own score that is
/// above all scores of the minute before it: so each adds one on an interval, and all thresholds are counted in one sweep.
/// </summary>
public sealed class EpisodeCurve
{
    private readonly float[] _value;
    private readonly int[] _delta;
    private readonly int[] _series;

    private EpisodeCurve(float[] value, int[] delta, int[] series) => (_value, _delta, _series) = (value, delta, series);

    /// <summary>Scores below this are not counted exactly any more: there are far more false alarms than anybody asks for.</summary>
    public float Lowest => _value.Length == 0 ? float.NegativeInfinity : _value[^1];

    /// <param name="mostPerDay">Thresholds at which there are more episodes per day need not be counted.</param>
    public static EpisodeCurve Of(EvaluationSet set, DetectorScores detector, double mostPerDay)
    {
        var steps = new List<(float Value, int Delta, int Series)>();
        for (int s = 0; s < set.Series.Count; s++) AddSeries(set, s, detector.Scores[s], steps);
        steps.Sort((a, b) => b.Value.CompareTo(a.Value));
        double most = mostPerDay * set.HealthyDays.Sum();
        int kept = 0;
        long episodes = 0;
        for (; kept < steps.Count; kept++)
        {
            episodes += steps[kept].Delta;
            bool ends = kept + 1 == steps.Count || steps[kept + 1].Value != steps[kept].Value;
            if (!ends || episodes <= most) continue;
            kept++;
            break;
        }

        return new EpisodeCurve([.. steps.Take(kept).Select(x => x.Value)], [.. steps.Take(kept).Select(x => x.Delta)], [.. steps.Take(kept).Select(x => x.Series)]);
    }

    /// <summary>Episodes of all series at this threshold.</summary>
    /// <param name="weights">How often each series counts; null: once.</param>
    public long Episodes(float threshold, ReadOnlySpan<int> weights = default)
    {
        long episodes = 0;
        for (int i = 0; i < _value.Length && _value[i] >= threshold; i++) episodes += weights.IsEmpty ? _delta[i] : _delta[i] * weights[_series[i]];
        return episodes;
    }

    /// <summary>The lowest threshold at which, and above which, there are no more episodes than this.</summary>
    public float Threshold(double most, ReadOnlySpan<int> weights = default)
    {
        long episodes = 0;
        for (int i = 0; i < _value.Length; i++)
        {
            episodes += weights.IsEmpty ? _delta[i] : _delta[i] * weights[_series[i]];
            bool ends = i + 1 == _value.Length || _value[i + 1] != _value[i];
            if (ends && episodes > most) return float.BitIncrement(_value[i]);
        }

        return Lowest;
    }

    /// <summary>Thresholds at which the number of episodes changes, falling, with the highest number at or above each.</summary>
    public IEnumerable<(float Threshold, long Episodes)> Steps()
    {
        long episodes = 0, most = 0;
        for (int i = 0; i < _value.Length; i++)
        {
            episodes += _delta[i];
            if (i + 1 < _value.Length && _value[i + 1] == _value[i]) continue;
            if (episodes <= most) continue;
            most = episodes;
            yield return (_value[i], episodes);
        }
    }

    private static void AddSeries(EvaluationSet set, int s, float[] scores, List<(float, int, int)> steps)
    {
        EvaluatedSeries series = set.Series[s];
        // Windows of the last minute that nothing later outscores, by falling score: the first is the highest.
        var recent = new LinkedList<(long EndUs, float Score)>();
        for (int w = 0; w < scores.Length; w++)
        {
            if (series.EventOf[w] != EventLabels.Normal || !set.IsScored(s, w)) continue;
            long end = series.EndsUs[w];
            float score = scores[w];
            while (recent.First is { } old && end - old.Value.EndUs > EvaluationSet.GapUs) recent.RemoveFirst();
            float before = recent.First?.Value.Score ?? float.NegativeInfinity;
            if (score > before)
            {
                steps.Add((score, 1, s));
                if (!float.IsNegativeInfinity(before)) steps.Add((before, -1, s));
            }

            while (recent.Last is { } last && last.Value.Score <= score) recent.RemoveLast();
            recent.AddLast((end, score));
        }
    }
}
