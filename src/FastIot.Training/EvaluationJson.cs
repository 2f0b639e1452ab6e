using System.Text;
using System.Text.Json;
using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Training;

/// <summary>A model's figures as they stand in its model.json.</summary>
internal static class EvaluationJson
{
    public static string Write(IEnumerable<OperatingPoint> evaluations, WindowFigures windows)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteNumber("window_roc_auc", Math.Round(windows.RocAuc, 3));
            json.WriteNumber("window_pr_auc", Math.Round(windows.PrAuc, 3));
            json.WriteNumber("window_f1_at_precision_95", Math.Round(windows.F1AtPrecision95, 3));
            json.WriteStartArray("operating_points");
            foreach (OperatingPoint e in evaluations) Write(json, e);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void Write(Utf8JsonWriter json, OperatingPoint e)
    {
        json.WriteStartObject();
        json.WriteNumber("alarm_budget", e.Budget);
        json.WriteNumber("false_alarms_per_day", Math.Round(e.FalseAlarmsPerDay, 3));
        json.WriteStartArray("false_alarms_per_day_95");
        json.WriteNumberValue(Math.Round(e.FalseAlarmInterval.Low, 3));
        json.WriteNumberValue(Math.Round(e.FalseAlarmInterval.High, 3));
        json.WriteEndArray();
        json.WriteNumber("sensor_days", Math.Round(e.SensorDays, 1));
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
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
