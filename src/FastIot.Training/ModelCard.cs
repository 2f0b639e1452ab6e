using System.Globalization;
using System.Text;
using FastIot.Scoring;

namespace FastIot.Training;

/// <summary>README.md beside a model: what it is for, how it was made, what it scored, where it fails.</summary>
internal static class ModelCard
{
    public static string Write(ModelManifest manifest, TrainingSettings settings, Calibration calibration, IReadOnlyList<OperatingPoint> evaluations, WindowFigures windows)
    {
        var card = new StringBuilder();
        card.Append(CultureInfo.InvariantCulture, $"""
            # {manifest.Name}, version {manifest.Version}

            Scores windows of one sensor: an LSTM autoencoder (hidden size {settings.Trainer.Hidden}, latent {Autoencoder.Latent}, {manifest.Lags.Count} windows back to {manifest.Lags[0]}) with a head that names
            spike, drift, stuck or noise. Inputs are the twelve features standardised by the series' own running baselines; temperature, humidity,
            pressure, vibration and current are known types, any other is served without a type. A second channel, the distance of the newest
            windows' reconstruction errors from what is usual for the type, has a tenth of the alarm budget, for what the head never saw. What both come
            to together, and how much more young series alarm, is part of the calibration: a budget means the same at every age from 30 min on.

            Made by `{settings.Command}`: {Data(settings, calibration, evaluations[0].SensorDays)}

            Windows, by the head's raw score: ROC-AUC {windows.RocAuc:0.000}, PR-AUC {windows.PrAuc:0.000}, F1 {windows.F1AtPrecision95:0.000} at a precision of 0.95 or more.

            | alarm budget | false alarms per sensor and day (95 % interval) | events | found | of easy and medium ones |
            |---|---|---|---|---|

            """);
        foreach (OperatingPoint e in evaluations)
        {
            Detection[] clear = [.. e.Detections.Where(d => d.Tier != Simulation.AnomalyTier.Hard)];
            card.Append(CultureInfo.InvariantCulture, $"| {e.Budget} | {e.FalseAlarmsPerDay:0.00} ({e.FalseAlarmInterval.Low:0.00}–{e.FalseAlarmInterval.High:0.00}) | {e.Events} | {e.Share:P1} | {(double)clear.Sum(d => d.Found) / Math.Max(1, clear.Sum(d => d.Events)):P1} |\n");
        }

        foreach (OperatingPoint e in evaluations.Where(e => e.Budget is 1 or .1)) Kinds(card, e);
        card.Append("""

            An event is found when a window that shows it alarms (a spike's: that touches it; else at least 30 s of overlap; a drift's must end within
            the ramp). False alarms are episodes, alarms at most 60 s apart counting once, outside events and the two minutes behind them.

            """);
        return card.ToString();
    }

    private static string Data(TrainingSettings settings, Calibration calibration, double testDays)
    {
        string service = string.Create(CultureInfo.InvariantCulture, $"{calibration.SensorDays:0} sensor-days of others for calibration (seed {settings.SplitSeed(1)}) and {testDays:0} of others again for the figures below (seed {settings.SplitSeed(2)}), these with {settings.ServiceAnomalyRate:P0} of the\ntime anomalous. Real sensors are harder than simulated ones, and their faults other ones: measure on your own before you rely on it.");
        string injected = string.Create(CultureInfo.InvariantCulture, $"{settings.AnomalyRate:P0} of the time anomalous, seed {settings.SplitSeed(0)}");
        if (settings.From.Count == 0) return string.Create(CultureInfo.InvariantCulture, $"simulated sensors only, {settings.Sensors} for training ({settings.Hours:0.#} h each, {injected}),\n{service}");
        string recorded = string.Create(CultureInfo.InvariantCulture, $"recorded readings with injected anomalies ({injected}), of which {settings.Trainer.Contamination:P0} may be anomalies that nobody has labelled.");
        return settings.SimulatedCalibration ? $"{recorded} Simulated sensors:\n{service}"
            : string.Create(CultureInfo.InvariantCulture, $"{recorded} The first {RecordedWindows.TrainedOn:P0} of the time\nare trained on, the next {RecordedWindows.CalibratedOn:P0} calibrated on ({calibration.SensorDays:0.0} sensor-days), the rest ({testDays:0.0}) is for the figures below. Whatever alarms there outside injected\nevents counts as false, true anomalies included: the budget is one of alarms on such a history.");
    }

    private static void Kinds(StringBuilder card, OperatingPoint e)
    {
        card.Append(CultureInfo.InvariantCulture, $"\nBy kind at a budget of {e.Budget}:\n\n| kind | events | found | hard | medium | easy | median delay |\n|---|---|---|---|---|---|---|\n");
        foreach (IGrouping<AnomalyKind, Detection> kind in e.Detections.GroupBy(d => d.Kind))
        {
            string tiers = string.Join(" | ", Enumerable.Range(0, Simulation.AnomalyTiers.Count).Select(t => kind.FirstOrDefault(d => (int)d.Tier == t) is { } d ? (d.Found / (double)d.Events).ToString("P0", CultureInfo.InvariantCulture) : ""));
            double delay = e.MedianDelays[(int)kind.Key];
            card.Append(CultureInfo.InvariantCulture, $"| {AnomalyKinds.Name(kind.Key)} | {kind.Sum(d => d.Events)} | {kind.Sum(d => d.Found) / (double)kind.Sum(d => d.Events):P0} | {tiers} | {(double.IsNaN(delay) ? "" : $"{delay:0} s")} |\n");
        }
    }
}
