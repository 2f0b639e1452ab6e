using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using FastIot.Features;
using FastIot.Scoring;

namespace FastIot.Tests.Scoring;

/// <summary>
/// A graph of the contract's shape with arbitrary weights, written as protobuf by hand: score = mean of an LSTM's last state,
/// kind_logits = sensor_type · K, reconstruction_error = mean of the squared features.
/// </summary>
internal sealed record TinyModel
{
    private const int Hidden = 16;

    public int[] Lags { get; init; } = [18, 9, 3, 2, 1, 0];

    public string FeaturesInput { get; init; } = "features";

    public string ScoreOutput { get; init; } = "score";

    public int Columns { get; init; } = FeatureNames.Count;

    /// <summary>Rows the graph is for; null = any.</summary>
    public int? FixedRows { get; init; }

    /// <summary>An input the contract does not know.</summary>
    public bool ExtraInput { get; init; }

    /// <summary>Whether model.json says what series' ages and the channels together come to.</summary>
    public bool AgesCalibrated { get; init; }

    public string Name { get; init; } = "tiny";

    public int Version { get; init; } = 1;

    public byte[] Onnx()
    {
        var random = new Random(7);
        Wire graph = new Wire()
            .Message(1, Node("Transpose", [FeaturesInput], ["by_time"], Ints("perm", 1, 0, 2)))
            .Message(1, Node("LSTM", ["by_time", "W", "R"], ["", "state"], new Wire().Text(1, "hidden_size").Int(3, Hidden).Int(20, 2)))
            .Message(1, Node("ReduceMean", ["state"], [ScoreOutput], Ints("axes", 0, 2), NoKeep()))
            .Message(1, Node("MatMul", ["sensor_type", "K"], ["kind_logits"]))
            .Message(1, Node("Mul", [FeaturesInput, FeaturesInput], ["squares"]))
            .Message(1, Node("ReduceMean", ["squares"], ["reconstruction_error"], Ints("axes", 1, 2), NoKeep()))
            .Text(2, "tiny")
            .Message(5, Weights("W", random, 1, 4 * Hidden, Columns))
            .Message(5, Weights("R", random, 1, 4 * Hidden, Hidden))
            .Message(5, Weights("K", random, SensorTypes.Count, AnomalyKinds.Modelled))
            .Message(11, Value(FeaturesInput, Lags.Length, Columns))
            .Message(11, Value("sensor_type", SensorTypes.Count));
        if (ExtraInput) graph.Message(11, Value("weather", 3));
        graph.Message(12, Value(ScoreOutput)).Message(12, Value("kind_logits", AnomalyKinds.Modelled)).Message(12, Value("reconstruction_error"));
        return new Wire().Int(1, 7).Message(7, graph).Message(8, new Wire().Text(1, "").Int(2, 13)).ToArray();
    }

    public ModelManifest Manifest() => new()
    {
        Name = Name,
        Version = Version,
        Features = new FeatureSpec { Lags = Lags },
        HeadShare = .9,
        HeadCalibration = new CalibrationTable("*", [0, 1, 2, 4], [100, 10, 1, .01]),
        Reconstruction = [new CalibrationTable("vibration", [0, 10], [10, .001]), new CalibrationTable("*", [0, 5], [10, .01])],
        Young = AgesCalibrated ? new YoungSeries([200, 300, 1440], [4, 2, 1]) : null,
        Combined = AgesCalibrated ? new CalibrationTable("*", [-3, 0, 3], [15, .8, .03]) : null,
        OnnxSha256 = Convert.ToHexStringLower(SHA256.HashData(Onnx())),
    };

    /// <summary>Puts it where a repository looks for it.</summary>
    /// <returns>The folder of the version.</returns>
    public string Save(string models)
    {
        string folder = Path.Combine(models, Name, Version.ToString());
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), Onnx());
        File.WriteAllBytes(Path.Combine(folder, "model.json"), Manifest().ToJson());
        return folder;
    }

    private static Wire Node(string op, string[] inputs, string[] outputs, params Wire[] attributes)
    {
        var node = new Wire();
        foreach (string input in inputs) node.Text(1, input);
        foreach (string output in outputs) node.Text(2, output);
        node.Text(4, op);
        foreach (Wire attribute in attributes) node.Message(5, attribute);
        return node;
    }

    private static Wire Ints(string name, params int[] values)
    {
        Wire attribute = new Wire().Text(1, name);
        foreach (int value in values) attribute.Int(8, value);
        return attribute.Int(20, 7);
    }

    private static Wire NoKeep() => new Wire().Text(1, "keepdims").Int(3, 0).Int(20, 2);

    private static Wire Weights(string name, Random random, params int[] shape)
    {
        var tensor = new Wire();
        foreach (int n in shape) tensor.Int(1, n);
        float[] values = [.. Enumerable.Range(0, shape.Aggregate((a, b) => a * b)).Select(_ => random.NextSingle() - .5f)];
        return tensor.Int(2, 1).Text(8, name).Bytes(9, MemoryMarshal.AsBytes(values.AsSpan()));
    }

    private Wire Value(string name, params int[] shape)
    {
        Wire rows = FixedRows is { } n ? new Wire().Int(1, n) : new Wire().Text(2, "N");
        Wire dimensions = new Wire().Message(1, rows);
        foreach (int dimension in shape) dimensions.Message(1, new Wire().Int(1, dimension));
        return new Wire().Text(1, name).Message(2, new Wire().Message(1, new Wire().Int(1, 1).Message(2, dimensions)));
    }

    /// <summary>Protobuf's wire format, apart from the one that writes the real models.</summary>
    private sealed class Wire
    {
        private readonly MemoryStream _bytes = new();

        public byte[] ToArray() => _bytes.ToArray();

        public Wire Int(int field, long value) => Varint((ulong)field << 3).Varint((ulong)value);

        public Wire Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

        public Wire Message(int field, Wire value) => Bytes(field, value.ToArray());

        public Wire Bytes(int field, ReadOnlySpan<byte> value)
        {
            Varint((ulong)field << 3 | 2).Varint((ulong)value.Length)._bytes.Write(value);
            return this;
        }

        private Wire Varint(ulong value)
        {
            for (; value >= 0x80; value >>= 7) _bytes.WriteByte((byte)(value | 0x80));
            _bytes.WriteByte((byte)value);
            return this;
        }
    }
}
