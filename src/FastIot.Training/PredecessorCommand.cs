using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using FastIot.Evaluation;
using FastIot.Features;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Simulation;
using FastIot.Windows;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Training;

/// <summary>
/// Trains what the predecessor had, on healthy simulated sensors: the raw six features of the last twelve windows, one scale for all sensors,
/// an LSTM autoencoder, its mean squared error. Kept as a baseline that everybody can see.
/// </summary>
internal static class PredecessorCommand
{
    private const string Name = "predecessor";
    private const int Lags = 12;

    public static Command Create()
    {
        var output = new Option<string>("--out") { Description = "Folder of the models", DefaultValueFactory = _ => "models" };
        var seed = new Option<int>("--seed") { Description = "The same seed makes the same model", DefaultValueFactory = _ => 1 };
        var sensors = new Option<int>("--sensors") { Description = "Healthy simulated sensors to train on", DefaultValueFactory = _ => 200 };
        var hours = new Option<double>("--hours") { Description = "Hours of each", DefaultValueFactory = _ => 12 };
        var sequences = new Option<int>("--sequences") { Description = "Sequences to train on, drawn from all", DefaultValueFactory = _ => 60_000 };
        var days = new Option<double>("--calibration-days") { Description = "Sensor-days to calibrate on", DefaultValueFactory = _ => 100 };
        var command = new Command("predecessor", """
            Train the design that FastIot takes the place of, as a baseline for fastiot evaluate: global standardisation, LSTM autoencoder, MSE

            Example:
              fastiot-train predecessor
            """)
        { output, seed, sensors, hours, sequences, days };
        command.SetAction(parsed => TrainCommand.Guarded(() =>
        {
            TorchLibraries.Prepare();
            var fleet = new FleetOptions { Sensors = TrainCommand.AtLeast(SensorTypes.Count, parsed.GetValue(sensors), "--sensors"), Seed = (ulong)parsed.GetValue(seed) + 4_000_012, AnomalyRate = 0 };
            Run(Path.Combine(parsed.GetValue(output)!, Name, "1"), fleet, TrainCommand.AtLeast(.5, parsed.GetValue(hours), "--hours"), TrainCommand.AtLeast(100, parsed.GetValue(sequences), "--sequences"),
                parsed.GetValue(seed), TrainCommand.AtLeast(.1, parsed.GetValue(days), "--calibration-days"));
            return 0;
        }));
        return command;
    }

    /// <summary>Trains, writes the folder of the version, calibrates.</summary>
    public static void Run(string folder, FleetOptions fleet, double hours, int sequences, int seed, double calibrationDays)
    {
        var progress = new TrainingProgress(Console.Error, !Console.IsErrorRedirected);
        progress.Begin("simulating");
        var windows = new RawWindows(seed, Lags, sequences);
        EvaluationPass.RunAsync(new PipelineOptions(), new FleetSource(fleet, hours, new EventLog(), share => progress.Report(share)), null, windows, NullLoggerFactory.Instance, CancellationToken.None).GetAwaiter().GetResult();
        (float[][] standard, double[] mean, double[] scale) = windows.Standardised();
        progress.Begin("training");
        using SequenceAutoencoder net = SequenceAutoencoder.Train(standard, Lags, FeatureNames.Raw.Length, new SequenceTraining { Seed = seed }, share => progress.Report(share));
        byte[] onnx = net.ToOnnx();
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), onnx);
        File.WriteAllBytes(Path.Combine(folder, "model.json"), new ModelManifest
        {
            Name = Name,
            Version = 1,
            Features = FeatureSpec.Default with { Names = FeatureNames.Raw, RawMean = mean, RawScale = scale, Lags = [.. Enumerable.Range(0, Lags).Select(l => Lags - 1 - l)] },
            Graph = new GraphContract { Features = "features", Reconstruction = "reconstruction" },
            HeadShare = 0,
            HeadCalibration = null,
            // Replaced at once by the calibration.
            Reconstruction = [new CalibrationTable("*", [0, 1], [2, 1])],
            OnnxSha256 = Convert.ToHexStringLower(SHA256.HashData(onnx)),
            Training = string.Create(CultureInfo.InvariantCulture, $"{{\"command\":\"fastiot-train predecessor --seed {seed}\",\"sensors\":{fleet.Sensors},\"hours\":{hours},\"sequences\":{standard.Length}}}"),
        }.ToJson());
        File.WriteAllText(Path.Combine(folder, "README.md"), Card(fleet, hours));
        CalibrateCommand.Calibrate(folder, calibrationDays, hours, seed, threads: 2);
    }

    private static string Card(FleetOptions fleet, double hours) => string.Create(CultureInfo.InvariantCulture, $"""
        # predecessor, version 1

        Not a model to use: the design that FastIot takes the place of, kept so that `fastiot evaluate` can show it beside what replaced it.

        An LSTM autoencoder (hidden size 32) of the six plain statistics (mean, stddev, min, max, count, range) of twelve windows in a row, standardised by
        one mean and one scale for all sensors, judged by its mean squared error. Trained by `fastiot-train predecessor` on {fleet.Sensors} healthy simulated sensors
        for {hours:0.#} h. The differences between sensors are larger than most faults, so it finds few of them: the README's table says how few.

        """);

    /// <summary>Draws sequences of windows in a row, each of all with the same chance, and counts the scale of all windows.</summary>
    private sealed class RawWindows(int seed, int lags, int most) : IWindowObserver
    {
        private const int F = 6;

        private readonly Random _random = new(seed);
        private readonly List<double[]> _history = [];
        private readonly List<int> _seen = [];
        private readonly List<double[]> _kept = [];
        private readonly double[] _sum = new double[F], _squares = new double[F];
        private long _windows, _sequences;

        public void Window(WindowBatch batch, SeriesTable series)
        {
            while (_history.Count < series.Count)
            {
                _history.Add(new double[lags * F]);
                _seen.Add(0);
            }

            for (int row = 0; row < batch.Count; row++)
            {
                double[] past = _history[batch.Slot[row]];
                Array.Copy(past, F, past, 0, past.Length - F);
                _windows++;
                for (int f = 0; f < F; f++)
                {
                    double value = past[past.Length - F + f] = batch.Raw(row, f);
                    _sum[f] += value;
                    _squares[f] += value * value;
                }

                if (++_seen[batch.Slot[row]] >= lags) Keep(past);
            }
        }

        public (float[][] Sequences, double[] Mean, double[] Scale) Standardised()
        {
            double[] mean = [.. _sum.Select(s => s / _windows)];
            double[] scale = [.. _squares.Select((s, f) => Math.Sqrt(Math.Max(1e-12, s / _windows - mean[f] * mean[f])))];
            return ([.. _kept.Select(k => k.Select((x, i) => (float)((x - mean[i % F]) / scale[i % F])).ToArray())], mean, scale);
        }

        private void Keep(double[] sequence)
        {
            _sequences++;
            if (_kept.Count < most) _kept.Add([.. sequence]);
            else if (_random.NextInt64(_sequences) is var place && place < most) sequence.CopyTo(_kept[(int)place], 0);
        }
    }
}
