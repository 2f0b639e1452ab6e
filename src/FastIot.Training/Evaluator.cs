using System.Text.Json;
using FastIot.Scoring;
using FastIot.Simulation;
using FastIot.Windows;

namespace FastIot.Training;

/// <summary>Share of a kind's and tier's events that an operating point finds.</summary>
internal sealed record Detection(AnomalyKind Kind, AnomalyTier Tier, int Events, int Found, double MedianDelaySeconds);

/// <summary>What the model achieves on sensors it has never seen, at one alarm budget.</summary>
/// <param name="FalseAlarmsPerDay">Outside events and the two minutes behind them.</param>
/// <param name="UndisturbedFalseAlarmsPerDay">Outside events and the half hour behind them, while they are in the model's memory.</param>
internal sealed record Evaluation(double Budget, double FalseAlarmsPerDay, double UndisturbedFalseAlarmsPerDay, IReadOnlyList<Detection> Detections)
{
    public int Events => Detections.Sum(d => d.Events);

    public int Found => Detections.Sum(d => d.Found);

    public double Share => Events == 0 ? 0 : (double)Found / Events;
}

internal static class Evaluator
{
    private const int GapWindows = 6;

    /// <summary>
    /// An event is found when a window that shows it alarms (its label is the event's kind); an episode none of whose windows touches an
    /// event, or lies within two minutes behind one, is a false alarm.
    /// </summary>
    public static Evaluation At(double budget, FleetScores test, AlarmThresholds thresholds)
    {
        long slide = WindowSpec.Default.SlideUs, window = WindowSpec.Default.WindowUs;
        int falseEpisodes = 0, undisturbedEpisodes = 0;
        long undisturbed = 0;
        bool[][] disturbed = Disturbed(test);
        bool[][] alarms = new bool[test.Score.Length][];
        for (int sensor = 0; sensor < test.Score.Length; sensor++)
        {
            bool[] alarm = alarms[sensor] = new bool[test.Windows];
            int last = -GapWindows - 1;
            for (int w = 0; w < test.Windows; w++)
            {
                if (float.IsNaN(test.Score[sensor][w])) continue;
                if (!disturbed[sensor][w]) undisturbed++;
                alarm[w] = thresholds.Judge(test.Score[sensor][w], test.Error[sensor][w], Fleet.TypeOf(sensor)).IsAnomaly;
                if (!alarm[w] || test.Label[sensor][w] != WindowLabel.Normal) continue;
                if (w - last > GapWindows)
                {
                    falseEpisodes++;
                    if (!disturbed[sensor][w]) undisturbedEpisodes++;
                }

                last = w;
            }
        }

        var found = test.Events.Select(e =>
        {
            int from = Math.Max(0, (int)((e.StartUs - test.FirstEndUs) / slide)), to = (int)Math.Min(test.Windows - 1, (e.EndUs + window - test.FirstEndUs) / slide);
            bool scored = false;
            double delay = double.NaN;
            for (int w = from; w <= to; w++)
            {
                if (test.Label[e.Sensor][w] != (sbyte)e.Kind) continue;
                scored = true;
                if (!alarms[e.Sensor][w]) continue;
                delay = Math.Max(0, (test.FirstEndUs + w * slide - e.StartUs) / 1e6);
                break;
            }

            return (Event: e, Scored: scored, Delay: delay);
        }).Where(f => f.Scored).ToList();
        Detection[] detections = [.. found.GroupBy(f => (f.Event.Kind, f.Event.Tier)).OrderBy(g => g.Key).Select(g =>
        {
            double[] delays = [.. g.Where(f => !double.IsNaN(f.Delay)).Select(f => f.Delay).Order()];
            return new Detection(g.Key.Kind, g.Key.Tier, g.Count(), delays.Length, delays.Length == 0 ? double.NaN : delays[delays.Length / 2]);
        })];
        return new Evaluation(budget, falseEpisodes / test.SensorDays, undisturbedEpisodes / (undisturbed * slide / 86400e6), detections);
    }

    /// <summary>Windows that touch an event or the half hour behind it.</summary>
    private static bool[][] Disturbed(FleetScores test)
    {
        const long memoryUs = 1_800_000_000;
        bool[][] disturbed = [.. test.Score.Select(s => new bool[s.Length])];
        foreach (AnomalyEvent e in test.Events)
        {
            int from = (int)Math.Max(0, (e.StartUs - test.FirstEndUs) / WindowSpec.Default.SlideUs);
            int to = (int)Math.Min(test.Windows, (e.EndUs + memoryUs - test.FirstEndUs) / WindowSpec.Default.SlideUs);
            if (to > from) disturbed[e.Sensor].AsSpan(from, to - from).Fill(true);
        }

        return disturbed;
    }

    public static string Json(IEnumerable<Evaluation> evaluations)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartArray("operating_points");
            foreach (Evaluation e in evaluations)
            {
                json.WriteStartObject();
                json.WriteNumber("alarm_budget", e.Budget);
                json.WriteNumber("false_alarms_per_day", Math.Round(e.FalseAlarmsPerDay, 3));
                json.WriteNumber("undisturbed_false_alarms_per_day", Math.Round(e.UndisturbedFalseAlarmsPerDay, 3));
                json.WriteNumber("events", e.Events);
                json.WriteNumber("found", Math.Round(e.Share, 3));
                json.WriteStartArray("by_kind_and_tier");
                foreach (Detection d in e.Detections)
                {
                    json.WriteStartObject();
                    json.WriteString("kind", AnomalyKinds.Name(d.Kind));
                    json.WriteString("tier", AnomalyTiers.Name(d.Tier));
                    json.WriteNumber("events", d.Events);
                    json.WriteNumber("found", Math.Round((double)d.Found / d.Events, 3));
                    if (double.IsFinite(d.MedianDelaySeconds)) json.WriteNumber("median_delay_s", d.MedianDelaySeconds);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }
}
