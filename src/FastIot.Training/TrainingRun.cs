using System.Globalization;
using System.Text.Json;
using FastIot.Features;
using FastIot.Scoring;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Training;

/// <summary>Simulate, train, export, calibrate, evaluate, write: one model from its settings.</summary>
internal sealed class TrainingRun(TrainingSettings settings, TrainingProgress progress)
{
    private const int ComparedSequences = 10_000;
    private const double LargestDifference = 1e-4;

    private const double HeadShare = ModelManifest.UsualHeadShare;

    private static readonly double[] s_budgets = [3, 1, .3, .1];

    private readonly FeatureSpec _spec = FeatureSpec.Default;
    private readonly string _folder = Path.Combine(settings.Out, settings.Name, settings.Version.ToString(CultureInfo.InvariantCulture));

    private WindowLog[] _recorded = [];

    private Checkpoint Saved => new(_folder + ".checkpoint", settings.Fingerprint);

    /// <returns>False when it was cancelled; the checkpoint says where it goes on.</returns>
    public bool Run(CancellationToken cancellation)
    {
        try
        {
            byte[]? onnx = Graph(cancellation);
            if (onnx != null) Measure(onnx, cancellation);
            return onnx != null;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            progress.Say(File.Exists(Saved.Path) ? $"stopped; the same command goes on with {Saved.Path}" : "stopped");
            return false;
        }
    }

    private void Measure(byte[] onnx, CancellationToken cancellation)
    {
        Calibration calibration = Calibration.Measure(settings.CalibrationDays, (split, days, loop) => Scores(split, days, onnx, loop, "calibrating", cancellation), _spec, GraphContract.Full, HeadShare);
        FleetScores test = Scores(2, settings.TestDays, onnx, calibration.Thresholds(1), "evaluating", cancellation);
        OperatingPoint[] evaluations = [.. s_budgets.Select(budget => Evaluator.At(budget, test, calibration.Thresholds(budget)))];
        foreach (OperatingPoint e in evaluations) progress.Say($"budget {e.Budget}: {e.Share:P1} of {e.Events} events found, {e.FalseAlarmsPerDay:0.00} false alarms per sensor and day");
        Write(onnx, calibration, evaluations, Evaluator.Windows(test));
        // Only now: what is trained can be calibrated anew without training again.
        Saved.Remove();
    }

    /// <summary>Trains, or goes on with it, and exports.</summary>
    private byte[]? Graph(CancellationToken cancellation)
    {
        progress.Begin(settings.From.Count > 0 ? "reading" : "simulating");
        WindowLog[] logs = settings.From.Count > 0 ? Recorded() : TrainingLogs(cancellation);
        using Sequences sequences = Sequences.Of(logs, _spec, LearntSlowly, settings.Trainer.Threads);
        progress.Say($"{sequences.Normal.Length} normal windows, {string.Join(", ", sequences.OfKind.Select((k, i) => $"{k.Length} {AnomalyKinds.Name((AnomalyKind)i)}"))}");
        Directory.CreateDirectory(Path.Combine(settings.Out, settings.Name));
        Checkpoint checkpoint = Saved;
        var trainer = new Trainer(sequences, settings.Trainer);
        bool resumed = checkpoint.TryLoad(trainer);
        if (resumed) progress.Say($"going on with {checkpoint.Path}");
        progress.Begin("training", trainer.Done);
        trainer.Epoch += (done, loss) =>
        {
            progress.Report(done, $"loss {loss:0.0000}");
            checkpoint.Save(trainer);
        };
        Autoencoder? net = trainer.Train(cancellation);
        if (net == null)
        {
            checkpoint.Save(trainer);
            progress.Say($"stopped; the same command goes on with {checkpoint.Path}");
            return null;
        }

        LinearWeights whitening = Whitening.Fit(net, sequences);
        byte[] onnx = OnnxExport.Write(TorchWeights.Of(net, whitening));
        double difference = Compare(net, whitening, onnx, sequences);
        progress.Say($"ONNX Runtime differs from TorchSharp by at most {difference:0.0e+0}");
        if (!(difference <= LargestDifference)) throw new InvalidOperationException($"the exported graph differs from the network by {difference}, more than {LargestDifference}");
        return onnx;
    }

    /// <summary>The recordings, the first part of their time; kept for calibration and figures.</summary>
    private WindowLog[] Recorded()
    {
        RecordedSeries[] series = Recording.Read(settings.From, settings.Csv);
        progress.Say($"{series.Length} series, {series.Sum(s => (long)s.Values.Length):N0} readings");
        _recorded = RecordedWindows.Of(series, settings.TrainingFleet with { Sensors = series.Length }, share => progress.Report(share), settings.Trainer.Threads);
        return [.. _recorded.Select(log => log.Between(0, RecordedWindows.TrainedOn))];
    }

    private WindowLog[] TrainingLogs(CancellationToken cancellation)
    {
        var logs = new WindowLog[SimulatedWindows.Shards(settings.Sensors)];
        int done = 0;
        Parallel.For(0, logs.Length, new ParallelOptions { MaxDegreeOfParallelism = settings.Trainer.Threads, CancellationToken = cancellation }, i =>
        {
            logs[i] = SimulatedWindows.Simulate(settings.TrainingFleet, settings.Hours, i);
            progress.Report((double)Interlocked.Increment(ref done) / logs.Length);
        });
        return logs;
    }

    /// <summary>Half of the events: in service the baselines learn slowly from those that alarm, at full speed from those that do not.</summary>
    private static bool LearntSlowly(Simulation.AnomalyEvent e) => (e.StartUs / 1_000_000 & 1) == 0;

    private FleetScores Scores(int split, double days, byte[] onnx, AlarmThresholds? loop, string stage, CancellationToken cancellation)
    {
        progress.Begin(stage);
        if (settings.From.Count > 0 && !settings.SimulatedCalibration)
        {
            const double test = RecordedWindows.TrainedOn + RecordedWindows.CalibratedOn;
            (double from, double to) = split == 2 ? (test, 1.0) : (RecordedWindows.TrainedOn, test);
            return FleetScores.Of(_recorded.Length, i => _recorded[i].Between(from, to), _spec, () => SequenceScores.Session(onnx, _spec), loop, settings.Trainer.Threads, share => progress.Report(share), cancellation);
        }

        return FleetScores.Of(settings.ServiceFleet(split, days), settings.Hours, _spec, () => SequenceScores.Session(onnx, _spec), loop, settings.Trainer.Threads, share => progress.Report(share), cancellation);
    }

    /// <summary>Largest difference between torch and ONNX Runtime, on sequences of all labels; relative for large scores.</summary>
    private double Compare(Autoencoder net, LinearWeights whitening, byte[] onnx, Sequences sequences)
    {
        int[] all = [.. sequences.Normal, .. sequences.OfKind.SelectMany(rows => rows)];
        int[] rows = [.. Enumerable.Range(0, Math.Min(ComparedSequences, all.Length)).Select(i => all[(long)i * all.Length / Math.Min(ComparedSequences, all.Length)])];
        SequenceScores torch = TorchScores.Of(net, whitening, sequences, rows), runtime = SequenceScores.Of(onnx, sequences, rows, settings.Trainer.Threads);
        double largest = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(runtime.Score[i] - torch.Score[i]) / Math.Max(1, Math.Abs(torch.Score[i])));
            largest = Math.Max(largest, Math.Abs(runtime.Error[i] - torch.Error[i]) / Math.Max(1, torch.Error[i]));
        }

        return largest;
    }

    private void Write(byte[] onnx, Calibration calibration, IReadOnlyList<OperatingPoint> evaluations, WindowFigures windows)
    {
        ModelManifest manifest = calibration.In(new ModelManifest
        {
            Name = settings.Name,
            Version = settings.Version,
            Features = _spec,
            HeadShare = HeadShare,
            HeadCalibration = null,
            Reconstruction = [],
            OnnxSha256 = "",
            Training = JsonSerializer.Serialize(new
            {
                command = settings.Command,
                data = settings.From.Count == 0 ? "simulated" : string.Join(' ', settings.From.Select(f => Path.GetFileName(f))),
                sensors = settings.Sensors,
                hours = settings.Hours,
                anomaly_rate = settings.AnomalyRate,
                left_out = settings.LeaveOut.Select(AnomalyKinds.Name),
                seed = settings.Seed,
                hidden = settings.Trainer.Hidden,
                calibration_sensor_days = Math.Round(calibration.SensorDays, 1),
            }),
            Evaluation = EvaluationJson.Write(evaluations, windows),
        }, onnx);
        Directory.CreateDirectory(_folder);
        File.WriteAllBytes(Path.Combine(_folder, "model.onnx"), onnx);
        File.WriteAllBytes(Path.Combine(_folder, "model.json"), manifest.ToJson());
        File.WriteAllText(Path.Combine(_folder, "README.md"), ModelCard.Write(manifest, settings, calibration, evaluations, windows));
        using Model loaded = ModelRepository.Load(settings.Out, settings.Name, settings.Version.ToString(CultureInfo.InvariantCulture), ExecutionProvider.Cpu, NullLogger.Instance);
        progress.Say($"{_folder} written");
    }
}
