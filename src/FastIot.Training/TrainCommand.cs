using System.CommandLine;
using System.Runtime.InteropServices;
using FastIot.Ingest;
using FastIot.Scoring;

namespace FastIot.Training;

/// <summary>Command line of fastiot-train.</summary>
internal static class TrainCommand
{
    private const int Failed = 1, BadSettings = 2, Interrupted = 130;

    public static RootCommand Root() => new("Trains the models of FastIot") { Train(), CalibrateCommand.Create(), BenchmarkCommand.Create(), PredecessorCommand.Create() };

    private static Command Train()
    {
        var defaults = new TrainingSettings { Out = "", Name = "", Version = 0 };
        var profile = new Option<string>("--profile") { Description = "accurate (LSTMs of 64), or fast (32: three fifths of the cost of a window, finds less at few false alarms)", DefaultValueFactory = _ => defaults.Profile };
        profile.AcceptOnlyFromAmong([.. TrainingProfile.All.Select(p => p.Name)]);
        var output = new Option<string>("--out") { Description = "Folder of the models", DefaultValueFactory = _ => "models" };
        var name = new Option<string?>("--name") { Description = "Name of the model [anomaly_detector, or anomaly_detector_fast]" };
        var version = new Option<int>("--version") { Description = "Version to write; 0 = the next one", DefaultValueFactory = _ => 0 };
        var seed = new Option<int>("--seed") { Description = "The same seed makes the same data and the same start", DefaultValueFactory = _ => defaults.Seed };
        var sensors = new Option<int>("--sensors") { Description = "Simulated sensors to train on", DefaultValueFactory = _ => defaults.Sensors };
        var hours = new Option<double>("--hours") { Description = "Hours of each", DefaultValueFactory = _ => defaults.Hours };
        var sequences = new Option<int?>("--sequences") { Description = $"Sequences in an epoch [{string.Join(", ", TrainingProfile.All.Select(p => $"{p.Name}: {p.Trainer.SequencesPerEpoch}"))}]" };
        var calibration = new Option<double>("--calibration-days") { Description = "Sensor-days to calibrate on", DefaultValueFactory = _ => defaults.CalibrationDays };
        var test = new Option<double>("--test-days") { Description = "Sensor-days for the figures", DefaultValueFactory = _ => defaults.TestDays };
        var leaveOut = new Option<string[]>("--leave-out") { Description = "Kinds not to train on (spike,drift,stuck,noise)", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
        var from = new Option<string[]>("--from") { Description = "Train on your own unlabelled readings: NDJSON in the wire format or CSV, gzip or not; anomalies are injected", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
        var contamination = new Option<double>("--contamination") { Description = "With --from: share of its windows that may be unlabelled anomalies", DefaultValueFactory = _ => .02 };
        var calibrateOn = new Option<string>("--calibration") { Description = "With --from: calibrate and measure on the history's later part, or on simulated sensors where it is not healthy", DefaultValueFactory = _ => "history" };
        calibrateOn.AcceptOnlyFromAmong("history", "simulated");
        var csvSensor = new Option<string?>("--csv-sensor") { Description = "CSV column with the sensor's id" };
        var csvTime = new Option<string?>("--csv-timestamp") { Description = "CSV column with the event time" };
        var csvMetric = new Option<string?>("--csv-metric") { Description = "CSV column with the metric's name" };
        var csvValue = new Option<string[]>("--csv-value") { Description = "CSV columns with values", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
        var threads = new Option<int>("--threads") { Description = "Threads of simulation and scoring", DefaultValueFactory = _ => defaults.Trainer.Threads };
        var command = new Command("train", """
            Train a model on a simulated fleet, calibrate and evaluate it, and write it where fastiot finds it. Ctrl-C stops; the same command goes on.

            Examples:
              fastiot-train train                                         # the default model, into models/
              fastiot-train train --profile fast --out /srv/models        # smaller: three fifths of the cost of a window
              fastiot-train train --from history.ndjson.gz --name ours     # on your own readings
              fastiot-train train --leave-out spike,drift --name without  # what does it make of kinds it never saw?
            """)
        { profile, output, name, version, seed, sensors, hours, sequences, calibration, test, leaveOut, from, contamination, calibrateOn, csvSensor, csvTime, csvMetric, csvValue, threads };
        command.SetAction(parsed => Guarded(() =>
        {
            TrainingProfile chosen = TrainingProfile.Of(parsed.GetValue(profile)!);
            string folder = parsed.GetValue(output)!, model = parsed.GetValue(name) ?? chosen.Model;
            int wanted = parsed.GetValue(version), random = parsed.GetValue(seed);
            var settings = new TrainingSettings
            {
                Out = folder,
                Name = model,
                Version = wanted > 0 ? wanted : ModelRepository.Versions(Path.Combine(folder, model)).LastOrDefault() + 1,
                Profile = chosen.Name,
                Seed = random,
                Sensors = AtLeast(SensorTypes.Count, parsed.GetValue(sensors), "--sensors"),
                Hours = AtLeast(1, parsed.GetValue(hours), "--hours"),
                CalibrationDays = AtLeast(.1, parsed.GetValue(calibration), "--calibration-days"),
                TestDays = AtLeast(.1, parsed.GetValue(test), "--test-days"),
                LeaveOut = Kinds(parsed.GetValue(leaveOut)!),
                From = parsed.GetValue(from)!,
                Csv = new CsvOptions
                {
                    SensorColumn = parsed.GetValue(csvSensor),
                    TimestampColumn = parsed.GetValue(csvTime),
                    MetricColumn = parsed.GetValue(csvMetric),
                    ValueColumns = parsed.GetValue(csvValue)!,
                },
                SimulatedCalibration = parsed.GetValue(calibrateOn) == "simulated",
                Trainer = chosen.Trainer with
                {
                    Seed = (ulong)random,
                    SequencesPerEpoch = AtLeast(chosen.Trainer.Batch, parsed.GetValue(sequences) ?? chosen.Trainer.SequencesPerEpoch, "--sequences"),
                    Contamination = parsed.GetValue(from)!.Length > 0 ? Share(parsed.GetValue(contamination), "--contamination") : 0,
                    Threads = AtLeast(1, parsed.GetValue(threads), "--threads"),
                },
            };
            TorchLibraries.Prepare();
            using var cancellation = new CancellationTokenSource();
            using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel), terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
            return new TrainingRun(settings, new TrainingProgress(Console.Error, !Console.IsErrorRedirected)).Run(cancellation.Token) ? 0 : Interrupted;

            void Cancel(PosixSignalContext context)
            {
                // A second one ends at once; the checkpoint of the last epoch is there.
                context.Cancel = !cancellation.IsCancellationRequested;
                cancellation.Cancel();
            }
        }));
        return command;
    }

    private static AnomalyKind[] Kinds(string[] given)
    {
        string[] names = [.. given.SelectMany(g => g.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Distinct()];
        AnomalyKind[] known = [.. Enumerable.Range(0, AnomalyKinds.Modelled).Select(k => (AnomalyKind)k)];
        AnomalyKind[] kinds = [.. names.Select(n => known.Where(k => AnomalyKinds.Name(k) == n).Append(AnomalyKind.Unknown).First())];
        if (kinds.Contains(AnomalyKind.Unknown)) throw new ArgumentException($"--leave-out knows {string.Join(", ", known.Select(AnomalyKinds.Name))}, not {string.Join(", ", names)}");
        return kinds.Length < known.Length ? kinds : throw new ArgumentException("--leave-out must leave one kind at least");
    }

    internal static T AtLeast<T>(T least, T value, string option) where T : IComparable<T> =>
        value.CompareTo(least) >= 0 ? value : throw new ArgumentException($"{option} must be at least {least}, not {value}");

    private static double Share(double value, string option) =>
        value is >= 0 and <= .5 ? value : throw new ArgumentException($"{option} must lie within 0 and 0.5, not {value}");

    /// <summary>Errors as one line on stderr.</summary>
    internal static int Guarded(Func<int> run)
    {
        try
        {
            return run();
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine($"fastiot-train: {e.Message}");
            return BadSettings;
        }
        catch (Exception e) when (e is ModelException or InvalidDataException or IOException or UnauthorizedAccessException or InvalidOperationException or DllNotFoundException or IngestException)
        {
            Console.Error.WriteLine($"fastiot-train: {e.Message}");
            return Failed;
        }
    }
}
