using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace FastIot.Scoring.Kernel;

/// <summary>One operation of a graph.</summary>
/// <param name="Attributes">In order of their names, "axis=1 perm=1,0,2"; one that is not of whole numbers is "name=?".</param>
internal sealed record OnnxNode(string Operation, string[] Inputs, string[] Outputs, string Attributes);

/// <summary>A constant of a graph: floats or whole numbers, by its type.</summary>
internal sealed record OnnxTensor(int[] Shape, float[] Floats, long[] Longs);

/// <summary>
/// Nodes and constants of an ONNX file (onnx.proto3, field numbers from there), as far as the kernels look at them: constants that are not
/// kept as raw little-endian float or int64 are left out, so that no pattern can be found that needs them.
/// </summary>
internal sealed class OnnxFile
{
    private const int FloatType = 1, Int64Type = 7;

    public List<OnnxNode> Nodes { get; } = [];

    public Dictionary<string, OnnxTensor> Constants { get; } = new(StringComparer.Ordinal);

    /// <exception cref="FormatException">It is not protobuf.</exception>
    public static OnnxFile Read(ReadOnlySpan<byte> onnx)
    {
        var file = new OnnxFile();
        var model = new ProtoReader(onnx);
        while (model.Next())
        {
            if (model.Field != 7) continue;
            var graph = new ProtoReader(model.Bytes);
            while (graph.Next())
            {
                if (graph.Field == 1) file.Nodes.Add(Node(graph.Bytes));
                else if (graph.Field == 5) file.AddConstant(graph.Bytes);
            }
        }

        return file;
    }

    private static OnnxNode Node(ReadOnlySpan<byte> bytes)
    {
        string operation = "";
        List<string> inputs = [], outputs = [];
        var attributes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var node = new ProtoReader(bytes);
        while (node.Next())
        {
            switch (node.Field)
            {
                case 1:
                    inputs.Add(Text(node.Bytes));
                    break;
                case 2:
                    outputs.Add(Text(node.Bytes));
                    break;
                case 4:
                    operation = Text(node.Bytes);
                    break;
                case 5:
                    (string name, string value) = Attribute(node.Bytes);
                    attributes[name] = value;
                    break;
            }
        }

        return new OnnxNode(operation, [.. inputs], [.. outputs], string.Join(' ', attributes.Select(a => $"{a.Key}={a.Value}")));
    }

    private static (string Name, string Value) Attribute(ReadOnlySpan<byte> bytes)
    {
        const int name = 1, number = 3, numbers = 8, type = 20;
        string key = "", value = "?";
        List<long> found = [];
        bool whole = true;
        var attribute = new ProtoReader(bytes);
        while (attribute.Next())
        {
            if (attribute.Field == name) key = Text(attribute.Bytes);
            else if (attribute.Field is number or numbers && !attribute.IsBytes) found.Add(attribute.Number);
            else if (attribute.Field != type) whole = false;
        }

        if (whole && found.Count > 0) value = string.Join(',', found.Select(n => n.ToString(CultureInfo.InvariantCulture)));
        return (key, value);
    }

    private void AddConstant(ReadOnlySpan<byte> bytes)
    {
        const int dims = 1, dataType = 2, nameField = 8, rawData = 9;
        string name = "";
        int type = 0;
        List<int> shape = [];
        ReadOnlySpan<byte> raw = default;
        bool plain = true;
        var tensor = new ProtoReader(bytes);
        while (tensor.Next())
        {
            if (tensor.Field == dims && !tensor.IsBytes) shape.Add(tensor.Number is >= 0 and <= int.MaxValue ? (int)tensor.Number : throw new FormatException($"a dimension of {tensor.Number}"));
            else if (tensor.Field == dataType) type = (int)tensor.Number;
            else if (tensor.Field == nameField) name = Text(tensor.Bytes);
            else if (tensor.Field == rawData) raw = tensor.Bytes;
            else plain = false;
        }

        long count = shape.Aggregate(1L, (product, dimension) => product * dimension);
        if (!plain || type is not (FloatType or Int64Type) || raw.Length != count * (type == FloatType ? sizeof(float) : sizeof(long))) return;
        Constants[name] = new OnnxTensor([.. shape], type == FloatType ? MemoryMarshal.Cast<byte, float>(raw).ToArray() : [], type == Int64Type ? MemoryMarshal.Cast<byte, long>(raw).ToArray() : []);
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}

/// <summary>Walks the fields of one protobuf message.</summary>
internal ref struct ProtoReader(ReadOnlySpan<byte> message)
{
    private readonly ReadOnlySpan<byte> _message = message;
    private int _at;

    public int Field { get; private set; }

    /// <summary>Whether the field is text, bytes, a message or packed numbers.</summary>
    public bool IsBytes { get; private set; }

    public long Number { get; private set; }

    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <exception cref="FormatException">What follows is no field.</exception>
    public bool Next()
    {
        if (_at >= _message.Length) return false;
        ulong key = Varint();
        Field = key >> 3 <= int.MaxValue ? (int)(key >> 3) : throw new FormatException($"byte {_at}: field {key >> 3}");
        IsBytes = (key & 7) == 2;
        Bytes = default;
        Number = 0;
        switch (key & 7)
        {
            case 0:
                Number = (long)Varint();
                return true;
            case 1:
                Bytes = Take(8);
                return true;
            case 2:
                Bytes = Take(Varint());
                return true;
            case 5:
                Bytes = Take(4);
                return true;
            default:
                throw new FormatException($"byte {_at}: wire type {key & 7}");
        }
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(_message.Length - _at)) throw new FormatException($"byte {_at}: {count} bytes announced, {_message.Length - _at} there");
        _at += (int)count;
        return _message.Slice(_at - (int)count, (int)count);
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64 && _at < _message.Length; shift += 7)
        {
            byte next = _message[_at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }

        throw new FormatException($"byte {_at}: a number without an end");
    }
}
