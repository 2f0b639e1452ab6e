using System.Text;
using FastIot.Observe;
using FastIot.Scoring;
using Prometheus;

namespace FastIot.Tests.Scoring;

public sealed class ModelDriftTests
{
    [Fact]
    public void A_reference_parts_its_own_scores_into_ten_equal_bins()
    {
        var random = new Random(1);
        float[] scores = [.. Enumerable.Range(0, 50_000).Select(_ => (float)Math.Log(random.NextDouble()))];
        ScoreReference reference = ScoreReference.Of("*", [.. scores, float.NaN]);
        long[] counts = new long[ScoreReference.Bins];
        foreach (float score in scores)
        {
            int bin = reference.Bin(score);
            Assert.Equal(reference.Edges.Count(e => score >= e), bin);
            counts[bin]++;
        }

        Assert.All(counts, c => Assert.InRange(c, 4990, 5010));
        Assert.Equal(0, ScoreReference.Psi(counts), 1e-4);
    }

    [Fact]
    public void Psi_is_the_formula_s_and_nothing_for_a_handful()
    {
        long[] counts = [0, 100, 200, 300, 400, 500, 600, 700, 800, 1400];
        double expected = 0;
        foreach (long c in counts)
        {
            double p = (c + .5) / (counts.Sum() + 5);
            expected += (p - .1) * Math.Log(p / .1);
        }

        Assert.Equal(expected, ScoreReference.Psi(counts), 1e-12);
        Assert.True(expected > .25);
        Assert.Equal(double.NaN, ScoreReference.Psi([50, 50, 50, 50, 50, 50, 50, 50, 50, 50]));
    }

    [Theory]
    [InlineData("there must be 9", 1.0, 2.0)]
    [InlineData("must not fall", 1.0, 2.0, 3.0, 4.0, 3.5, 6.0, 7.0, 8.0, 9.0)]
    [InlineData("must be finite", 1.0, 2.0, 3.0, 4.0, double.NaN, 6.0, 7.0, 8.0, 9.0)]
    public void Edges_that_are_none_are_refused(string why, params double[] edges) => Assert.Contains(why, Assert.Throws<ModelException>(() => new ScoreReference("*", edges)).Message);

    [Fact]
    public void A_manifest_keeps_its_references()
    {
        ModelManifest tiny = new TinyModel().Manifest();
        double[] edges = [.1, .2, .3, .4, .5, .6, .7, .8, .9];
        ModelManifest with = tiny with { HeadReference = [new ScoreReference("*", edges)], ReconstructionReference = [new ScoreReference("vibration", edges), new ScoreReference("*", [.. edges.Select(e => 2 * e)])] };
        ModelManifest read = ModelManifest.Parse(with.ToJson(), "model.json");
        Assert.Equal(with.ToJson(), read.ToJson());
        Assert.Equal(["vibration", "*"], read.ReconstructionReference.Select(r => r.Type));
        Assert.Equal(edges.Select(e => (float)e), Assert.Single(read.HeadReference).Edges);
        string broken = Encoding.UTF8.GetString(with.ToJson()).Replace("\"vibration\",\n        \"deciles\"", "\"steam\",\n        \"deciles\"");
        Assert.Contains("reference.reconstruction[0].type", Assert.Throws<ModelException>(() => ModelManifest.Parse(Encoding.UTF8.GetBytes(broken), "model.json")).Message);
    }

    [Fact]
    public async Task The_metrics_tell_when_a_type_s_scores_have_moved()
    {
        double[] edges = [.1, .2, .3, .4, .5, .6, .7, .8, .9];
        ModelDrift one = new([new ScoreReference("*", edges)], []), two = new([new ScoreReference("*", edges)], []);
        var random = new Random(2);
        for (int i = 0; i < 4000; i++)
        {
            (i % 2 == 0 ? one : two).Add(SensorType.Pressure, random.NextSingle(), 1, isAlarm: i % 100 == 0);
            one.Add(SensorType.Other, random.NextSingle() * random.NextSingle(), 1, isAlarm: false);
        }

        CollectorRegistry registry = Metrics.NewCustomRegistry();
        var time = new Clock();
        var metrics = new DriftMetrics(Metrics.WithCustomRegistry(registry), time);
        metrics.Update([one, two]);
        string text = await Text(registry);
        Assert.Contains("fastiot_model_windows_scored_total{type=\"pressure\"} 4000", text);
        Assert.Contains("fastiot_model_alarms_total{type=\"pressure\"} 40", text);
        Assert.InRange(Psi(text, "pressure"), 0, .05);
        Assert.True(Psi(text, "other") > .25, text);
        Assert.DoesNotContain("channel=\"reconstruction\"", text);
        Assert.DoesNotContain("type=\"vibration\"", text);
        // Two hours later only what came since the last hour's scrapes counts: too few to say.
        time.Now += TimeSpan.FromHours(2);
        metrics.Update([one, two]);
        time.Now += TimeSpan.FromHours(2);
        metrics.Update([one, two]);
        Assert.DoesNotContain("fastiot_model_score_psi{", await Text(registry));
    }

    private static double Psi(string text, string type)
    {
        string line = text.Split('\n').Single(l => l.StartsWith($"fastiot_model_score_psi{{type=\"{type}\"", StringComparison.Ordinal));
        return double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<string> Text(CollectorRegistry registry)
    {
        using var stream = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(stream, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromSeconds(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
