namespace FastIot.Serving;

/// <summary>The answer of TensorFlow Serving's predict, from tensors to JSON.</summary>
internal static class PredictResponse
{
    /// <param name="outputs">The graph's outputs, as declared.</param>
    /// <param name="tensors">Their values, in the same order.</param>
    /// <exception cref="ServingException">Outputs that have no rows, or not as many, asked for row by row.</exception>
    public static void Write(ByteBuffer to, PredictFormat format, GraphTensor[] outputs, Tensor[] tensors)
    {
        if (format == PredictFormat.Row) WriteRows(to, outputs, tensors);
        else WriteColumns(to, outputs, tensors);
    }

    public static void WriteError(ByteBuffer to, string message) => to.Raw("{\n    \"error\": "u8).String(message).Raw("\n}"u8);

    private static void WriteRows(ByteBuffer to, GraphTensor[] outputs, Tensor[] tensors)
    {
        long rows = RowsOf(outputs, tensors);
        Span<long> next = stackalloc long[Math.Min(tensors.Length, 64)];
        if (tensors.Length > next.Length) next = new long[tensors.Length];
        next.Clear();
        to.Raw("{\n    \"predictions\": ["u8);
        for (long row = 0; row < rows; row++)
        {
            if (row > 0) to.Raw(", "u8);
            if (tensors.Length > 1) to.Raw("{"u8);
            for (int i = 0; i < tensors.Length; i++)
            {
                if (i > 0) to.Raw(", "u8);
                if (tensors.Length > 1) to.String(outputs[i].Utf8Name).Raw(": "u8);
                TensorText.Write(to, tensors[i], 1, ref next[i], TensorText.IsBytes(outputs[i].Name));
            }

            if (tensors.Length > 1) to.Raw("}"u8);
        }

        to.Raw("]\n}"u8);
    }

    private static long RowsOf(GraphTensor[] outputs, Tensor[] tensors)
    {
        long rows = -1;
        for (int i = 0; i < tensors.Length; i++)
        {
            if (tensors[i].Shape.Length == 0) throw ServingException.Invalid($"Tensor name: {outputs[i].Name} has no shape information ");
            if (rows >= 0 && tensors[i].Rows != rows) throw ServingException.Invalid($"Tensor name: {outputs[i].Name} has inconsistent batch size: {tensors[i].Rows} expecting: {rows}");
            rows = tensors[i].Rows;
        }

        return rows;
    }

    private static void WriteColumns(ByteBuffer to, GraphTensor[] outputs, Tensor[] tensors)
    {
        to.Raw("{\n    \"outputs\": "u8);
        if (tensors.Length > 1) to.Raw("{"u8);
        for (int i = 0; i < tensors.Length; i++)
        {
            if (i > 0) to.Raw(", "u8);
            if (tensors.Length > 1) to.String(outputs[i].Utf8Name).Raw(": "u8);
            long next = 0;
            TensorText.Write(to, tensors[i], 0, ref next, TensorText.IsBytes(outputs[i].Name));
        }

        if (tensors.Length > 1) to.Raw("}"u8);
        to.Raw("\n}"u8);
    }
}
