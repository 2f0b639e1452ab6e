using Microsoft.ML.OnnxRuntime.Tensors;

namespace FastIot.Serving;

/// <summary>Element types that can be served, under the names of each protocol.</summary>
internal static class TensorTypes
{
    private readonly record struct Names(TensorElementType Type, int Size, string Short, string TensorFlow, string KServe);

    private static readonly Names[] s_all =
    [
        new(TensorElementType.Float, 4, "float", "DT_FLOAT", "FP32"),
        new(TensorElementType.Double, 8, "double", "DT_DOUBLE", "FP64"),
        new(TensorElementType.Float16, 2, "half", "DT_HALF", "FP16"),
        new(TensorElementType.Int8, 1, "int8", "DT_INT8", "INT8"),
        new(TensorElementType.Int16, 2, "int16", "DT_INT16", "INT16"),
        new(TensorElementType.Int32, 4, "int32", "DT_INT32", "INT32"),
        new(TensorElementType.Int64, 8, "int64", "DT_INT64", "INT64"),
        new(TensorElementType.UInt8, 1, "uint8", "DT_UINT8", "UINT8"),
        new(TensorElementType.UInt16, 2, "uint16", "DT_UINT16", "UINT16"),
        new(TensorElementType.UInt32, 4, "uint32", "DT_UINT32", "UINT32"),
        new(TensorElementType.UInt64, 8, "uint64", "DT_UINT64", "UINT64"),
        new(TensorElementType.Bool, 1, "bool", "DT_BOOL", "BOOL"),
        new(TensorElementType.String, 0, "string", "DT_STRING", "BYTES"),
    ];

    public static bool IsServed(TensorElementType type) => Array.Exists(s_all, n => n.Type == type);

    /// <summary>Bytes of one element; 0 for strings.</summary>
    public static int Size(TensorElementType type) => type switch
    {
        TensorElementType.Float or TensorElementType.Int32 or TensorElementType.UInt32 => 4,
        TensorElementType.Double or TensorElementType.Int64 or TensorElementType.UInt64 => 8,
        TensorElementType.Float16 or TensorElementType.Int16 or TensorElementType.UInt16 => 2,
        TensorElementType.String => 0,
        _ => 1,
    };

    /// <summary>As in TensorFlow's messages: float.</summary>
    public static string Name(TensorElementType type) => Of(type).Short;

    /// <summary>As in signatures: DT_FLOAT.</summary>
    public static string TensorFlowName(TensorElementType type) => Of(type).TensorFlow;

    /// <summary>As in the Open Inference Protocol: FP32.</summary>
    public static string KServeName(TensorElementType type) => Of(type).KServe;

    private static Names Of(TensorElementType type) => Array.Find(s_all, n => n.Type == type);
}
