namespace FastIot.Evaluation;

/// <summary>
/// Compares detectors on labelled series. The rules are those of the model's card: events, not points, are found or missed, at a stated
/// number of false alarms; nothing is point-adjusted.
/// </summary>
public static class Evaluator
{
    public const int DefaultResamples = 400;

    private const int ChanceSeed = 77;

    /// <param name="data">What the series are, for the report.</param>
    /// <param name="progress">Share done, 0 to 1, from several threads.</param>
    public static EvaluationReport Evaluate(EvaluationSet set, string data, int resamples = DefaultResamples, int seed = 1, Action<double>? progress = null, IReadOnlyList<string>? notes = null)
    {
        var resampling = new Resampling(set.Series.Count, resamples, seed);
        List<Placement> placements = ChancePlacements.Draw(set, ChanceSeed + seed);
        var analyses = new DetectorAnalysis[set.Detectors.Count];
        var results = new DetectorResult[analyses.Length];
        int done = 0;
        Parallel.For(0, analyses.Length, new ParallelOptions { MaxDegreeOfParallelism = Math.Min(4, Environment.ProcessorCount) }, i =>
        {
            analyses[i] = new DetectorAnalysis(set, set.Detectors[i], resampling, placements);
            results[i] = analyses[i].Result();
            progress?.Invoke((double)Interlocked.Increment(ref done) / analyses.Length);
        });
        long anomalous = 0, normal = 0;
        for (int s = 0; s < set.Series.Count; s++)
        {
            for (int w = 0; w < set.Series[s].EventOf.Length; w++)
            {
                if (!set.IsScored(s, w)) continue;
                if (set.Series[s].EventOf[w] >= 0) anomalous++;
                else if (set.Series[s].EventOf[w] == EventLabels.Normal) normal++;
            }
        }

        return new EvaluationReport
        {
            Data = data,
            Series = set.Series.Count,
            Windows = set.Windows,
            AnomalousWindows = (double)anomalous / Math.Max(1, anomalous + normal),
            HealthyDays = set.HealthyDays.Sum(),
            Events = set.Events.Count,
            Resamples = resamples,
            Detectors = results,
            Comparisons = [.. Compare(analyses, results)],
            Notes = notes ?? [],
        };
    }

    private static IEnumerable<Comparison> Compare(DetectorAnalysis[] analyses, DetectorResult[] results)
    {
        foreach (double budget in DetectorAnalysis.Budgets)
        {
            double[][] resampled = [.. analyses.Select(a => a.Resampled(budget))];
            for (int m = 0; m < results.Length; m++)
            {
                for (int b = 0; b < results.Length && results[m].Role == DetectorRole.Model; b++)
                {
                    if (results[b].Role != DetectorRole.Baseline) continue;
                    Estimate difference = Resampling.Interval(analyses[m].Detection(budget) - analyses[b].Detection(budget),
                        [.. resampled[m].Zip(resampled[b], (x, y) => x - y)]);
                    yield return new Comparison(results[m].Name, results[b].Name, budget, difference, difference.Low > 0);
                }
            }
        }
    }
}
