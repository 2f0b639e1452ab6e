using System.Runtime.InteropServices;
using System.Text;

namespace FastIot.Tests.Serving;

/// <summary>Small ONNX graphs of any types and shapes for the model server, written as protobuf by hand.</summary>
internal sealed class GraphFile
{
    public const int Float = 1, UInt8 = 2, Int8 = 3, UInt16 = 4, Int16 = 5, Int32 = 6, Int64 = 7, String = 8, Bool = 9, Half = 10, Double = 11, UInt32 = 12, UInt64 = 13;

    private readonly Wire _graph = new();

    public GraphFile Node(string operation, string[] inputs, string[] outputs, params (string Name, long Value)[] attributes)
    {
        var node = new Wire();
        foreach (string input in inputs) node.Text(1, input);
        foreach (string output in outputs) node.Text(2, output);
        node.Text(4, operation);
        foreach ((string name, long value) in attributes) node.Message(5, new Wire().Text(1, name).Int(3, value).Int(20, 2));
        _graph.Message(1, node);
        return this;
    }

    /// <summary>A scalar, or a vector of several values.</summary>
    public GraphFile Constant(string name, params float[] values)
    {
        var tensor = new Wire();
        if (values.Length > 1) tensor.Int(1, values.Length);
        _graph.Message(5, tensor.Int(2, Float).Text(8, name).Bytes(9, MemoryMarshal.AsBytes<float>(values)));
        return this;
    }

    /// <param name="shape">Numbers, or names of free dimensions.</param>
    public GraphFile Input(string name, int type, params object[] shape)
    {
        _graph.Message(11, Value(name, type, shape));
        return this;
    }

    public GraphFile Output(string name, int type, params object[] shape)
    {
        _graph.Message(12, Value(name, type, shape));
        return this;
    }

    public byte[] ToArray() => new Wire().Int(1, 7).Message(7, new Wire(_graph).Text(2, "test")).Message(8, new Wire().Text(1, "").Int(2, 13)).ToArray();

    public void Save(string models, string name, long version)
    {
        string folder = Path.Combine(models, name, version.ToString());
        Directory.CreateDirectory(folder);
        // Under another name first: a server that looks right now must not see half of it.
        string path = Path.Combine(folder, "model.onnx");
        File.WriteAllBytes(path + ".part", ToArray());
        File.Move(path + ".part", path, overwrite: true);
    }

    /// <summary>y = x / 2 + <paramref name="add"/>, one number a row.</summary>
    public static GraphFile HalfPlus(float add) => new GraphFile()
        .Constant("half", .5f).Constant("add", add)
        .Node("Mul", ["x", "half"], ["h"]).Node("Add", ["h", "add"], ["y"])
        .Input("x", Float, "N").Output("y", Float, "N");

    /// <summary>sum = a + b, difference = a − b, two numbers a row.</summary>
    public static GraphFile TwoInputs() => new GraphFile()
        .Node("Add", ["a", "b"], ["sum"]).Node("Sub", ["a", "b"], ["difference"])
        .Input("a", Float, "N", 2).Input("b", Float, "N", 2).Output("sum", Float, "N", 2).Output("difference", Float, "N", 2);

    /// <summary>out = in, of one type.</summary>
    public static GraphFile Identity(int type, string output = "out", params object[] shape)
    {
        object[] dimensions = shape.Length == 0 ? ["N"] : shape;
        return new GraphFile().Node("Identity", ["in"], [output]).Input("in", type, dimensions).Output(output, type, dimensions);
    }

    private static Wire Value(string name, int type, object[] shape)
    {
        var dimensions = new Wire();
        foreach (object size in shape) dimensions.Message(1, size is string free ? new Wire().Text(2, free) : new Wire().Int(1, (int)size));
        return new Wire().Text(1, name).Message(2, new Wire().Message(1, new Wire().Int(1, type).Message(2, dimensions)));
    }

    private sealed class Wire
    {
        private readonly MemoryStream _bytes = new();

        public Wire()
        {
        }

        public Wire(Wire other) => _bytes.Write(other.ToArray());

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
