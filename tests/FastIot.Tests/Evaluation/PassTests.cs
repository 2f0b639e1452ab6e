using FastIot.Evaluation;
using FastIot.Evaluation.Baselines;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Simulation;
using FastIot.Windows;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Evaluation;

public sealed class PassTests
{
    [Fact]
    public async Task A_model_beside_the_pipeline_reconstructs_what_it_reconstructs_within()
    {
        using Model model = ModelRepository.Load(Path.Combine(TestEnvironment.Root, "models"), "predecessor", "latest", ExecutionProvider.Cpu, NullLogger.Instance);
        using var beside = new ReconstructionBaseline(model, "beside");
        var within = new Within();
        var collector = new WindowCollector([within, beside]);
        var events = new EventLog();
        var fleet = new FleetOptions { Sensors = 10, AnomalyRate = .1, Seed = 3 };
        await EvaluationPass.RunAsync(new PipelineOptions { Features = model.Manifest.Features }, new FleetSource(fleet, 1, events), model, collector, NullLoggerFactory.Instance, TestContext.Current.CancellationToken);
        Assert.Equal(10, collector.Series.Count);
        foreach (SeriesScores series in collector.Series)
        {
            Assert.True(series.Scores(0).Count(float.IsFinite) > 150);
            Assert.Equal(series.Scores(0), series.Scores(1));
        }

        Assert.True(events.Count > 0);
    }

    private sealed class Within : IRowScorer
    {
        public IReadOnlyList<(string Name, DetectorRole Role)> Columns { get; } = [("within", DetectorRole.Channel)];

        public void Begin(WindowBatch batch, SeriesTable series)
        {
        }

        public void Score(WindowBatch batch, int row, SeriesTable series, Span<float> scores) => scores[0] = batch.ReconstructionError[row];

        public void End()
        {
        }
    }
}
