using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace FastIot.Serving;

/// <summary>
/// A dense tensor in native memory, row-major; strings are byte arrays, since a model may take any bytes. One owner, who disposes of it.
/// </summary>
internal sealed unsafe class Tensor : IDisposable
{
    private Tensor(TensorElementType type, long[] shape, long elements)
    {
        Type = type;
        Shape = shape;
        Elements = elements;
        if (type == TensorElementType.String)
        {
            Strings = new byte[elements][];
            return;
        }

        Bytes = elements * TensorTypes.Size(type);
        Data = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(Bytes, 1), 64);
    }

    public TensorElementType Type { get; }

    public long[] Shape { get; }

    public long Elements { get; }

    public long Bytes { get; }

    public byte* Data { get; private set; }

    /// <summary>Elements of a string tensor.</summary>
    public byte[][]? Strings { get; }

    /// <summary>First dimension; 1 for a scalar.</summary>
    public long Rows => Shape.Length == 0 ? 1 : Shape[0];

    public ReadOnlySpan<T> Values<T>()
        where T : unmanaged => new(Data, (int)Elements);

    /// <exception cref="OverflowException">More elements than fit.</exception>
    public static Tensor Allocate(TensorElementType type, long[] shape)
    {
        long elements = 1;
        foreach (long dimension in shape) elements = checked(elements * dimension);
        _ = checked((int)(elements * Math.Max(1, TensorTypes.Size(type))));
        return new Tensor(type, shape, elements);
    }

    /// <summary>The tensor as ONNX Runtime sees it, over the same memory (strings are copied). This tensor must outlive it.</summary>
    public OrtValue ToOrtValue()
    {
        if (Strings == null) return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, Type, Shape, (nint)Data, Bytes);
        var value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, Shape);
        for (int i = 0; i < Strings.Length; i++) value.StringTensorSetElementAt(Strings[i], i);
        return value;
    }

    /// <summary>A copy of rows of what ONNX Runtime has made.</summary>
    /// <param name="first">First row wanted, where the tensor is a batch; else 0.</param>
    /// <param name="rows">Rows wanted; below 0 = the whole tensor.</param>
    public static Tensor CopyOf(OrtValue value, long first, long rows)
    {
        OrtTensorTypeAndShapeInfo info = value.GetTensorTypeAndShape();
        long[] shape = info.Shape;
        long perRow = shape.Length == 0 || shape[0] == 0 ? 0 : info.ElementCount / shape[0];
        if (rows >= 0) shape[0] = rows;
        Tensor copy = Allocate(info.ElementDataType, shape);
        long from = rows >= 0 ? first * perRow : 0;
        if (copy.Strings != null)
        {
            for (int i = 0; i < copy.Strings.Length; i++) copy.Strings[i] = value.GetStringElementAsSpan((int)(from + i)).ToArray();
            return copy;
        }

        if (copy.Bytes == 0) return copy;
        value.GetTensorMutableRawData().Slice((int)(from * TensorTypes.Size(copy.Type)), (int)copy.Bytes).CopyTo(new Span<byte>(copy.Data, (int)copy.Bytes));
        return copy;
    }

    // No finalizer: at tens of thousands of requests a second it costs more than all of this class.
    public void Dispose()
    {
        NativeMemory.AlignedFree(Data);
        Data = null;
    }
}
