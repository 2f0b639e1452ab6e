using System.Text;
using FastIot.Evaluation;
using FastIot.Observe;
using FastIot.Scoring;
using FastIot.Simulation;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace FastIot.Tests.Evaluation;

public sealed class LabelMatchTests
{
    [Fact]
    public async Task Precision_and_recall_of_the_stream_are_those_counted_afterwards_and_change_no_score()
    {
        using Model model = ModelRepository.Load(Path.Combine(TestEnvironment.Root, "models"), "anomaly_detector", "latest", ExecutionProvider.Cpu, NullLogger.Instance);
        var fleet = new FleetOptions { Sensors = 20, AnomalyRate = .1, Seed = 9 };
        var figures = new LabelFigures();
        var events = new EventLog();
        WindowCollector looking = await RunAsync(model, fleet, events, figures), blind = await RunAsync(model, fleet, new EventLog(), null);
        long found = 0, missed = 0, wrong = 0;
        foreach (SeriesScores series in looking.Series)
        {
            Assert.Equal(blind.Find(series.Name)!.Scores(0), series.Scores(0));
            int[] labels = EventLabels.Of([.. series.EndsUs], events.Of(series.Name), 60_000_000);
            for (int w = 0; w < labels.Length; w++)
            {
                float score = series.Scores(0)[w];
                if (float.IsNaN(score) || labels[w] == EventLabels.DoNotCare) continue;
                if (labels[w] >= 0 && score >= 1) found++;
                else if (labels[w] >= 0) missed++;
                else if (score >= 1) wrong++;
            }
        }

        Assert.True(found > 100, $"{found}");
        // Labels end with the last reading that carries one, events as planned: a window or two per event apart.
        Assert.InRange(figures.Found, found - 3 * events.Count, found + 3 * events.Count);
        Assert.InRange(figures.Missed, missed - 3 * events.Count, missed + 3 * events.Count);
        Assert.InRange(figures.False, wrong - 3 * events.Count, wrong + 3 * events.Count);
        Assert.Equal((double)figures.Found / (figures.Found + figures.Missed), figures.Recall);
        string text = await MetricsAsync(figures);
        Assert.Contains($"fastiot_labelled_windows_total{{outcome=\"found\"}} {figures.Found}", text);
        Assert.Contains("fastiot_label_precision 0.", text);
        Assert.DoesNotContain("\nfastiot_label_precision ", await MetricsAsync(new LabelFigures()));
    }

    [Fact]
    public void A_run_of_labels_is_open_until_another_label_comes()
    {
        var runs = new LabelRuns([]);
        runs.Take(10, ReadingLabel.Normal);
        Assert.Null(runs.Open);
        runs.Take(20, (sbyte)AnomalyKind.Drift);
        runs.Take(30, (sbyte)AnomalyKind.Drift);
        runs.Take(25, (sbyte)AnomalyKind.Drift);
        Assert.Equal(new TruthEvent(AnomalyKind.Drift, null, 20, 31), runs.Open);
        runs.Take(40, (sbyte)AnomalyKind.Stuck);
        Assert.Equal([new TruthEvent(AnomalyKind.Drift, null, 20, 40)], runs.Events);
        runs.Take(50, ReadingLabel.Normal);
        runs.End();
        Assert.Equal(new TruthEvent(AnomalyKind.Stuck, null, 40, 50), runs.Events[1]);
        Assert.Equal(2, runs.Events.Count);
    }

    private static async Task<WindowCollector> RunAsync(Model model, FleetOptions fleet, EventLog events, LabelFigures? figures)
    {
        var collector = new WindowCollector([new ModelScores(model.Label, null)]);
        await EvaluationPass.RunAsync(new PipelineOptions { Features = model.Manifest.Features, Labels = figures }, new FleetSource(fleet, 1.5, events), model, collector, NullLoggerFactory.Instance, TestContext.Current.CancellationToken);
        return collector;
    }

    private static async Task<string> MetricsAsync(LabelFigures figures)
    {
        CollectorRegistry registry = Metrics.NewCustomRegistry();
        new LabelMetrics(Metrics.WithCustomRegistry(registry), figures).Update();
        using var stream = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(stream, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
