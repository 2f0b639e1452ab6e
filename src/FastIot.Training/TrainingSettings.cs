using System.Globalization;
using FastIot.Ingest;
using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Training;

/// <summary>A size of the network: what one scored window costs, against what is found.</summary>
internal sealed record TrainingProfile(string Name, string Model, TrainerOptions Trainer)
{
    public static readonly TrainingProfile[] All =
    [
        new("accurate", "anomaly_detector", TrainerOptions.Accurate),
        new("fast", "anomaly_detector_fast", TrainerOptions.Fast),
    ];

    public static TrainingProfile Of(string name) => All.First(p => p.Name == name);
}

/// <summary>What to train on, how, and where to write it. Equal settings give equal models.</summary>
internal sealed record TrainingSettings
{
    public required string Out { get; init; }

    public required string Name { get; init; }

    public required int Version { get; init; }

    public string Profile { get; init; } = "accurate";

    public int Seed { get; init; } = 1;

    /// <summary>Recordings to train on; none: simulated sensors.</summary>
    public IReadOnlyList<string> From { get; init; } = [];

    public CsvOptions Csv { get; init; } = new();

    /// <summary>Calibrate and measure on simulated sensors even if <see cref="From"/> names recordings: for histories that are not healthy.</summary>
    public bool SimulatedCalibration { get; init; }

    public int Sensors { get; init; } = 1500;

    public double Hours { get; init; } = 12;

    /// <summary>Share of the training sensors' time that is anomalous.</summary>
    public double AnomalyRate { get; init; } = .06;

    /// <summary>The same for calibration and figures: rare, as faults are.</summary>
    public double ServiceAnomalyRate { get; init; } = .02;

    public double CalibrationDays { get; init; } = 1000;

    public double TestDays { get; init; } = 1000;

    /// <summary>Kinds that are not shown to the network, to see what it makes of them.</summary>
    public IReadOnlyList<AnomalyKind> LeaveOut { get; init; } = [];

    public TrainerOptions Trainer { get; init; } = TrainerOptions.Accurate;

    /// <summary>Seed of the fleet for training (0), calibration (1), evaluation (2), the first pass of the calibration (3).</summary>
    public ulong SplitSeed(int split) => (ulong)(Seed + split * 1_000_003L);

    public FleetOptions TrainingFleet => new()
    {
        Sensors = Sensors,
        Seed = SplitSeed(0),
        AnomalyRate = AnomalyRate,
        KindWeights = [.. Enumerable.Range(0, AnomalyKinds.Modelled).Select(kind => LeaveOut.Contains((AnomalyKind)kind) ? 0.0 : 1.0)],
    };

    /// <summary>Sensors of their own for each split, for as long as the training ones; half an hour of each is warming.</summary>
    public FleetOptions ServiceFleet(int split, double days) => new()
    {
        Sensors = Math.Max(SensorTypes.Count, (int)Math.Ceiling(days * 24 / Math.Max(Hours - .5, .25))),
        Seed = SplitSeed(split),
        AnomalyRate = ServiceAnomalyRate,
    };

    /// <summary>The command that makes this model again.</summary>
    public string Command
    {
        get
        {
            var defaults = new TrainingSettings { Out = "", Name = "", Version = 0 };
            string command = TrainingCommand(defaults);
            if (CalibrationDays != defaults.CalibrationDays) command += string.Create(CultureInfo.InvariantCulture, $" --calibration-days {CalibrationDays}");
            if (TestDays != defaults.TestDays) command += string.Create(CultureInfo.InvariantCulture, $" --test-days {TestDays}");
            if (SimulatedCalibration) command += " --calibration simulated";
            return command;
        }
    }

    /// <summary>What a checkpoint must have been made with: calibration and figures may be other ones.</summary>
    public string Fingerprint => $"fastiot-train 2 | {TrainingCommand(new TrainingSettings { Out = "", Name = "", Version = 0 })} | {Trainer.Hidden} {Trainer.HeadHidden} {Trainer.Batch} | "
        + string.Join(' ', Trainer.Rounds.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Epochs}:{r.LearningRate}:{string.Join(',', r.HardShares)}")));

    private string TrainingCommand(TrainingSettings defaults)
    {
        string command = $"fastiot-train train --profile {Profile}";
        if (Seed != defaults.Seed) command += $" --seed {Seed}";
        if (Sensors != defaults.Sensors) command += $" --sensors {Sensors}";
        if (Hours != defaults.Hours) command += string.Create(CultureInfo.InvariantCulture, $" --hours {Hours}");
        if (Trainer.SequencesPerEpoch != TrainingProfile.Of(Profile).Trainer.SequencesPerEpoch) command += $" --sequences {Trainer.SequencesPerEpoch}";
        if (From.Count > 0) command += string.Create(CultureInfo.InvariantCulture, $" --contamination {Trainer.Contamination} --from {string.Join(' ', From)}");
        if (LeaveOut.Count > 0) command += $" --leave-out {string.Join(',', LeaveOut.Select(AnomalyKinds.Name))}";
        return command;
    }
}
