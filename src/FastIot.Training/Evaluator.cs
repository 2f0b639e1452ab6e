using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Training;

/// <summary>Share of a kind's and tier's events that an operating point finds.</summary>
internal sealed record Detection(AnomalyKind Kind, AnomalyTier Tier, int Events, int Found);

/// <summary>What the model achieves on sensors it has never seen, at one alarm budget.</summary>
/// <param name="FalseAlarmsPerDay">Outside events and the two minutes behind them.</param>
/// <param name="FalseAlarmInterval">95 % interval, by bootstrap over the sensors.</param>
/// <param name="MedianDelays">From an event's start to the end of the first window that finds it, s, by kind; NaN without any.</param>
internal sealed record OperatingPoint(
    double Budget, double FalseAlarmsPerDay, (double Low, double High) FalseAlarmInterval, double SensorDays, IReadOnlyList<Detection> Detections, double[] MedianDelays)
{
    public int Events => Detections.Sum(d => d.Events);

    public int Found => Detections.Sum(d => d.Found);

    public double Share => Events == 0 ? 0 : (double)Found / Events;
}

/// <summary>How the head's raw score ranks the windows, without any threshold, those that are neither right nor wrong left out.</summary>
/// <param name="F1AtPrecision95">The best F1 among thresholds with a precision of at least 0.95.</param>
internal sealed record WindowFigures(double RocAuc, double PrAuc, double F1AtPrecision95);

internal static class Evaluator
{
    private const int Resamples = 1000;

    /// <summary>
    /// An event is found when a window that shows it alarms (its label is the event's kind); an episode none of whose windows touches an
    /// event, or lies within two minutes behind one, is a false alarm.
    /// </summary>
    public static OperatingPoint At(double budget, FleetScores test, AlarmThresholds thresholds)
    {
        bool[][] alarms = [.. test.Score.Select((scores, s) => scores.Select((score, w) => thresholds.Judge(score, test.Error[s][w], test.Types[s], test.Seen[s][w]).IsAnomaly).ToArray())];
        int[] falseAlarms = [.. alarms.Select((series, s) => Calibrator.Episodes(series.Length, w => series[w] && test.Label[s][w] == WindowLabel.Normal))];
        var found = new List<(AnomalyEvent Event, double DelayS)>();
        foreach (AnomalyEvent e in test.Events)
        {
            if (Delay(test, alarms[e.Sensor], e) is { } delay) found.Add((e, delay));
        }

        Detection[] detections = [.. found.GroupBy(f => (f.Event.Kind, f.Event.Tier)).OrderBy(g => g.Key)
            .Select(g => new Detection(g.Key.Kind, g.Key.Tier, g.Count(), g.Count(f => !double.IsNaN(f.DelayS))))];
        double[] delays = [.. Enumerable.Range(0, AnomalyKinds.Modelled)
            .Select(kind => Median([.. found.Where(f => (int)f.Event.Kind == kind && !double.IsNaN(f.DelayS)).Select(f => f.DelayS).Order()]))];
        return new OperatingPoint(budget, falseAlarms.Sum() / test.SensorDays, Interval(falseAlarms, test.SensorDays / falseAlarms.Length), test.SensorDays, detections, delays);
    }

    public static WindowFigures Windows(FleetScores test)
    {
        var windows = new List<(float Score, bool IsAnomaly)>();
        for (int s = 0; s < test.Score.Length; s++)
        {
            for (int w = 0; w < test.Score[s].Length; w++)
            {
                if (!float.IsNaN(test.Score[s][w]) && test.Label[s][w] != WindowLabel.DoNotCare) windows.Add((test.Score[s][w], test.Label[s][w] >= 0));
            }
        }

        windows.Sort((a, b) => b.Score.CompareTo(a.Score));
        double anomalies = Math.Max(1, windows.Count(w => w.IsAnomaly)), found = 0, passed = 0, roc = 0, pr = 0, best = 0;
        foreach ((_, bool isAnomaly) in windows)
        {
            if (isAnomaly) found++;
            else passed++;
            double precision = found / (found + passed), recall = found / anomalies;
            if (isAnomaly) pr += precision / anomalies;
            else roc += recall;
            if (precision >= .95) best = Math.Max(best, 2 * precision * recall / (precision + recall));
        }

        return new WindowFigures(roc / Math.Max(1, passed), pr, best);
    }

    /// <summary>Null when no window shows the event (warming, or a gap); NaN when none of those alarms.</summary>
    private static double? Delay(FleetScores test, bool[] alarms, AnomalyEvent e)
    {
        const long slide = 10_000_000, window = 60_000_000;
        int from = Math.Max(0, (int)((e.StartUs - test.FirstEndUs) / slide)), to = (int)Math.Min(alarms.Length - 1, (e.EndUs + window - test.FirstEndUs) / slide);
        bool shown = false;
        for (int w = from; w <= to; w++)
        {
            if (test.Label[e.Sensor][w] != (sbyte)e.Kind) continue;
            shown = true;
            if (alarms[w]) return Math.Max(0, (test.FirstEndUs + w * slide - e.StartUs) / 1e6);
        }

        return shown ? double.NaN : null;
    }

    private static double Median(double[] sorted) => sorted.Length == 0 ? double.NaN : sorted[sorted.Length / 2];

    private static (double Low, double High) Interval(int[] ofSensor, double daysEach)
    {
        var random = new Random(1);
        double[] rates = new double[Resamples];
        for (int i = 0; i < Resamples; i++)
        {
            long sum = 0;
            for (int k = 0; k < ofSensor.Length; k++) sum += ofSensor[random.Next(ofSensor.Length)];
            rates[i] = sum / (daysEach * ofSensor.Length);
        }

        Array.Sort(rates);
        return (rates[Resamples / 40], rates[^(Resamples / 40)]);
    }
}
