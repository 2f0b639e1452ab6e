using FastIot.Features;
using FastIot.Scoring;
using FastIot.Simulation;
using FastIot.Tests.Cli;
using FastIot.Tests.Golden;
using FastIot.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Training;

/// <summary>Figures measured by the trainer hold for the product: a file of the same fleet, replayed into Parquet, has the same scores.</summary>
public sealed class SamePathTests
{
    [Fact]
    public void The_trainers_scores_are_those_of_replay_and_Parquet()
    {
        string folder = Directory.CreateTempSubdirectory("fastiot-path-").FullName, file = Path.Combine(folder, "fleet.ndjson");
        var fleet = new FleetOptions { Sensors = 15, Seed = 99, AnomalyRate = .1 };
        ProcessResult simulated = CommandLineRun.Run("simulate", "--to", file, "--sensors", "15", "--duration", "1h", "--seed", "99", "--anomaly-rate", "0.1");
        Assert.True(simulated.ExitCode == 0, simulated.ToString());
        ProcessResult replayed = CommandLineRun.Run("replay", file, "--out", Path.Combine(folder, "out"), "--models", Path.Combine(TestEnvironment.Root, "models"), "--log-level", "warning");
        Assert.True(replayed.ExitCode == 0, replayed.ToString());

        using Model model = ModelRepository.Load(Path.Combine(TestEnvironment.Root, "models"), "anomaly_detector", "latest", ExecutionProvider.Cpu, NullLogger.Instance);
        AlarmThresholds thresholds = model.Thresholds(1);
        FleetScores scores = FleetScores.Of(fleet, 1, model.Manifest.Features, model.CreateSession, thresholds, 2, _ => { }, TestContext.Current.CancellationToken);
        int compared = 0, alarms = 0;
        foreach (ScoredRow row in ScoredTable.Read(Path.Combine(folder, "out")))
        {
            int sensor = int.Parse(row.Sensor["sensor_".Length..]), w = (int)((row.WindowEndUs - scores.FirstEndUs) / SlideUs);
            if (w >= scores.Windows || row.Score is not { } published) continue;
            Verdict verdict = thresholds.Judge(scores.Score[sensor][w], scores.Error[sensor][w], scores.Types[sensor], scores.Seen[sensor][w]);
            Assert.Equal(verdict.AnomalyScore, published, 1e-4f * Math.Max(1, published));
            Assert.Equal(scores.Error[sensor][w], row.Error!.Value, 1e-4f * Math.Max(1, row.Error.Value));
            Assert.Equal(verdict.IsAnomaly, row.IsAnomaly);
            compared++;
            if (verdict.IsAnomaly) alarms++;
        }

        Assert.True(compared > 15 * 150 && alarms > 10, $"{compared} windows, {alarms} alarms");
        Directory.Delete(folder, recursive: true);
    }

    private const long SlideUs = 10_000_000;
}
