using System.Text.Json;
using FastIot.Features;

namespace FastIot.Scoring;

/// <summary>What stands beside a model's graph in model.json: its inputs, its calibration, where it comes from.</summary>
public sealed class ModelManifest
{
    private static readonly string[] s_members = ["name", "version", "features", "sensor_types", "kinds", "budget_split", "calibration", "onnx_sha256", "training", "evaluation"];

    public required string Name { get; init; }

    public required int Version { get; init; }

    /// <summary>Half-lives, floors and lags that the model was trained with.</summary>
    public required FeatureSpec Features { get; init; }

    /// <summary>Rows of the model's input, as windows back, oldest first.</summary>
    public IReadOnlyList<int> Lags => Features.Lags;

    /// <summary>Share of the alarm budget that the scoring head has; the reconstruction error has the rest.</summary>
    public required double HeadShare { get; init; }

    public required CalibrationTable HeadCalibration { get; init; }

    /// <summary>By sensor type; "*" for all others.</summary>
    public required IReadOnlyList<CalibrationTable> Reconstruction { get; init; }

    /// <summary>SHA-256 of model.onnx, hex.</summary>
    public required string OnnxSha256 { get; init; }

    /// <summary>How it was trained, and what it scored: free JSON objects.</summary>
    public string Training { get; init; } = "{}";

    public string Evaluation { get; init; } = "{}";

    public CalibrationTable ReconstructionCalibration(SensorType type)
    {
        string name = type == SensorType.Other ? "*" : SensorTypes.Names[(int)type];
        return Reconstruction.FirstOrDefault(t => t.Type == name) ?? Reconstruction.First(t => t.Type == "*");
    }

    /// <exception cref="ModelException">Not JSON, a member missing, unknown or out of its range.</exception>
    public static ModelManifest Parse(ReadOnlyMemory<byte> json, string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            foreach (JsonProperty member in root.EnumerateObject())
            {
                if (!s_members.Contains(member.Name)) throw new ModelException($"unknown member \"{member.Name}\"");
            }

            Expect(root.GetProperty("sensor_types"), SensorTypes.Names, "sensor_types");
            Expect(root.GetProperty("kinds"), [.. Enumerable.Range(0, AnomalyKinds.Modelled).Select(k => AnomalyKinds.Name((AnomalyKind)k))], "kinds");
            JsonElement calibration = root.GetProperty("calibration");
            var manifest = new ModelManifest
            {
                Name = root.GetProperty("name").GetString()!,
                Version = root.GetProperty("version").GetInt32(),
                Features = ReadFeatures(root.GetProperty("features")),
                HeadShare = root.GetProperty("budget_split").GetProperty("head").GetDouble(),
                HeadCalibration = Tables(calibration.GetProperty("head"))[0],
                Reconstruction = Tables(calibration.GetProperty("reconstruction")),
                OnnxSha256 = root.GetProperty("onnx_sha256").GetString()!,
                Training = root.TryGetProperty("training", out JsonElement training) ? training.GetRawText() : "{}",
                Evaluation = root.TryGetProperty("evaluation", out JsonElement evaluation) ? evaluation.GetRawText() : "{}",
            };
            if (manifest.HeadShare is not (> 0 and < 1)) throw new ModelException($"budget_split.head must lie between 0 and 1, not {manifest.HeadShare}");
            if (!manifest.Reconstruction.Any(t => t.Type == "*")) throw new ModelException("calibration.reconstruction has no table \"*\" for other types");
            return manifest;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ModelException)
        {
            throw new ModelException($"{path} cannot be used: {e.Message}", e);
        }
    }

    public byte[] ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("name", Name);
            json.WriteNumber("version", Version);
            WriteFeatures(json);
            WriteStrings(json, "sensor_types", SensorTypes.Names);
            WriteStrings(json, "kinds", Enumerable.Range(0, AnomalyKinds.Modelled).Select(k => AnomalyKinds.Name((AnomalyKind)k)));
            json.WriteStartObject("budget_split");
            json.WriteNumber("head", HeadShare);
            json.WriteNumber("reconstruction", Math.Round(1 - HeadShare, 6));
            json.WriteEndObject();
            json.WriteStartObject("calibration");
            WriteTables(json, "head", [HeadCalibration]);
            WriteTables(json, "reconstruction", Reconstruction);
            json.WriteEndObject();
            json.WriteString("onnx_sha256", OnnxSha256);
            json.WritePropertyName("training");
            json.WriteRawValue(Training);
            json.WritePropertyName("evaluation");
            json.WriteRawValue(Evaluation);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static FeatureSpec ReadFeatures(JsonElement features)
    {
        Expect(features.GetProperty("names"), FeatureNames.All, "features.names");
        JsonElement levels = features.GetProperty("level_windows");
        var spec = new FeatureSpec
        {
            Lags = [.. features.GetProperty("lags").EnumerateArray().Select(e => e.GetInt32())],
            Floors = [.. features.GetProperty("floors").EnumerateArray().Select(e => e.GetSingle())],
            BaselineWindows = features.GetProperty("baseline_windows").GetInt32(),
            Level30Windows = levels[0].GetInt32(),
            Level120Windows = levels[1].GetInt32(),
            Level5Windows = levels[2].GetInt32(),
            WinsoriseAfter = features.GetProperty("winsorise_after").GetInt32(),
            WinsoriseAt = features.GetProperty("winsorise_at").GetSingle(),
            AlarmGain = features.GetProperty("alarm_gain").GetSingle(),
        };
        if (spec.Floors.Length != FeatureNames.Count || spec.Floors.Any(f => !(f > 0))) throw new ModelException($"features.floors must be {FeatureNames.Count} numbers above 0");
        bool falling = spec.Lags.Zip(spec.Lags.Skip(1)).All(p => p.First > p.Second);
        if (spec.Lags.Length == 0 || !falling || spec.Lags[^1] != 0 || spec.Lags[0] > FeatureHistory.MaxLag)
            throw new ModelException($"features.lags must fall from at most {FeatureHistory.MaxLag} to 0");
        return spec;
    }

    private void WriteFeatures(Utf8JsonWriter json)
    {
        json.WriteStartObject("features");
        WriteStrings(json, "names", FeatureNames.All);
        WriteNumbers(json, "lags", Features.Lags.Select(l => (double)l));
        json.WriteStartArray("floors");
        foreach (float floor in Features.Floors) json.WriteNumberValue(floor);
        json.WriteEndArray();
        json.WriteNumber("baseline_windows", Features.BaselineWindows);
        WriteNumbers(json, "level_windows", [Features.Level30Windows, Features.Level120Windows, Features.Level5Windows]);
        json.WriteNumber("winsorise_after", Features.WinsoriseAfter);
        json.WriteNumber("winsorise_at", Features.WinsoriseAt);
        json.WriteNumber("alarm_gain", Features.AlarmGain);
        json.WriteEndObject();
    }

    private static CalibrationTable[] Tables(JsonElement tables) =>
        [.. tables.EnumerateArray().Select(t => new CalibrationTable(t.GetProperty("type").GetString()!, Numbers(t.GetProperty("score")), Numbers(t.GetProperty("false_alarms_per_day"))))];

    private static double[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(e => e.GetDouble())];

    private static void Expect(JsonElement array, string[] expected, string member)
    {
        if (!array.EnumerateArray().Select(e => e.GetString()).SequenceEqual(expected)) throw new ModelException($"{member} must be [{string.Join(", ", expected)}]");
    }

    private static void WriteTables(Utf8JsonWriter json, string name, IReadOnlyList<CalibrationTable> tables)
    {
        json.WriteStartArray(name);
        foreach (CalibrationTable table in tables)
        {
            json.WriteStartObject();
            json.WriteString("type", table.Type);
            WriteNumbers(json, "score", table.Scores);
            WriteNumbers(json, "false_alarms_per_day", table.RatesPerDay.Select(r => double.Parse(r.ToString("G9", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture)));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<double> values)
    {
        json.WriteStartArray(name);
        foreach (double value in values) json.WriteNumberValue(value);
        json.WriteEndArray();
    }
}
