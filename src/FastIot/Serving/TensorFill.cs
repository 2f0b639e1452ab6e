using System.Buffers.Text;
using System.Runtime.CompilerServices;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace FastIot.Serving;

/// <summary>
/// Copies a value of a JSON document, a scalar or lists of lists, into a tensor. What fits which type, and the texts of the errors, are
/// TensorFlow Serving's.
/// </summary>
internal unsafe struct TensorFill(JsonTape tape, TensorElementType type)
{
    private const long MaxFloatInteger = (1L << 24) - 1;
    private const long MaxDoubleInteger = (1L << 53) - 1;

    private readonly JsonTape _tape = tape;
    private readonly TensorElementType _type = type;
    private Tensor? _target;
    private ReadOnlyMemory<long> _shape;
    private long _next;
    private long _end;

    /// <summary>The shape that the value's first elements suggest.</summary>
    public static long[] ShapeOf(JsonTape tape, int node)
    {
        int rank = 0;
        for (int at = node; tape[at].Kind == JsonKind.Array; at++)
        {
            rank++;
            if (tape[at].Count == 0) break;
        }

        long[] shape = new long[rank];
        for (int level = 0; level < rank; level++) shape[level] = tape[node + level].Count;
        return shape;
    }

    /// <summary>Copies the value.</summary>
    /// <param name="target">Null only checks it.</param>
    /// <param name="shape">The value's own shape.</param>
    /// <param name="first">Element of the target to begin at.</param>
    /// <returns>Elements there are.</returns>
    /// <exception cref="ServingException"/>
    public long Fill(int node, Tensor? target, ReadOnlyMemory<long> shape, long first)
    {
        _target = target;
        _shape = shape;
        _next = first;
        _end = target?.Elements ?? long.MaxValue;
        Fill(node, 0);
        return _next - first;
    }

    private void Fill(int node, int level)
    {
        ReadOnlySpan<long> shape = _shape.Span;
        if (_tape[node].Kind != JsonKind.Array)
        {
            if (level != shape.Length) throw ServingException.Invalid($"JSON Value: {JsonExcerpt.Of(_tape, node)} found at incorrect level: {level + 1} in the JSON DOM. Expected at level: {shape.Length}");
            Store(node);
            return;
        }

        if (level >= shape.Length) throw ServingException.Invalid($"Encountered list at unexpected level: {level} expected < {shape.Length}");
        int count = _tape[node].Count;
        if (count != shape[level]) throw ServingException.Invalid($"Encountered list at unexpected size: {count} at level: {level} expected size: {shape[level]}");
        int at = node + 1;
        if (level == shape.Length - 1 && _type == TensorElementType.Float && _target != null && _tape[node].End == at + count && _next + count <= _end)
        {
            FillFloats(at, count);
            return;
        }

        for (int i = 0; i < count; i++)
        {
            Fill(at, level + 1);
            at = _tape.Next(at);
        }
    }

    /// <summary>The usual case: a list of numbers for a float tensor.</summary>
    private void FillFloats(int at, int count)
    {
        float* to = (float*)_target!.Data + _next;
        for (int i = 0; i < count; i++)
        {
            ref readonly JsonNode node = ref _tape[at + i];
            to[i] = node.Kind == JsonKind.Real && Math.Abs(node.Real) <= float.MaxValue ? (float)node.Real : (float)Decimal(at + i, MaxFloatInteger, float.MaxValue, "float");
        }

        _next += count;
    }

    private void Store(int node)
    {
        if (_next >= _end) throw ServingException.Invalid($"JSON Value: {JsonExcerpt.Of(_tape, node)} is one too many");
        long i = _next++;
        if (_tape[node].Kind == JsonKind.Object && _type != TensorElementType.String) throw WrongType(node);
        byte* data = _target == null ? null : _target.Data;
        switch (_type)
        {
            case TensorElementType.Float: Put(data, i, (float)Decimal(node, MaxFloatInteger, float.MaxValue, "float")); break;
            case TensorElementType.Double: Put(data, i, Decimal(node, MaxDoubleInteger, double.MaxValue, "double")); break;
            case TensorElementType.Float16: Put(data, i, (Half)Decimal(node, 2047, (double)Half.MaxValue, "half")); break;
            case TensorElementType.Int8: Put(data, i, (sbyte)Whole(node, sbyte.MinValue, sbyte.MaxValue)); break;
            case TensorElementType.Int16: Put(data, i, (short)Whole(node, short.MinValue, short.MaxValue)); break;
            case TensorElementType.Int32: Put(data, i, (int)Whole(node, int.MinValue, int.MaxValue)); break;
            case TensorElementType.Int64: Put(data, i, Whole(node, long.MinValue, long.MaxValue)); break;
            case TensorElementType.UInt8: Put(data, i, (byte)Whole(node, 0, byte.MaxValue)); break;
            case TensorElementType.UInt16: Put(data, i, (ushort)Whole(node, 0, ushort.MaxValue)); break;
            case TensorElementType.UInt32: Put(data, i, (uint)Whole(node, 0, uint.MaxValue)); break;
            case TensorElementType.UInt64: Put(data, i, _tape[node].Kind == JsonKind.Unsigned ? (ulong)_tape[node].Integer : (ulong)Whole(node, 0, long.MaxValue)); break;
            case TensorElementType.Bool: Put(data, i, Bool(node)); break;
            default:
                byte[] text = Text(node);
                if (_target != null) _target.Strings![i] = text;
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<T>(byte* data, long i, T value)
        where T : unmanaged
    {
        if (data != null) ((T*)data)[i] = value;
    }

    private double Decimal(int node, long maxInteger, double max, string name)
    {
        JsonNode n = _tape[node];
        switch (n.Kind)
        {
            case JsonKind.Real:
                if (!double.IsFinite(n.Real) || Math.Abs(n.Real) <= max) return n.Real;
                break;
            case JsonKind.Integer:
                if (n.Integer <= maxInteger && n.Integer >= -maxInteger) return n.Integer;
                break;
            case JsonKind.Unsigned:
                break;
            default:
                throw WrongType(node);
        }

        throw ServingException.Invalid($"Cannot convert JSON value: {JsonExcerpt.Of(_tape, node)} to {name} without loss of precision.");
    }

    private long Whole(int node, long least, long most)
    {
        JsonNode n = _tape[node];
        return n.Kind == JsonKind.Integer && n.Integer >= least && n.Integer <= most ? n.Integer : throw WrongType(node);
    }

    private byte Bool(int node) => _tape[node].Kind switch
    {
        JsonKind.True => 1,
        JsonKind.False => 0,
        _ => throw WrongType(node),
    };

    /// <summary>A string, or base64 in an object with the one member b64.</summary>
    private byte[] Text(int node)
    {
        if (_tape.IsString(node)) return _tape.String(node).ToArray();
        if (_tape[node].Kind != JsonKind.Object) throw WrongType(node);
        if (!IsBase64(_tape, node)) throw ServingException.Invalid($"JSON Value: {JsonExcerpt.Of(_tape, node)} not formatted correctly for base64 data");
        ReadOnlySpan<byte> encoded = _tape.String(node + 2);
        return Base64Text.TryDecode(encoded, out byte[] bytes) ? bytes : throw ServingException.Invalid("Unable to base64 decode");
    }

    /// <summary>Whether a value is {"b64": "…"}.</summary>
    public static bool IsBase64(JsonTape tape, int node) =>
        tape[node].Kind == JsonKind.Object && tape[node].Count == 1 && tape.String(node + 1).SequenceEqual("b64"u8) && tape.IsString(node + 2);

    private readonly ServingException WrongType(int node)
    {
        string kind = _tape[node].Kind switch
        {
            JsonKind.Integer or JsonKind.Unsigned or JsonKind.Real => "Number",
            JsonKind.EscapedString => "String",
            JsonKind other => other.ToString(),
        };
        return ServingException.Invalid($"JSON Value: {JsonExcerpt.Of(_tape, node)} Type: {kind} is not of expected type: {TensorTypes.Name(_type)}");
    }

    /// <summary>Base64 with or without padding.</summary>
    private static class Base64Text
    {
        public static bool TryDecode(ReadOnlySpan<byte> encoded, out byte[] bytes)
        {
            ReadOnlySpan<byte> bare = encoded.TrimEnd((byte)'=');
            Span<byte> padded = new byte[(bare.Length + 3) / 4 * 4];
            padded.Fill((byte)'=');
            bare.CopyTo(padded);
            bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(padded.Length)];
            bool good = Base64.DecodeFromUtf8(padded, bytes, out int consumed, out int written) == System.Buffers.OperationStatus.Done && consumed == padded.Length;
            Array.Resize(ref bytes, good ? written : 0);
            return good;
        }
    }
}
