using System.Text;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace FastIot.Serving;

/// <summary>An input or output as the graph declares it.</summary>
internal sealed class GraphTensor
{
    private GraphTensor(string name, NodeMetadata node)
    {
        Name = name;
        Utf8Name = Encoding.UTF8.GetBytes(name);
        Type = node.ElementDataType;
        Shape = [.. node.Dimensions.Select(d => (long)d)];
        Symbols = node.SymbolicDimensions;
    }

    public string Name { get; }

    public byte[] Utf8Name { get; }

    public TensorElementType Type { get; }

    /// <summary>-1 where the graph takes any size.</summary>
    public long[] Shape { get; }

    /// <summary>Names of dimensions; empty where there are none.</summary>
    public string[] Symbols { get; }

    /// <summary>Whether the first dimension can be that of a batch.</summary>
    public bool HasFreeRows => Shape.Length > 0 && Shape[0] < 0;

    /// <exception cref="Scoring.ModelException">No tensor, or of elements that cannot be served.</exception>
    public static GraphTensor[] Of(IEnumerable<string> names, IReadOnlyDictionary<string, NodeMetadata> nodes) => [.. names.Select(name =>
    {
        NodeMetadata node = nodes[name];
        if (!node.IsTensor) throw new Scoring.ModelException($"\"{name}\" is a {node.OnnxValueType}; only tensors can be served");
        if (!TensorTypes.IsServed(node.ElementDataType)) throw new Scoring.ModelException($"\"{name}\" has elements of type {node.ElementDataType}, which cannot be served");
        return new GraphTensor(name, node);
    })];

    /// <summary>Whether a tensor of this shape may be fed.</summary>
    public bool Takes(ReadOnlySpan<long> shape)
    {
        if (shape.Length != Shape.Length) return false;
        for (int i = 0; i < shape.Length; i++)
        {
            if (Shape[i] >= 0 && Shape[i] != shape[i]) return false;
        }

        return true;
    }

    public static string Text(ReadOnlySpan<long> shape) => $"[{string.Join(',', shape.ToArray())}]";
}
