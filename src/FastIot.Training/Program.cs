using System.CommandLine;
using FastIot.Scoring;
using FastIot.Training;

var output = new Option<string>("--out") { Description = "Folder of the models", DefaultValueFactory = _ => "models" };
var name = new Option<string>("--name") { Description = "Name of the model", DefaultValueFactory = _ => "anomaly_detector" };
var version = new Option<int>("--version") { Description = "Version to write; 0 = the next one", DefaultValueFactory = _ => 0 };
var seed = new Option<int>("--seed") { Description = "The same seed makes the same data and the same start", DefaultValueFactory = _ => 1 };
var sensors = new Option<int>("--sensors") { Description = "Simulated sensors to train on; as many for calibration, half for the figures", DefaultValueFactory = _ => 600 };
var hours = new Option<double>("--hours") { Description = "Hours of each", DefaultValueFactory = _ => 12 };
var hidden = new Option<int>("--hidden") { Description = "Size of the LSTMs: 32 is fast, 64 is more accurate", DefaultValueFactory = _ => 32 };
var epochs = new Option<int>("--epochs") { Description = "Epochs of the first round; the second has three quarters of them", DefaultValueFactory = _ => 8 };
var sequences = new Option<int>("--sequences") { Description = "Sequences in an epoch", DefaultValueFactory = _ => 120_000 };
var train = new Command("train", """
    Train a model on a simulated fleet, calibrate and evaluate it, and write it where fastiot finds it

    Examples:
      fastiot-train train                               # the default model, into models/, about eight minutes on two cores
      fastiot-train train --hidden 64 --out /srv/models # more accurate, twice the time per window
    """)
{ output, name, version, seed, sensors, hours, hidden, epochs, sequences };
train.SetAction(parsed =>
{
    TorchLibraries.Prepare();
    string folder = parsed.GetValue(output)!, model = parsed.GetValue(name)!;
    int wanted = parsed.GetValue(version);
    new TrainingRun
    {
        Out = folder,
        Name = model,
        Version = wanted > 0 ? wanted : ModelRepository.Versions(Path.Combine(folder, model)).LastOrDefault() + 1,
        Seed = parsed.GetValue(seed),
        Sensors = parsed.GetValue(sensors),
        Hours = parsed.GetValue(hours),
        CalibrationSensors = parsed.GetValue(sensors),
        CalibrationHours = parsed.GetValue(hours),
        TestSensors = Math.Max(5, parsed.GetValue(sensors) / 2),
        TestHours = parsed.GetValue(hours),
        Trainer = new TrainerOptions
        {
            Hidden = parsed.GetValue(hidden),
            Epochs = parsed.GetValue(epochs),
            HardEpochs = parsed.GetValue(epochs) * 3 / 4,
            SequencesPerEpoch = parsed.GetValue(sequences),
        },
        Log = Console.Error,
    }.Run();
    return 0;
});
return new RootCommand("Trains the models of FastIot") { train, BenchmarkCommand.Create() }.Parse(args).Invoke();
