using static FastIot.Tests.Serving.GraphFile;

namespace FastIot.Tests.Serving;

/// <summary>The models that the conformance suite's requests go to.</summary>
internal static class ConformanceModels
{
    private static readonly (string Name, int Type)[] s_types =
    [
        ("floats", GraphFile.Float), ("doubles", GraphFile.Double), ("halves", GraphFile.Half), ("int8s", Int8), ("int16s", GraphFile.Int16), ("int32s", GraphFile.Int32), ("int64s", GraphFile.Int64), ("uint8s", UInt8),
        ("uint16s", GraphFile.UInt16), ("uint32s", GraphFile.UInt32), ("uint64s", GraphFile.UInt64), ("bools", Bool), ("strings", GraphFile.String),
    ];

    public static void Save(string models)
    {
        HalfPlus(1).Save(models, "half_plus_two", 1);
        HalfPlus(2).Save(models, "half_plus_two", 2);
        File.WriteAllText(Path.Combine(models, "half_plus_two", "labels.json"), """{"labels": {"stable": 1, "canary": 2}}""");
        HalfPlus(1).Save(models, "partly", 1);
        Directory.CreateDirectory(Path.Combine(models, "partly", "2"));
        File.WriteAllText(Path.Combine(models, "partly", "2", "model.onnx"), "not a graph");
        TwoInputs().Save(models, "two_inputs", 1);
        foreach ((string name, int type) in s_types) Identity(type).Save(models, name, 1);
        Identity(GraphFile.String, "out_bytes").Save(models, "bytes", 1);
        Identity(GraphFile.Float, "out", "N", 2, 2).Save(models, "matrix", 1);
        Identity(GraphFile.Float, "out", "N", "M").Save(models, "dynamic", 1);
        Identity(GraphFile.Float, "out", 1, 3).Save(models, "fixed", 1);
        new GraphFile().Node("Identity", ["in"], ["out"]).Input("in", GraphFile.Float).Output("out", GraphFile.Float).Save(models, "scalar_in", 1);
        new GraphFile().Node("ReduceSum", ["x"], ["s"], ("keepdims", 0)).Input("x", GraphFile.Float, "N").Output("s", GraphFile.Float).Save(models, "scalar_out", 1);
        new GraphFile().Node("Identity", ["in"], ["rows"]).Node("Transpose", ["in"], ["columns"])
            .Input("in", GraphFile.Float, "A", "B").Output("rows", GraphFile.Float, "A", "B").Output("columns", GraphFile.Float, "B", "A").Save(models, "uneven", 1);
        new GraphFile().Constant("table", 1, 2, 3).Node("Gather", ["table", "i"], ["value"])
            .Input("i", GraphFile.Int64, "N").Output("value", GraphFile.Float, "N").Save(models, "gather", 1);
    }
}
