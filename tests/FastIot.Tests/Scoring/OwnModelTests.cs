using FastIot.Scoring;
using FastIot.Tests.Cli;
using FastIot.Tests.Golden;
using FastIot.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Scoring;

/// <summary>A model that knows nothing of FastIot runs by its model.json alone: calibrated by command, then in the pipeline, JIT and native.</summary>
[Collection(nameof(NativeBinary))]
public sealed class OwnModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-own-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task An_autoencoder_on_the_plain_six_runs_in_the_pipeline_and_in_the_native_binary()
    {
        string models = Path.Combine(_folder, "models"), at = OwnModel.Save(models, "mine", OwnModel.Autoencoder(), OwnModel.AutoencoderManifest("mine"));
        Calibrate(at);
        string readings = Simulate();
        string[] arguments = ["replay", readings, "--models", models, "--model", "mine", "--warming", "2m", "--alarm-budget", "5", "--log-level", "warning"];
        ProcessResult jit = CommandLineRun.Run([.. arguments, "--out", Path.Combine(_folder, "jit")]);
        Assert.True(jit.ExitCode == 0, jit.ToString());
        List<ScoredRow> rows = ScoredTable.Read(Path.Combine(_folder, "jit"));
        CheckErrors(models, rows);
        Assert.Contains(rows, r => r.IsAnomaly && r.Kind == "unknown");
        Assert.All(rows.Where(r => r.Score != null), r => Assert.Equal(r.Score >= 1, r.IsAnomaly));

        ProcessResult native = await NativeBinary.RunAsync([.. arguments, "--out", Path.Combine(_folder, "native")]);
        Assert.True(native.ExitCode == 0, native.ToString());
        List<ScoredRow> again = ScoredTable.Read(Path.Combine(_folder, "native"));
        Assert.Equal(rows.Count, again.Count);
        foreach ((ScoredRow a, ScoredRow b) in rows.Zip(again))
        {
            Assert.Equal((a.Sensor, a.WindowEndUs, a.IsAnomaly, a.Model), (b.Sensor, b.WindowEndUs, b.IsAnomaly, b.Model));
            Assert.Equal(a.Error ?? -1, b.Error ?? -1, 1e-4f);
        }
    }

    [Fact]
    public void A_score_alone_on_some_features_runs_too()
    {
        string models = Path.Combine(_folder, "models"), at = OwnModel.Save(models, "scorer", OwnModel.Scorer(), OwnModel.ScorerManifest);
        Calibrate(at);
        ProcessResult result = CommandLineRun.Run("replay", Simulate(), "--models", models, "--model", "scorer", "--warming", "2m", "--out", Path.Combine(_folder, "out"), "--log-level", "warning");
        Assert.True(result.ExitCode == 0, result.ToString());
        List<ScoredRow> rows = ScoredTable.Read(Path.Combine(_folder, "out"));
        Assert.Contains(rows, r => r.Score > .1f);
        Assert.All(rows, r => Assert.Null(r.Error));
    }

    [Fact]
    public void A_draft_is_refused_by_the_pipeline_until_it_is_calibrated()
    {
        string models = Path.Combine(_folder, "models");
        OwnModel.Save(models, "mine", OwnModel.Autoencoder(), OwnModel.AutoencoderManifest("mine"));
        var e = Assert.Throws<ModelException>(() => ModelRepository.Load(models, "mine", "latest", ExecutionProvider.Cpu, NullLogger.Instance));
        Assert.Contains("calibration", e.Message);
    }

    [Theory]
    [InlineData("\"raw_range\"]", "\"raw_median\"]", "raw_median")]
    [InlineData("\"raw_scale\": [20", "\"raw_scale\": [0", "raw_scale")]
    [InlineData("\"raw_mean\": [30, ", "\"raw_mean\": [", "raw_mean")]
    [InlineData("\"reconstruction\": \"time_distributed\"", "", "reconstruction")]
    [InlineData("\"reconstruction\": \"time_distributed\"", "\"kind_logits\": \"time_distributed\", \"reconstruction\": \"x\"", "kind_logits")]
    public void What_does_not_fit_is_named(string text, string by, string named)
    {
        string manifest = OwnModel.AutoencoderManifest("mine");
        Assert.Contains(text, manifest);
        var e = Assert.Throws<ModelException>(() => ModelManifest.Parse(System.Text.Encoding.UTF8.GetBytes(manifest.Replace(text, by)), "some/model.json", draft: true));
        Assert.Contains(named, e.Message);
    }

    private static void Calibrate(string at) =>
        Assert.Equal(0, TrainCommand.Root().Parse(["calibrate", at, "--days", "1", "--hours", "2"]).Invoke());

    private string Simulate()
    {
        string file = Path.Combine(_folder, "readings.ndjson");
        ProcessResult result = CommandLineRun.Run("simulate", "--to", file, "--sensors", "15", "--duration", "20m", "--seed", "8", "--anomaly-rate", "0");
        Assert.True(result.ExitCode == 0, result.ToString());
        // One sensor that leaves the range of the others: whatever an arbitrary network reconstructs, it is not this.
        DateTime start = new(2026, 11, 1, 0, 0, 0, DateTimeKind.Utc);
        File.AppendAllLines(file, Enumerable.Range(1200, 600).Select(s => $$"""{"sensor_id":"sensor_000000","timestamp":"{{start.AddSeconds(s):O}}","metric":"temperature","value":{{s}}}"""));
        return file;
    }

    /// <summary>Each error is what the graph says of the file's own statistics, standardised and put in a row here.</summary>
    private static unsafe void CheckErrors(string models, List<ScoredRow> rows)
    {
        using Model model = ModelRepository.Load(models, "mine", "latest", ExecutionProvider.Cpu, NullLogger.Instance);
        using ModelSession session = model.CreateSession();
        int compared = 0;
        foreach (IGrouping<(string, string), ScoredRow> series in rows.GroupBy(r => (r.Sensor, r.Metric)))
        {
            ScoredRow[] windows = [.. series];
            for (int w = 0; w < windows.Length; w++)
            {
                Assert.Equal(w < 12, windows[w].Error == null);
                // Every fifth, at some place of the chunk.
                if (windows[w].Error is not { } error || w % 5 != 0) continue;
                int row = w % Limits.ScoringChunk;
                for (int lag = 0; lag < OwnModel.Lags; lag++)
                {
                    double[] statistics = windows[w - OwnModel.Lags + 1 + lag].Statistics;
                    for (int f = 0; f < 6; f++) session.Features[(row * OwnModel.Lags + lag) * 6 + f] = (float)((statistics[f] - OwnModel.Mean[f]) / OwnModel.Scale[f]);
                }

                session.Run();
                Assert.Equal(session.ReconstructionError[row], error, 1e-4f * Math.Max(1, error));
                compared++;
            }
        }

        Assert.True(compared > 100, $"{compared} windows");
    }
}
