using System.Globalization;
using System.Text.Json;
using FastIot.Features;

namespace FastIot.Scoring;

/// <summary>The text of a model.json: equal manifests give equal bytes.</summary>
internal static class ManifestWriter
{
    public static byte[] Write(ModelManifest manifest)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("name", manifest.Name);
            json.WriteNumber("version", manifest.Version);
            Features(json, manifest.Features);
            if (manifest.Graph != GraphContract.Full) Graph(json, manifest.Graph);
            Strings(json, "sensor_types", SensorTypes.Names);
            Strings(json, "kinds", Enumerable.Range(0, AnomalyKinds.Modelled).Select(k => AnomalyKinds.Name((AnomalyKind)k)));
            if (manifest.Graph.HasHead && manifest.Graph.HasReconstruction)
            {
                json.WriteStartObject("budget_split");
                json.WriteNumber("head", manifest.HeadShare);
                json.WriteNumber("reconstruction", Math.Round(1 - manifest.HeadShare, 6));
                json.WriteEndObject();
            }

            json.WriteStartObject("calibration");
            if (manifest.HeadCalibration is { } head) Tables(json, "head", [head]);
            if (manifest.Reconstruction.Count > 0) Tables(json, "reconstruction", manifest.Reconstruction);
            if (manifest.Young is { } young) Young(json, young);
            if (manifest.Combined is { } combined) Tables(json, "combined", [combined]);
            json.WriteEndObject();
            if (manifest.HeadReference.Count + manifest.ReconstructionReference.Count > 0)
            {
                json.WriteStartObject("reference");
                References(json, "head", manifest.HeadReference);
                References(json, "reconstruction", manifest.ReconstructionReference);
                json.WriteEndObject();
            }

            json.WriteString("onnx_sha256", manifest.OnnxSha256);
            json.WritePropertyName("training");
            json.WriteRawValue(manifest.Training);
            json.WritePropertyName("evaluation");
            json.WriteRawValue(manifest.Evaluation);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void Features(Utf8JsonWriter json, FeatureSpec spec)
    {
        json.WriteStartObject("features");
        Strings(json, "names", spec.Names);
        Numbers(json, "lags", spec.Lags.Select(l => (double)l));
        if (spec.RawMean.Length > 0)
        {
            Numbers(json, "raw_mean", spec.RawMean);
            Numbers(json, "raw_scale", spec.RawScale);
        }

        json.WriteStartArray("floors");
        foreach (float floor in spec.Floors) json.WriteNumberValue(floor);
        json.WriteEndArray();
        json.WriteNumber("baseline_windows", spec.BaselineWindows);
        Numbers(json, "level_windows", [spec.Level30Windows, spec.Level120Windows, spec.Level5Windows]);
        json.WriteNumber("winsorise_after", spec.WinsoriseAfter);
        json.WriteNumber("winsorise_at", spec.WinsoriseAt);
        json.WriteNumber("alarm_gain", spec.AlarmGain);
        json.WriteNumber("slow_at_false_alarms_per_day", spec.SlowAtFalseAlarmsPerDay);
        json.WriteEndObject();
    }

    private static void Graph(Utf8JsonWriter json, GraphContract graph)
    {
        void Name(string member, string? name)
        {
            if (name != null) json.WriteString(member, name);
        }

        json.WriteStartObject("graph");
        json.WriteStartObject("inputs");
        Name("features", graph.Features);
        Name("sensor_type", graph.SensorType);
        json.WriteEndObject();
        json.WriteStartObject("outputs");
        Name("score", graph.Score);
        Name("kind_logits", graph.KindLogits);
        Name("reconstruction_error", graph.ReconstructionError);
        Name("reconstruction", graph.Reconstruction);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Tables(Utf8JsonWriter json, string name, IReadOnlyList<CalibrationTable> tables)
    {
        json.WriteStartArray(name);
        foreach (CalibrationTable table in tables)
        {
            json.WriteStartObject();
            json.WriteString("type", table.Type);
            Numbers(json, "score", table.Scores);
            Numbers(json, "false_alarms_per_day", table.RatesPerDay.Select(Rounded));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Young(Utf8JsonWriter json, YoungSeries young)
    {
        json.WriteStartObject("young");
        Numbers(json, "windows", young.Windows.Select(w => (double)w));
        Numbers(json, "factor", young.Factors.Select(Rounded));
        json.WriteEndObject();
    }

    private static void References(Utf8JsonWriter json, string name, IReadOnlyList<ScoreReference> references)
    {
        if (references.Count == 0) return;
        json.WriteStartArray(name);
        foreach (ScoreReference reference in references)
        {
            json.WriteStartObject();
            json.WriteString("type", reference.Type);
            json.WriteStartArray("deciles");
            foreach (float edge in reference.Edges) json.WriteNumberValue(edge);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static double Rounded(double value) => double.Parse(value.ToString("G9", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static void Strings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }

    private static void Numbers(Utf8JsonWriter json, string name, IEnumerable<double> values)
    {
        json.WriteStartArray(name);
        foreach (double value in values) json.WriteNumberValue(value);
        json.WriteEndArray();
    }
}
