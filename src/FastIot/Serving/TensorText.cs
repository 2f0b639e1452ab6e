using System.Buffers.Text;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace FastIot.Serving;

/// <summary>
/// Writes a tensor's values as JSON. Numbers are the shortest text that reads back to the same bits, whole floating-point numbers with .0;
/// NaN and Infinity are bare words, which is not JSON but what TensorFlow Serving's clients expect.
/// </summary>
internal static class TensorText
{
    /// <summary>Writes the elements below one dimension as nested lists.</summary>
    /// <param name="dimension">First dimension to write; the tensor's rank writes one element.</param>
    /// <param name="element">First element; moved behind the last one.</param>
    /// <param name="asBytes">Strings as base64 objects.</param>
    public static void Write(ByteBuffer to, Tensor tensor, int dimension, ref long element, bool asBytes)
    {
        if (dimension >= tensor.Shape.Length)
        {
            Write(to, tensor, element++, asBytes);
            return;
        }

        to.Raw("["u8);
        for (long i = 0; i < tensor.Shape[dimension]; i++)
        {
            if (i > 0) to.Raw(","u8);
            Write(to, tensor, dimension + 1, ref element, asBytes);
        }

        to.Raw("]"u8);
    }

    /// <summary>Whether an output's strings are bytes, by the convention of its name.</summary>
    public static bool IsBytes(string name) => name.EndsWith("_bytes", StringComparison.Ordinal);

    private static unsafe void Write(ByteBuffer to, Tensor tensor, long i, bool asBytes)
    {
        byte* data = tensor.Data;
        switch (tensor.Type)
        {
            case TensorElementType.Float: Real(to, ((float*)data)[i]); break;
            case TensorElementType.Double: Real(to, ((double*)data)[i]); break;
            case TensorElementType.Float16: Real(to, (float)((Half*)data)[i]); break;
            case TensorElementType.Int8: to.Number(((sbyte*)data)[i]); break;
            case TensorElementType.Int16: to.Number(((short*)data)[i]); break;
            case TensorElementType.Int32: to.Number(((int*)data)[i]); break;
            case TensorElementType.Int64: to.Number(((long*)data)[i]); break;
            case TensorElementType.UInt8: to.Number(data[i]); break;
            case TensorElementType.UInt16: to.Number(((ushort*)data)[i]); break;
            case TensorElementType.UInt32: to.Number(((uint*)data)[i]); break;
            case TensorElementType.UInt64: to.Number(((ulong*)data)[i]); break;
            case TensorElementType.Bool: to.Raw(data[i] != 0 ? "true"u8 : "false"u8); break;
            default: Text(to, tensor.Strings![i], asBytes); break;
        }
    }

    private static void Text(ByteBuffer to, byte[] text, bool asBytes)
    {
        if (!asBytes)
        {
            to.String(text);
            return;
        }

        to.Raw("{\"b64\":\""u8);
        Base64.EncodeToUtf8(text, to.GetSpan(Base64.GetMaxEncodedToUtf8Length(text.Length)), out _, out int written);
        to.Advance(written);
        to.Raw("\"}"u8);
    }

    private static void Real(ByteBuffer to, float value)
    {
        if (!float.IsFinite(value))
        {
            NotFinite(to, value);
            return;
        }

        int from = to.Length;
        to.Number(value, "R");
        PointZero(to, from);
    }

    private static void Real(ByteBuffer to, double value)
    {
        if (!double.IsFinite(value))
        {
            NotFinite(to, value);
            return;
        }

        int from = to.Length;
        to.Number(value, "R");
        PointZero(to, from);
    }

    private static void NotFinite(ByteBuffer to, double value) => to.Raw(double.IsNaN(value) ? "NaN"u8 : value > 0 ? "Infinity"u8 : "-Infinity"u8);

    /// <summary>Clients tell floating point by the point: 3 becomes 3.0.</summary>
    private static void PointZero(ByteBuffer to, int from)
    {
        if (to.Written[from..].IndexOfAny((byte)'.', (byte)'E') < 0) to.Raw(".0"u8);
    }
}
