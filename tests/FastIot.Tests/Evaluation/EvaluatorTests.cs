using FastIot.Evaluation;
using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Tests.Evaluation;

/// <summary>The evaluator against counts by the book: every threshold, every window, every event.</summary>
public sealed class EvaluatorTests
{
    [Fact]
    public void Episodes_at_every_threshold_are_those_counted_window_by_window()
    {
        for (int seed = 0; seed < 30; seed++)
        {
            EvaluationSet set = RandomSets.Draw(seed, 4, 300, ("a", false));
            EpisodeCurve curve = EpisodeCurve.Of(set, set.Detectors[0], double.PositiveInfinity);
            var weights = new Resampling(4, 1, seed).Weights(0).ToArray();
            foreach (float t in set.Detectors[0].Scores.SelectMany(s => s).Where(float.IsFinite).Distinct().Order())
            {
                Assert.Equal(Enumerable.Range(0, 4).Sum(s => Episodes(set, set.Detectors[0], s, t)), curve.Episodes(t));
                Assert.Equal(Enumerable.Range(0, 4).Sum(s => weights[s] * Episodes(set, set.Detectors[0], s, t)), curve.Episodes(t, weights));
            }
        }
    }

    [Fact]
    public void The_threshold_of_a_budget_is_the_lowest_that_keeps_it_at_every_higher_one()
    {
        for (int seed = 0; seed < 30; seed++)
        {
            EvaluationSet set = RandomSets.Draw(seed, 4, 300, ("a", false));
            EpisodeCurve curve = EpisodeCurve.Of(set, set.Detectors[0], double.PositiveInfinity);
            float[] thresholds = [.. set.Detectors[0].Scores.SelectMany(s => s).Where(float.IsFinite).Distinct().OrderDescending()];
            foreach (int most in new[] { 0, 1, 3, 10 })
            {
                float chosen = curve.Threshold(most);
                int first = Array.FindIndex(thresholds, t => Enumerable.Range(0, 4).Sum(s => Episodes(set, set.Detectors[0], s, t)) > most);
                Assert.True(first < 0 ? chosen <= thresholds[^1] : chosen > thresholds[first] && (first == 0 || chosen <= thresholds[first - 1]), $"seed {seed}, {most}: {chosen}");
            }
        }
    }

    [Fact]
    public void Events_found_delays_and_rates_are_those_counted_by_hand()
    {
        for (int seed = 0; seed < 10; seed++)
        {
            EvaluationSet set = RandomSets.Draw(seed, 6, 400, ("model", true), ("baseline", false));
            EvaluationReport report = Evaluator.Evaluate(set, "drawn", resamples: 20);
            foreach (DetectorResult result in report.Detectors)
            {
                DetectorScores detector = set.Detectors.Single(d => d.Name == result.Name);
                Assert.Equal([3, 1, .3, .1], result.AtBudgets.Select(b => b.Budget));
                foreach (OperatingPoint point in result.AtBudgets.Concat(result.Calibrated)) CheckPoint(set, detector, point);
                foreach (OperatingPoint point in result.AtBudgets) Assert.True(point.FalseAlarmsPerDay.Value <= point.Budget);
                Assert.Equal(2f, Assert.Single(result.Calibrated).Threshold);
                Assert.Equal([.95, .99, .995, .999], result.Quantiles.Select(q => q.Quantile));
            }
        }
    }

    [Fact]
    public void Figures_of_resamples_from_bins_are_close_to_exact_ones()
    {
        EvaluationSet set = RandomSets.Draw(3, 8, 3000, ("model", true));
        DetectorScores detector = set.Detectors[0];
        var resampling = new Resampling(8, 5, 1);
        float[] sorted = [.. detector.Scores.SelectMany(s => s).Where(float.IsFinite).Order()];
        var bins = new RankBins(set, detector, sorted);
        for (int r = 0; r < 5; r++)
        {
            var scores = new List<float>();
            var labels = new List<bool>();
            for (int s = 0; s < 8; s++)
            {
                for (int copy = 0; copy < resampling.Weights(r)[s]; copy++)
                {
                    for (int w = 0; w < set.Series[s].EndsUs.Length; w++)
                    {
                        if (set.Series[s].EventOf[w] == EventLabels.DoNotCare || !set.IsScored(s, w)) continue;
                        scores.Add(detector.Scores[s][w]);
                        labels.Add(set.Series[s].EventOf[w] >= 0);
                    }
                }
            }

            RankMetrics exact = RankMetrics.Of([.. scores], [.. labels]), binned = bins.Of(resampling.Weights(r));
            Assert.Equal(exact.Positives, binned.Positives);
            Assert.Equal(exact.Negatives, binned.Negatives);
            Assert.Equal(exact.RocAuc(), binned.RocAuc(), .005);
            Assert.Equal(exact.PrAuc(), binned.PrAuc(), .01);
        }
    }

    [Fact]
    public void A_random_score_finds_what_chance_finds_and_a_model_that_sees_the_events_is_better()
    {
        EvaluationSet set = RandomSets.Draw(11, 40, 1500, ("model", true), ("baseline", false));
        var random = new Random(1);
        float[][] blind = [.. set.Series.Select(s => s.EndsUs.Select(_ => random.NextSingle()).ToArray())];
        var withRandom = new EvaluationSet(set.Series, [set.Detectors[0], new DetectorScores("random", DetectorRole.Baseline, blind, new Dictionary<double, float>())], RandomSets.WindowUs, RandomSets.SlideUs);
        EvaluationReport report = Evaluator.Evaluate(withRandom, "drawn", resamples: 200);
        DetectorResult chance = report.Detectors[1];
        Assert.Equal(.5, chance.RocAuc.Value, .02);
        Assert.InRange(chance.RocAuc.Value, chance.RocAuc.Low, chance.RocAuc.High);
        foreach (QuantilePoint point in chance.Quantiles) Assert.Equal(point.Chance, point.Detection, .06);
        Comparison comparison = report.Comparisons.Single(c => c.Budget == 3);
        Assert.True(comparison.Better && comparison.Difference.Low > 0, comparison.ToString());
        Assert.InRange(comparison.Difference.Value, comparison.Difference.Low, comparison.Difference.High);
    }

    [Fact]
    public void The_same_scores_differ_by_nothing_and_the_same_seed_gives_the_same_report()
    {
        EvaluationSet drawn = RandomSets.Draw(2, 10, 400, ("model", true));
        var set = new EvaluationSet(drawn.Series, [drawn.Detectors[0], drawn.Detectors[0] with { Name = "twin", Role = DetectorRole.Baseline }], RandomSets.WindowUs, RandomSets.SlideUs);
        EvaluationReport report = Evaluator.Evaluate(set, "drawn", resamples: 50, seed: 3), again = Evaluator.Evaluate(set, "drawn", resamples: 50, seed: 3);
        Assert.All(report.Comparisons, c => Assert.Equal(new Estimate(0, 0, 0), c.Difference));
        Assert.Equal(report.Detectors.SelectMany(d => d.AtBudgets).Select(p => p.Detection), again.Detectors.SelectMany(d => d.AtBudgets).Select(p => p.Detection));
        Assert.Equal(report.Detectors.Select(d => d.PrAuc), again.Detectors.Select(d => d.PrAuc));
    }

    private static void CheckPoint(EvaluationSet set, DetectorScores detector, OperatingPoint point)
    {
        float threshold = (float)point.Threshold;
        var found = set.Events.Where(e => e.Windows.Any(w => detector.Scores[e.Series][w] >= threshold)).ToList();
        Assert.Equal((double)found.Count / set.Events.Count, point.Detection.Value, 1e-12);
        double[] delays = [.. found.Select(e => Math.Max(0, (set.Series[e.Series].EndsUs[e.Windows.First(w => detector.Scores[e.Series][w] >= threshold)] - e.Truth.StartUs) / 1e6)).Order()];
        Assert.Equal(delays, point.DelaysByKind.Values.SelectMany(d => d).Order());
        Assert.Equal(Enumerable.Range(0, set.Series.Count).Sum(s => Episodes(set, detector, s, threshold)) / set.HealthyDays.Sum(), point.FalseAlarmsPerDay.Value, 1e-9);
        Assert.Equal(set.Events.Count, point.ByKindAndTier.Sum(k => k.Events));
        Assert.Equal(found.Count, point.ByKindAndTier.Sum(k => k.Detected));
        Assert.Equal(found.Count, point.ByType.Values.Sum(k => k.Detected));
        KindTier hardSpikes = point.ByKindAndTier.SingleOrDefault(k => k is { Kind: "spike", Tier: "hard" }) ?? new KindTier("spike", "hard", 0, 0, null);
        Assert.Equal(found.Count(e => e.Truth is { Kind: AnomalyKind.Spike, Tier: AnomalyTier.Hard }), hardSpikes.Detected);
        long alarms = 0, right = 0, anomalous = 0;
        for (int s = 0; s < set.Series.Count; s++)
        {
            for (int w = 0; w < set.Series[s].EndsUs.Length; w++)
            {
                int label = set.Series[s].EventOf[w];
                if (label == EventLabels.DoNotCare || !set.IsScored(s, w)) continue;
                if (label >= 0) anomalous++;
                if (!(detector.Scores[s][w] >= threshold)) continue;
                alarms++;
                if (label >= 0) right++;
            }
        }

        Assert.Equal(alarms == 0 ? 0 : (double)right / alarms, point.Precision, 1e-12);
        Assert.Equal((double)right / anomalous, point.Recall, 1e-12);
    }

    /// <summary>Runs of alarms on healthy windows, a minute apart at most.</summary>
    private static int Episodes(EvaluationSet set, DetectorScores detector, int s, float threshold)
    {
        EvaluatedSeries series = set.Series[s];
        long[] alarms = [.. Enumerable.Range(0, series.EndsUs.Length).Where(w => series.EventOf[w] == EventLabels.Normal && set.IsScored(s, w) && detector.Scores[s][w] >= threshold).Select(w => series.EndsUs[w])];
        return alarms.Length == 0 ? 0 : 1 + alarms.Zip(alarms.Skip(1)).Count(p => p.Second - p.First > 60_000_000);
    }
}
