using FastIot.Features;

namespace FastIot.Scoring;

/// <summary>model.json, member by member: every complaint names the place and what would be right.</summary>
internal static class ManifestReader
{
    private static readonly string[] s_calibrated = ["calibration", "onnx_sha256"];
    private static readonly string[] s_baselines = ["floors", "baseline_windows", "level_windows", "winsorise_after", "winsorise_at", "alarm_gain"];

    public static ModelManifest Read(ManifestElement root, bool draft)
    {
        root.Object(draft ? ["name", "version", "features"] : ["name", "version", "features", .. s_calibrated],
            ["graph", "sensor_types", "kinds", "budget_split", "reference", "training", "evaluation", .. s_calibrated]);
        if (root.Has("sensor_types")) Expect(root["sensor_types"], SensorTypes.Names);
        if (root.Has("kinds")) Expect(root["kinds"], [.. Enumerable.Range(0, AnomalyKinds.Modelled).Select(k => AnomalyKinds.Name((AnomalyKind)k))]);
        GraphContract graph = root.Has("graph") ? ReadGraph(root["graph"]) : GraphContract.Full;
        (CalibrationTable? head, CalibrationTable[] reconstruction, YoungSeries? young, CalibrationTable? combined) = root.Has("calibration") ? ReadCalibration(root["calibration"], graph) : (null, [], null, null);
        ManifestElement? reference = root.Has("reference") ? root["reference"].Object([], "head", "reconstruction") : null;
        return new ModelManifest
        {
            Name = ReadName(root["name"]),
            Version = root["version"].Int(least: 1),
            Features = ReadFeatures(root["features"]),
            Graph = graph,
            HeadShare = ReadHeadShare(root, graph, draft),
            HeadCalibration = head,
            Reconstruction = reconstruction,
            Young = young,
            Combined = combined,
            HeadReference = ReadReferences(reference, "head"),
            ReconstructionReference = ReadReferences(reference, "reconstruction"),
            OnnxSha256 = root.Has("onnx_sha256") ? ReadHash(root["onnx_sha256"]) : "",
            Training = root.FreeForm("training"),
            Evaluation = root.FreeForm("evaluation"),
        };
    }

    private static GraphContract ReadGraph(ManifestElement element)
    {
        element.Object(["inputs", "outputs"]);
        ManifestElement inputs = element["inputs"].Object(["features"], "sensor_type");
        ManifestElement outputs = element["outputs"].Object([], "score", "kind_logits", "reconstruction_error", "reconstruction");
        var graph = new GraphContract
        {
            Features = inputs["features"].Text(),
            SensorType = inputs.Has("sensor_type") ? inputs["sensor_type"].Text() : null,
            Score = outputs.Has("score") ? outputs["score"].Text() : null,
            KindLogits = outputs.Has("kind_logits") ? outputs["kind_logits"].Text() : null,
            ReconstructionError = outputs.Has("reconstruction_error") ? outputs["reconstruction_error"].Text() : null,
            Reconstruction = outputs.Has("reconstruction") ? outputs["reconstruction"].Text() : null,
        };
        if (!graph.HasHead && !graph.HasReconstruction) throw element["outputs"].Fault("must name at least one of score, reconstruction_error and reconstruction");
        if (graph is { ReconstructionError: not null, Reconstruction: not null }) throw element["outputs"].Fault("must name reconstruction_error or reconstruction, not both");
        if (graph is { KindLogits: not null, Score: null }) throw element["outputs"].Fault("names kind_logits, but no score that goes with them");
        return graph;
    }

    private static FeatureSpec ReadFeatures(ManifestElement features)
    {
        features.Object(["names", "lags"], ["raw_mean", "raw_scale", "slow_at_false_alarms_per_day", .. s_baselines]);
        string[] names = features["names"].Array(e => e.Text());
        if (names.FirstOrDefault(n => !FeatureNames.All.Contains(n) && !FeatureNames.Raw.Contains(n)) is { } unknown)
            throw features["names"].Fault($"has \"{unknown}\"; known are {string.Join(", ", [.. FeatureNames.All, .. FeatureNames.Raw])}");
        if (names.Length == 0 || names.Distinct().Count() != names.Length) throw features["names"].Fault("must be features, each once");
        // What a model was trained with; who names raw statistics only, need not care.
        if (names.Any(FeatureNames.All.Contains)) features.Object(["names", "lags", .. s_baselines], "raw_mean", "raw_scale", "slow_at_false_alarms_per_day");
        int raw = names.Count(FeatureNames.Raw.Contains);
        FeatureSpec spec = ReadBaselines(features) with
        {
            Names = names,
            RawMean = ReadScaler(features, "raw_mean", raw),
            RawScale = ReadScaler(features, "raw_scale", raw),
            Lags = features["lags"].Array(e => e.Int()),
        };
        if (spec.RawScale.Any(scale => !(scale > 0))) throw features["raw_scale"].Fault("must be above 0");
        bool falling = spec.Lags.Zip(spec.Lags.Skip(1)).All(p => p.First > p.Second);
        if (spec.Lags.Length == 0 || !falling || spec.Lags[^1] != 0 || spec.Lags[0] > FeatureHistory.MaxLag)
            throw features["lags"].Fault($"must fall from at most {FeatureHistory.MaxLag} to 0");
        return spec;
    }

    private static FeatureSpec ReadBaselines(ManifestElement features)
    {
        FeatureSpec defaults = FeatureSpec.Default;
        int[] levels = features.Has("level_windows") ? features["level_windows"].Array(e => e.Int(least: 1)) : [defaults.Level30Windows, defaults.Level120Windows, defaults.Level5Windows];
        if (levels.Length != 3) throw features["level_windows"].Fault("must be three numbers, of 30, 120 and 5 minutes");
        double Number(string member, double otherwise) => features.Has(member) ? features[member].Number() : otherwise;
        var spec = new FeatureSpec
        {
            Floors = features.Has("floors") ? features["floors"].Array(e => (float)e.Number()) : defaults.Floors,
            BaselineWindows = features.Has("baseline_windows") ? features["baseline_windows"].Int(least: 1) : defaults.BaselineWindows,
            Level30Windows = levels[0],
            Level120Windows = levels[1],
            Level5Windows = levels[2],
            WinsoriseAfter = features.Has("winsorise_after") ? features["winsorise_after"].Int(least: 0) : defaults.WinsoriseAfter,
            WinsoriseAt = (float)Number("winsorise_at", defaults.WinsoriseAt),
            AlarmGain = (float)Number("alarm_gain", defaults.AlarmGain),
            SlowAtFalseAlarmsPerDay = (float)Number("slow_at_false_alarms_per_day", defaults.SlowAtFalseAlarmsPerDay),
        };
        if (spec.Floors.Length != FeatureNames.Count || spec.Floors.Any(f => !(f > 0))) throw features["floors"].Fault($"must be {FeatureNames.Count} numbers above 0");
        if (!(spec.WinsoriseAt > 0)) throw features["winsorise_at"].Fault("must be above 0");
        if (spec.AlarmGain is not (>= 0 and <= 1)) throw features["alarm_gain"].Fault("must lie within 0 and 1");
        return spec.SlowAtFalseAlarmsPerDay >= 0 ? spec : throw features["slow_at_false_alarms_per_day"].Fault("must not be negative");
    }

    private static double[] ReadScaler(ManifestElement features, string member, int raw)
    {
        double[] constants = features.Has(member) ? features[member].Array(e => e.Number()) : [];
        return constants.Length == raw ? constants : throw (features.Has(member) ? features[member] : features).Fault($"must have {raw} numbers as {member}, one for each raw feature in its order, not {constants.Length}");
    }

    /// <summary>It becomes a folder's name and part of a label.</summary>
    private static string ReadName(ManifestElement element)
    {
        string name = element.Text();
        bool plain = name.Length > 0 && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.');
        return plain ? name : throw element.Fault("must be of letters, digits, '_', '-' and '.', and not begin with '.'");
    }

    private static double ReadHeadShare(ManifestElement root, GraphContract graph, bool draft)
    {
        bool both = graph.HasHead && graph.HasReconstruction;
        if (!root.Has("budget_split")) return !both ? graph.HasHead ? 1 : 0 : draft ? ModelManifest.UsualHeadShare : throw root.Fault("lacks the member \"budget_split\": the head's and the reconstruction's share of the alarm budget");
        if (!both) throw root["budget_split"].Fault("is for models with a score and a reconstruction; this one has only one of them");
        ManifestElement split = root["budget_split"].Object(["head", "reconstruction"]);
        double head = split["head"].Number(), reconstruction = split["reconstruction"].Number();
        bool whole = head > 0 && reconstruction > 0 && Math.Abs(head + reconstruction - 1) < 1e-5;
        return whole ? head : throw split.Fault($"must be two shares above 0 that add up to 1, not {head} and {reconstruction}");
    }

    private static string ReadHash(ManifestElement element)
    {
        string hash = element.Text();
        return hash.Length == 64 && hash.All(char.IsAsciiHexDigit) ? hash.ToLowerInvariant() : throw element.Fault("must be 64 hex digits");
    }

    private static (CalibrationTable? Head, CalibrationTable[] Reconstruction, YoungSeries? Young, CalibrationTable? Combined) ReadCalibration(ManifestElement calibration, GraphContract graph)
    {
        string[] channels = [.. graph.HasHead ? ["head"] : Array.Empty<string>(), .. graph.HasReconstruction ? ["reconstruction"] : Array.Empty<string>()];
        calibration.Object(channels, "young", "combined");
        return (
            // The head knows the type itself, by its input.
            graph.HasHead ? OneTable(calibration["head"]) : null,
            graph.HasReconstruction ? Tables(calibration["reconstruction"]) : [],
            calibration.Has("young") ? ReadYoung(calibration["young"]) : null,
            calibration.Has("combined") ? OneTable(calibration["combined"]) : null);
    }

    private static YoungSeries ReadYoung(ManifestElement young)
    {
        young.Object(["windows", "factor"]);
        int[] windows = young["windows"].Array(e => e.Int());
        double[] factors = young["factor"].Array(e => e.Number());
        try
        {
            return new YoungSeries(windows, factors);
        }
        catch (ModelException e)
        {
            throw young.Fault($"cannot be used: {e.Message}");
        }
    }

    private static CalibrationTable OneTable(ManifestElement channel)
    {
        CalibrationTable[] tables = Tables(channel);
        return tables.Length == 1 ? tables[0] : throw channel.Fault($"must be one table of type \"*\", not {tables.Length} tables");
    }

    private static CalibrationTable[] Tables(ManifestElement channel)
    {
        CalibrationTable[] tables = channel.Array(ReadTable);
        if (!tables.Any(t => t.Type == "*")) throw channel.Fault("has no table of type \"*\", for the types without their own");
        if (tables.DistinctBy(t => t.Type).Count() != tables.Length) throw channel.Fault("has two tables of one type");
        return tables;
    }

    private static ScoreReference[] ReadReferences(ManifestElement? reference, string channel) =>
        reference is not { } known || !known.Has(channel) ? [] : known[channel].Array(ReadReference);

    private static ScoreReference ReadReference(ManifestElement element)
    {
        element.Object(["type", "deciles"]);
        string type = ReadType(element["type"]);
        double[] deciles = element["deciles"].Array(e => e.Number());
        try
        {
            return new ScoreReference(type, deciles);
        }
        catch (ModelException e)
        {
            throw element.Fault($"is no {e.Message}");
        }
    }

    private static string ReadType(ManifestElement element)
    {
        string type = element.Text();
        return type == "*" || SensorTypes.Names.Contains(type) ? type : throw element.Fault($"must be \"*\" or one of {string.Join(", ", SensorTypes.Names)}");
    }

    private static CalibrationTable ReadTable(ManifestElement table)
    {
        table.Object(["type", "score", "false_alarms_per_day"]);
        string type = ReadType(table["type"]);
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
}
