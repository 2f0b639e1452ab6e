using System.Text.Json;
using FastIot.Features;

namespace FastIot.Scoring;

/// <summary>What stands beside a model's graph in model.json: its inputs, its calibration, where it comes from.</summary>
public sealed class ModelManifest
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

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

    public CalibrationTable ReconstructionCalibration(SensorType type) => CalibrationTable.Of(type, Reconstruction);

    /// <param name="path">Of the file, for error messages.</param>
    /// <exception cref="ModelException">Not JSON, a member missing, unknown, twice or out of its range.</exception>
    public static ModelManifest Parse(ReadOnlyMemory<byte> json, string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, s_strict);
            return Read(new ManifestElement(document.RootElement, path, ""));
        }
        catch (JsonException e)
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

    private static ModelManifest Read(ManifestElement root)
    {
        root.Object(["name", "version", "features", "sensor_types", "kinds", "budget_split", "calibration", "onnx_sha256"], "training", "evaluation");
        Expect(root["sensor_types"], SensorTypes.Names);
        Expect(root["kinds"], [.. Enumerable.Range(0, AnomalyKinds.Modelled).Select(k => AnomalyKinds.Name((AnomalyKind)k))]);
        ManifestElement calibration = root["calibration"].Object(["head", "reconstruction"]);
        CalibrationTable[] head = Tables(calibration["head"]);
        // One table only: the head knows the type itself, by its input.
        if (head.Length != 1) throw calibration["head"].Fault($"must be one table of type \"*\", not {head.Length} tables");
        return new ModelManifest
        {
            Name = ReadName(root["name"]),
            Version = root["version"].Int(least: 1),
            Features = ReadFeatures(root["features"]),
            HeadShare = ReadHeadShare(root["budget_split"]),
            HeadCalibration = head[0],
            Reconstruction = Tables(calibration["reconstruction"]),
            OnnxSha256 = ReadHash(root["onnx_sha256"]),
            Training = root.FreeForm("training"),
            Evaluation = root.FreeForm("evaluation"),
        };
    }

    private static FeatureSpec ReadFeatures(ManifestElement features)
    {
        features.Object(["names", "lags", "floors", "baseline_windows", "level_windows", "winsorise_after", "winsorise_at", "alarm_gain"], "slow_at_false_alarms_per_day");
        Expect(features["names"], FeatureNames.All);
        int[] levels = features["level_windows"].Array(e => e.Int(least: 1));
        if (levels.Length != 3) throw features["level_windows"].Fault("must be three numbers, of 30, 120 and 5 minutes");
        var spec = new FeatureSpec
        {
            Lags = features["lags"].Array(e => e.Int()),
            Floors = features["floors"].Array(e => (float)e.Number()),
            BaselineWindows = features["baseline_windows"].Int(least: 1),
            Level30Windows = levels[0],
            Level120Windows = levels[1],
            Level5Windows = levels[2],
            WinsoriseAfter = features["winsorise_after"].Int(least: 0),
            WinsoriseAt = (float)features["winsorise_at"].Number(),
            AlarmGain = (float)features["alarm_gain"].Number(),
            SlowAtFalseAlarmsPerDay = features.Has("slow_at_false_alarms_per_day") ? (float)features["slow_at_false_alarms_per_day"].Number() : FeatureSpec.Default.SlowAtFalseAlarmsPerDay,
        };
        if (spec.Floors.Length != FeatureNames.Count || spec.Floors.Any(f => !(f > 0))) throw features["floors"].Fault($"must be {FeatureNames.Count} numbers above 0");
        if (!(spec.WinsoriseAt > 0)) throw features["winsorise_at"].Fault("must be above 0");
        if (spec.AlarmGain is not (>= 0 and <= 1)) throw features["alarm_gain"].Fault("must lie within 0 and 1");
        if (!(spec.SlowAtFalseAlarmsPerDay >= 0)) throw features["slow_at_false_alarms_per_day"].Fault("must not be negative");
        bool falling = spec.Lags.Zip(spec.Lags.Skip(1)).All(p => p.First > p.Second);
        if (spec.Lags.Length == 0 || !falling || spec.Lags[^1] != 0 || spec.Lags[0] > FeatureHistory.MaxLag)
            throw features["lags"].Fault($"must fall from at most {FeatureHistory.MaxLag} to 0");
        return spec;
    }

    /// <summary>It becomes a folder's name and part of a label.</summary>
    private static string ReadName(ManifestElement element)
    {
        string name = element.Text();
        bool plain = name.Length > 0 && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.');
        return plain ? name : throw element.Fault("must be of letters, digits, '_', '-' and '.', and not begin with '.'");
    }

    private static double ReadHeadShare(ManifestElement split)
    {
        split.Object(["head", "reconstruction"]);
        double head = split["head"].Number(), reconstruction = split["reconstruction"].Number();
        bool whole = head > 0 && reconstruction > 0 && Math.Abs(head + reconstruction - 1) < 1e-5;
        return whole ? head : throw split.Fault($"must be two shares above 0 that add up to 1, not {head} and {reconstruction}");
    }

    private static string ReadHash(ManifestElement element)
    {
        string hash = element.Text();
        return hash.Length == 64 && hash.All(char.IsAsciiHexDigit) ? hash.ToLowerInvariant() : throw element.Fault("must be 64 hex digits");
    }

    private static CalibrationTable[] Tables(ManifestElement channel)
    {
        CalibrationTable[] tables = channel.Array(ReadTable);
        if (!tables.Any(t => t.Type == "*")) throw channel.Fault("has no table of type \"*\", for the types without their own");
        if (tables.DistinctBy(t => t.Type).Count() != tables.Length) throw channel.Fault("has two tables of one type");
        return tables;
    }

    private static CalibrationTable ReadTable(ManifestElement table)
    {
        table.Object(["type", "score", "false_alarms_per_day"]);
        string type = table["type"].Text();
        if (type != "*" && !SensorTypes.Names.Contains(type)) throw table["type"].Fault($"must be \"*\" or one of {string.Join(", ", SensorTypes.Names)}");
        double[] scores = table["score"].Array(e => e.Number()), rates = table["false_alarms_per_day"].Array(e => e.Number());
        try
        {
            return new CalibrationTable(type, scores, rates);
        }
        catch (ModelException e)
        {
            throw table.Fault($"is no {e.Message}");
        }
    }

    /// <summary>Fixed by the engine: a model of other names, or another order, means other numbers by them.</summary>
    private static void Expect(ManifestElement array, string[] expected)
    {
        if (!array.Array(e => e.Text()).AsSpan().SequenceEqual(expected)) throw array.Fault($"must be [{string.Join(", ", expected)}]");
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
        json.WriteNumber("slow_at_false_alarms_per_day", Features.SlowAtFalseAlarmsPerDay);
        json.WriteEndObject();
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
