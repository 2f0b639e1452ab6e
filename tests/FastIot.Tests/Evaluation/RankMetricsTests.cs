using FastIot.Evaluation;

namespace FastIot.Tests.Evaluation;

public sealed class RankMetricsTests
{
    [Fact]
    public void Figures_are_those_of_all_pairs_and_all_thresholds()
    {
        for (int seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            int n = random.Next(2, 120);
            bool[] labels = [.. Enumerable.Range(0, n).Select(i => i == 0 || i > 1 && random.Next(4) == 0)];
            float[] scores = [.. labels.Select(l => (float)Math.Round(random.NextDouble() * 2 + (l ? .5 : 0), random.Next(1, 3)))];
            RankMetrics metrics = RankMetrics.Of([.. scores], [.. labels]);
            Assert.Equal(Roc(scores, labels), metrics.RocAuc(), 1e-12);
            Assert.Equal(AveragePrecision(scores, labels), metrics.PrAuc(), 1e-12);
            PrecisionRecall[] all = [.. scores.Distinct().Select(t => At(scores, labels, t))];
            Assert.Equal(all.Max(p => p.F1), metrics.BestF1(), 1e-12);
            Assert.Equal(all.Where(p => p.Precision >= .8).Select(p => p.F1).DefaultIfEmpty(0).Max(), metrics.BestF1(.8), 1e-12);
            foreach (float t in new[] { -1f, .3f, .77f, 1.2f, 9f })
            {
                Assert.Equal(At(scores, labels, t).Precision, metrics.At(t).Precision, 1e-12);
                Assert.Equal(At(scores, labels, t).Recall, metrics.At(t).Recall, 1e-12);
            }
        }
    }

    [Fact]
    public void A_perfect_score_has_area_one_and_a_constant_one_has_chance()
    {
        bool[] labels = [.. Enumerable.Range(0, 100).Select(i => i % 10 == 0)];
        RankMetrics perfect = RankMetrics.Of([.. labels.Select(l => l ? 1f : 0f)], [.. labels]);
        Assert.Equal((1, 1, 1), (perfect.RocAuc(), perfect.PrAuc(), perfect.BestF1(.95)));
        RankMetrics constant = RankMetrics.Of(new float[100], [.. labels]);
        Assert.Equal((.5, .1, 0), (constant.RocAuc(), constant.PrAuc(), constant.BestF1(.95)));
    }

    [Fact]
    public void Curves_are_thinned_and_keep_their_ends()
    {
        var random = new Random(5);
        bool[] labels = [.. Enumerable.Range(0, 50_000).Select(_ => random.Next(30) == 0)];
        RankMetrics metrics = RankMetrics.Of([.. labels.Select(l => (float)random.NextDouble() + (l ? .3f : 0))], labels);
        (double X, double Y)[] roc = metrics.RocCurve(), pr = metrics.PrCurve();
        Assert.InRange(roc.Length, 50, 450);
        Assert.InRange(pr.Length, 50, 450);
        Assert.Equal((0, 0), roc[0]);
        Assert.Equal((1, 1), roc[^1]);
        Assert.Equal(1, pr[^1].X);
        double area = roc.Zip(roc.Skip(1)).Sum(p => (p.Second.X - p.First.X) * (p.First.Y + p.Second.Y) / 2);
        Assert.Equal(metrics.RocAuc(), area, .01);
    }

    private static double Roc(float[] scores, bool[] labels)
    {
        double sum = 0;
        int pairs = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            for (int j = 0; j < scores.Length; j++)
            {
                if (!labels[i] || labels[j]) continue;
                pairs++;
                sum += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? .5 : 0;
            }
        }

        return sum / pairs;
    }

    private static double AveragePrecision(float[] scores, bool[] labels)
    {
        double area = 0, recall = 0;
        foreach (float t in scores.Distinct().OrderDescending())
        {
            PrecisionRecall at = At(scores, labels, t);
            area += (at.Recall - recall) * at.Precision;
            recall = at.Recall;
        }

        return area;
    }

    private static PrecisionRecall At(float[] scores, bool[] labels, float t)
    {
        double alarms = scores.Count(s => s >= t), right = scores.Where((s, i) => s >= t && labels[i]).Count();
        return alarms == 0 ? default : new PrecisionRecall(right / alarms, right / labels.Count(l => l));
    }
}
