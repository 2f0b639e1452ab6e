using System.CommandLine;
using FastIot.Scoring;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Training;

/// <summary>Measures what the raw outputs of any model mean in false alarms a day, and writes it into its model.json.</summary>
internal static class CalibrateCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("model") { Description = "Folder of one version, with model.onnx and model.json" };
        var days = new Option<double>("--days") { Description = "Simulated sensor-days to measure on", DefaultValueFactory = _ => 1000 };
        var hours = new Option<double>("--hours") { Description = "Hours of each sensor", DefaultValueFactory = _ => 12 };
        var seed = new Option<int>("--seed") { Description = "Seed of the simulated fleet", DefaultValueFactory = _ => 1 };
        var threads = new Option<int>("--threads") { Description = "Threads", DefaultValueFactory = _ => 2 };
        var command = new Command("calibrate", """
            Calibrate a model of your own: raw scores to false alarms per sensor and day, which is what alarm budgets are counted in.
            Its model.json needs name, version, features, and graph where inputs or outputs have other names; calibration,
            budget_split and onnx_sha256 are written by this command.

            Example:
              fastiot-train calibrate models/mine/1
            """)
        { folder, days, hours, seed, threads };
        command.SetAction(parsed => TrainCommand.Guarded(() =>
        {
            Calibrate(parsed.GetValue(folder)!, TrainCommand.AtLeast(.1, parsed.GetValue(days), "--days"), TrainCommand.AtLeast(1, parsed.GetValue(hours), "--hours"), parsed.GetValue(seed), parsed.GetValue(threads));
            return 0;
        }));
        return command;
    }

    /// <summary>Writes calibration, reference, budget_split and onnx_sha256 into the model.json of this folder.</summary>
    public static void Calibrate(string folder, double days, double hours, int seed, int threads)
    {
        string path = Path.Combine(folder, "model.json");
        byte[] onnx = File.ReadAllBytes(Path.Combine(folder, "model.onnx"));
        ModelManifest draft = ModelManifest.Parse(File.ReadAllBytes(path), path, draft: true);
        using var model = new Model(onnx, draft, ExecutionProvider.Cpu, NullLogger.Instance);
        var settings = new TrainingSettings { Out = "", Name = draft.Name, Version = draft.Version, Seed = seed, Hours = hours };
        var progress = new TrainingProgress(Console.Error, !Console.IsErrorRedirected);
        Calibration calibration = Calibration.Measure(days, (split, sensorDays, loop) =>
        {
            progress.Begin("calibrating");
            return FleetScores.Of(settings.ServiceFleet(split, sensorDays), settings.Hours, draft.Features, model.CreateSession, loop, threads, share => progress.Report(share));
        }, draft.Features, draft.Graph, draft.HeadShare);
        File.WriteAllBytes(path, calibration.In(draft, onnx).ToJson());
        progress.Say($"{path}: calibrated on {calibration.SensorDays:0} sensor-days");
    }
}
