using System.Globalization;
using System.Text;
using FastIot.Scoring;

namespace FastIot.Training;

/// <summary>README.md beside a model: what it is for, how it was made, what it scored, where it fails.</summary>
internal static class ModelCard
{
    public static string Write(ModelManifest manifest, TrainingRun run, IReadOnlyList<Evaluation> evaluations)
    {
        var card = new StringBuilder();
        card.Append(CultureInfo.InvariantCulture, $"""
            # {manifest.Name}, version {manifest.Version}

            Scores windows of one sensor: an LSTM autoencoder (hidden size {run.Trainer.Hidden}, latent {Autoencoder.Latent}, {manifest.Lags.Count} windows back to {manifest.Lags[0]}) with a head that names
            spike, drift, stuck or noise. Inputs are the twelve features standardised by the series' own running baselines; temperature, humidity,
            pressure, vibration and current are known types, any other is served without a type.

            Made by `{run.Command}`: simulated sensors only, {run.Sensors} for training ({run.Hours:0.#} h each, {run.AnomalyRate:P0} of the time anomalous, seed {run.Seed}),
            {run.CalibrationSensors} healthy ones for calibration ({run.CalibrationHours:0.#} h, seed {run.SplitSeed(1)}), {run.TestSensors} for the figures below ({run.TestHours:0.#} h, 2 % anomalous, seed {run.SplitSeed(2)}). All three are
            disjoint in sensors. Real sensors are harder than simulated ones: measure on your own before you rely on it.

            | alarm budget | false alarms per sensor and day, undisturbed | … outside events only | events | found |
            |---|---|---|---|---|

            """);
        foreach (Evaluation e in evaluations) card.Append(CultureInfo.InvariantCulture, $"| {e.Budget} | {e.UndisturbedFalseAlarmsPerDay:0.00} | {e.FalseAlarmsPerDay:0.00} | {e.Events} | {e.Share:P0} |\n");
        foreach (Evaluation e in evaluations)
        {
            card.Append(CultureInfo.InvariantCulture, $"\nBy kind and tier at a budget of {e.Budget}:\n\n| kind | tier | events | found | median delay |\n|---|---|---|---|---|\n");
            foreach (Detection d in e.Detections)
                card.Append(CultureInfo.InvariantCulture, $"| {AnomalyKinds.Name(d.Kind)} | {Simulation.AnomalyTiers.Name(d.Tier)} | {d.Events} | {(double)d.Found / d.Events:P0} | {(double.IsNaN(d.MedianDelaySeconds) ? "" : $"{d.MedianDelaySeconds:0} s")} |\n");
        }

        card.Append("\nAn event is found when a window that shows it alarms (a spike's: that touches it; else at least 30 s of overlap; a drift's must end within\nthe ramp). False alarms are episodes, alarms at most 60 s apart counting once, outside events and the two minutes behind them; undisturbed are windows\nmore than half an hour behind the last event, which is what the budget was calibrated for: for that long a past event is in the model's input.\n");
        return card.ToString();
    }
}
