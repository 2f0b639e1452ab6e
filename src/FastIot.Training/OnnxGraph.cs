using System.Runtime.InteropServices;

namespace FastIot.Training;

/// <summary>Builds an ONNX model (onnx.proto3, IR version 8, opset 17). The same calls give the same bytes.</summary>
internal sealed class OnnxGraph(string name)
{
    private const int IrVersion = 8;
    private const int Opset = 17;
    private const int FloatType = 1;
    private const int Int64Type = 7;
    private const int IntAttribute = 2;
    private const int IntsAttribute = 7;

    private readonly List<Proto> _nodes = [];
    private readonly List<Proto> _initializers = [];
    private readonly List<Proto> _inputs = [];
    private readonly List<Proto> _outputs = [];
    private int _names;

    /// <summary>A float input whose first dimension is the batch.</summary>
    public string Input(string input, params int[] shape)
    {
        _inputs.Add(ValueInfo(input, shape));
        return input;
    }

    public void Output(string output, params int[] shape) => _outputs.Add(ValueInfo(output, shape));

    public string Constant(ReadOnlySpan<float> values, params int[] shape) => Initializer(FloatType, MemoryMarshal.AsBytes(values), shape);

    public string Constant(params long[] values) => Initializer(Int64Type, MemoryMarshal.AsBytes<long>(values), [values.Length]);

    public string Scalar(float value) => Initializer(FloatType, MemoryMarshal.AsBytes<float>([value]), []);

    public string ScalarIndex(long value) => Initializer(Int64Type, MemoryMarshal.AsBytes<long>([value]), []);

    /// <summary>Adds a node with one output.</summary>
    public string Node(string operation, string[] inputs, params (string Name, object Value)[] attributes) => Node(operation, inputs, [Next(operation)], attributes)[0];

    /// <summary>Adds a node whose outputs have these names; an empty one is not wanted.</summary>
    public string[] Node(string operation, string[] inputs, string[] outputs, params (string Name, object Value)[] attributes)
    {
        var node = new Proto();
        foreach (string input in inputs) node.Text(1, input);
        foreach (string output in outputs) node.Text(2, output);
        node.Text(3, $"{operation}_{_nodes.Count}").Text(4, operation);
        foreach ((string key, object value) in attributes) node.Message(5, Attribute(key, value));
        _nodes.Add(node);
        return outputs;
    }

    public string Next(string stem) => $"{stem.ToLowerInvariant()}_{_names++}";

    public byte[] ToArray()
    {
        var graph = new Proto();
        foreach (Proto node in _nodes) graph.Message(1, node);
        graph.Text(2, name);
        foreach (Proto initializer in _initializers) graph.Message(5, initializer);
        foreach (Proto input in _inputs) graph.Message(11, input);
        foreach (Proto output in _outputs) graph.Message(12, output);
        return new Proto().Int(1, IrVersion).Text(2, "FastIot").Message(7, graph).Message(8, new Proto().Text(1, "").Int(2, Opset)).ToArray();
    }

    private static Proto Attribute(string key, object value)
    {
        Proto attribute = new Proto().Text(1, key);
        switch (value)
        {
            case long number:
                return attribute.Int(3, number).Int(20, IntAttribute);
            case long[] numbers:
                foreach (long number in numbers) attribute.Int(8, number);
                return attribute.Int(20, IntsAttribute);
            default:
                throw new ArgumentException($"attribute {key} is a {value.GetType().Name}");
        }
    }

    private static Proto ValueInfo(string value, int[] shape)
    {
        var dimensions = new Proto().Message(1, new Proto().Text(2, "N"));
        foreach (int size in shape) dimensions.Message(1, new Proto().Int(1, size));
        return new Proto().Text(1, value).Message(2, new Proto().Message(1, new Proto().Int(1, FloatType).Message(2, dimensions)));
    }

    private string Initializer(int type, ReadOnlySpan<byte> bytes, int[] shape)
    {
        string initializer = Next("constant");
        var tensor = new Proto();
        foreach (int size in shape) tensor.Int(1, size);
        _initializers.Add(tensor.Int(2, type).Text(8, initializer).Bytes(9, bytes));
        return initializer;
    }
}
