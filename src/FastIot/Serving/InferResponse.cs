using System.Buffers.Binary;

namespace FastIot.Serving;

/// <summary>The answer of the Open Inference Protocol.</summary>
internal static class InferResponse
{
    /// <returns>Length of the JSON; binary tensors follow it.</returns>
    public static int Write(ByteBuffer to, ServedVersion version, InferRequest request, Tensor[] tensors)
    {
        to.Raw("{\"model_name\":"u8).String(version.Name).Raw(",\"model_version\":\""u8).Number(version.Version).Raw("\""u8);
        if (request.Id.Length > 0) to.Raw(",\"id\":"u8).String(request.Id);
        to.Raw(",\"outputs\":["u8);
        for (int i = 0; i < request.Outputs.Count; i++)
        {
            if (i > 0) to.Raw(","u8);
            (int index, bool binary) = request.Outputs[i];
            WriteOutput(to, version.Graph!.Outputs[index], tensors[index], binary);
        }

        to.Raw("]}"u8);
        int length = to.Length;
        foreach ((int index, bool binary) in request.Outputs)
        {
            if (binary) WriteBinary(to, tensors[index]);
        }

        return length;
    }

    private static void WriteOutput(ByteBuffer to, GraphTensor declared, Tensor tensor, bool binary)
    {
        to.Raw("{\"name\":"u8).String(declared.Utf8Name).Raw(",\"datatype\":\""u8).Text(TensorTypes.KServeName(tensor.Type));
        to.Raw("\",\"shape\":"u8).Text(GraphTensor.Text(tensor.Shape));
        if (binary)
        {
            to.Raw(",\"parameters\":{\"binary_data_size\":"u8).Number(BinarySize(tensor)).Raw("}}"u8);
            return;
        }

        to.Raw(",\"data\":["u8);
        long next = 0;
        while (next < tensor.Elements)
        {
            if (next > 0) to.Raw(","u8);
            TensorText.Write(to, tensor, tensor.Shape.Length, ref next, asBytes: false);
        }

        to.Raw("]}"u8);
    }

    private static long BinarySize(Tensor tensor) => tensor.Strings == null ? tensor.Bytes : tensor.Strings.Sum(s => 4L + s.Length);

    private static unsafe void WriteBinary(ByteBuffer to, Tensor tensor)
    {
        if (tensor.Strings == null)
        {
            to.Raw(new ReadOnlySpan<byte>(tensor.Data, (int)tensor.Bytes));
            return;
        }

        foreach (byte[] text in tensor.Strings)
        {
            BinaryPrimitives.WriteInt32LittleEndian(to.GetSpan(4), text.Length);
            to.Advance(4);
            to.Raw(text);
        }
    }
}
