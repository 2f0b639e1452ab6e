using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using FastIot.Features;
using FastIot.Scoring;
using FastIot.Simulation;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Training;

/// <summary>Simulate, train, export, calibrate, evaluate, write: one model from nothing but a seed.</summary>
internal sealed record TrainingRun
{
    private const double HeadShare = .9;
    private const int ComparedSequences = 10_000;
    private const double LargestDifference = 1e-4;

    public required string Out { get; init; }

    public string Name { get; init; } = "anomaly_detector";

    public required int Version { get; init; }

    public int Seed { get; init; } = 1;

    public int Sensors { get; init; } = 600;

    public double Hours { get; init; } = 12;

    public double AnomalyRate { get; init; } = .06;

    public int CalibrationSensors { get; init; } = 600;

    public double CalibrationHours { get; init; } = 12;

    public int TestSensors { get; init; } = 300;

    public double TestHours { get; init; } = 12;

    public TrainerOptions Trainer { get; init; } = new();

    public required TextWriter Log { get; init; }

    public string Command => string.Create(CultureInfo.InvariantCulture,
        $"fastiot-train train --seed {Seed} --sensors {Sensors} --hours {Hours} --hidden {Trainer.Hidden}");

    /// <summary>Seed of the fleet for training (0), calibration (1), evaluation (2).</summary>
    public long SplitSeed(int split) => Seed + split * 1_000_003L;

    public void Run()
    {
        var clock = Stopwatch.StartNew();
        FeatureSpec spec = FeatureSpec.Default;
        using var samples = new Samples(spec.Lags.Length);
        double normalShare = Math.Clamp(600_000.0 / (Sensors * Hours * 360), 0, 1);
        samples.Add(Fleet(Sensors, 0, AnomalyRate), Hours, spec, normalShare, Progress("simulating"));
        Log.WriteLine($"{samples.Normal.Count} normal windows, {string.Join(", ", samples.OfKind.Select((k, i) => $"{k.Count} {AnomalyKinds.Name((AnomalyKind)i)}"))}");
        Autoencoder net = new Trainer(samples, Trainer with { Seed = Seed }, spec.Lags.Length, Log).Train();
        byte[] onnx = OnnxExport.Write(TorchWeights.Of(net));

        using Microsoft.ML.OnnxRuntime.SessionOptions options = Model.Options();
        using var session = new ModelSession(onnx, spec.Lags.Length, options);
        double difference = Compare(net, samples, session);
        Log.WriteLine($"ONNX Runtime differs from TorchSharp by at most {difference:0.0e+0}");
        if (!(difference <= LargestDifference)) throw new InvalidOperationException($"the exported graph differs from the network by {difference}, more than {LargestDifference}");

        FleetScores clean = FleetScores.Of(Fleet(CalibrationSensors, 1, 0), CalibrationHours, spec, session, null, Progress("calibrating"));
        ModelManifest manifest = Manifest(spec, onnx, clean, "{}");
        Evaluation[] evaluations = [.. new[] { 1.0, 0.1 }.Select(budget =>
        {
            var thresholds = new AlarmThresholds(manifest, budget);
            return Evaluator.At(budget, FleetScores.Of(Fleet(TestSensors, 2, .02), TestHours, spec, session, thresholds, Progress($"evaluating at {budget} a day")), thresholds);
        })];
        foreach (Evaluation e in evaluations) Log.WriteLine($"budget {e.Budget}: {e.Share:P1} of {e.Events} events found, {e.FalseAlarmsPerDay:0.00} false alarms per sensor and day, {e.UndisturbedFalseAlarmsPerDay:0.00} undisturbed by events");
        Write(Manifest(spec, onnx, clean, Evaluator.Json(evaluations)), onnx, evaluations);
        Log.WriteLine($"{Path.Combine(Out, Name, Version.ToString(CultureInfo.InvariantCulture))} written after {clock.Elapsed:mm\\:ss}");
    }

    private FleetOptions Fleet(int sensors, int split, double anomalyRate) =>
        new() { Sensors = sensors, Seed = (ulong)SplitSeed(split), AnomalyRate = anomalyRate };

    private Action<double> Progress(string what)
    {
        int last = -1;
        return share =>
        {
            int tenth = (int)(share * 10);
            if (tenth == last) return;
            last = tenth;
            Log.WriteLine($"{what}: {tenth * 10} %");
        };
    }

    /// <summary>Largest difference between torch and ONNX Runtime, on sequences drawn from the samples; relative for large scores.</summary>
    private static unsafe double Compare(Autoencoder net, Samples samples, ModelSession session)
    {
        int[] rows = [.. Enumerable.Range(0, Math.Min(ComparedSequences, samples.Count)).Select(i => (int)((long)i * samples.Count / Math.Min(ComparedSequences, samples.Count)))];
        (float[] scores, float[] errors) = FastIot.Training.Trainer.Outputs(net, samples, rows);
        double largest = 0;
        for (int first = 0; first < rows.Length; first += Limits.ScoringChunk)
        {
            int count = Math.Min(Limits.ScoringChunk, rows.Length - first);
            new Span<float>(session.SensorType, Limits.ScoringChunk * SensorTypes.Count).Clear();
            for (int i = 0; i < count; i++)
            {
                samples.Features(rows[first + i]).CopyTo(new Span<float>(session.Features + i * samples.RowFloats, samples.RowFloats));
                session.SensorType[i * SensorTypes.Count + samples.Type(rows[first + i])] = 1;
            }

            session.Run();
            for (int i = 0; i < count; i++)
            {
                largest = Math.Max(largest, Math.Abs(session.Score[i] - scores[first + i]) / Math.Max(1, Math.Abs(scores[first + i])));
                largest = Math.Max(largest, Math.Abs(session.ReconstructionError[i] - errors[first + i]) / Math.Max(1, errors[first + i]));
            }
        }

        return largest;
    }

    private ModelManifest Manifest(FeatureSpec spec, byte[] onnx, FleetScores clean, string evaluation) => new()
    {
        Name = Name,
        Version = Version,
        Features = spec,
        HeadShare = HeadShare,
        HeadCalibration = Calibrator.Head(clean),
        Reconstruction = Calibrator.Reconstruction(clean),
        OnnxSha256 = Convert.ToHexStringLower(SHA256.HashData(onnx)),
        Training = JsonSerializer.Serialize(new
        {
            command = Command,
            data = "simulated",
            sensors = Sensors,
            hours = Hours,
            anomaly_rate = AnomalyRate,
            seed = Seed,
            hidden = Trainer.Hidden,
            calibration_sensor_days = Math.Round(clean.SensorDays, 1),
        }),
        Evaluation = evaluation,
    };

    private void Write(ModelManifest manifest, byte[] onnx, IReadOnlyList<Evaluation> evaluations)
    {
        string folder = Path.Combine(Out, Name, Version.ToString(CultureInfo.InvariantCulture));
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), onnx);
        File.WriteAllBytes(Path.Combine(folder, "model.json"), manifest.ToJson());
        File.WriteAllText(Path.Combine(folder, "README.md"), ModelCard.Write(manifest, this, evaluations));
        using Model loaded = ModelRepository.Load(Out, Name, Version.ToString(CultureInfo.InvariantCulture), ExecutionProvider.Cpu, NullLogger.Instance);
    }
}
