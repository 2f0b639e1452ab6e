using System.Buffers.Binary;
using System.Text;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace FastIot.Serving;

/// <summary>An output that a client wants.</summary>
/// <param name="Index">In the graph.</param>
/// <param name="Binary">Behind the JSON instead of within.</param>
internal readonly record struct WantedOutput(int Index, bool Binary);

/// <summary>A request of the Open Inference Protocol, from JSON and binary tensors to ours.</summary>
internal sealed class InferRequest
{
    /// <summary>Text of the client's id; empty where there is none.</summary>
    public byte[] Id { get; private init; } = [];

    /// <summary>In the order of the graph's inputs.</summary>
    public required Tensor[] Inputs { get; init; }

    public required List<WantedOutput> Outputs { get; init; }

    /// <summary>How long it may wait, if it says so (parameter timeout, microseconds).</summary>
    public TimeSpan? Timeout { get; private init; }

    /// <exception cref="ServingException"/>
    public static InferRequest Read(RequestBody request, int jsonLength, ServedGraph graph)
    {
        JsonTape json = request.Json;
        if (json[0].Kind != JsonKind.Object) throw ServingException.Invalid("The body must be a JSON object");
        int id = json.Member(0, "id"u8), parameters = json.Member(0, "parameters"u8);
        if (id >= 0 && !json.IsString(id)) throw ServingException.Invalid("\"id\" must be a string");
        long timeoutUs = Integer(json, Parameter(json, 0, "timeout"u8));
        return new InferRequest
        {
            Id = id < 0 ? [] : json.String(id).ToArray(),
            Timeout = timeoutUs > 0 ? TimeSpan.FromMicroseconds(timeoutUs) : null,
            Outputs = ReadOutputs(json, graph.Outputs, parameters >= 0 && IsTrue(json, Parameter(json, 0, "binary_data_output"u8))),
            Inputs = ReadInputs(request, jsonLength, graph.Inputs),
        };
    }

    private static Tensor[] ReadInputs(RequestBody request, int jsonLength, GraphTensor[] declared)
    {
        JsonTape json = request.Json;
        int list = json.Member(0, "inputs"u8);
        if (list < 0 || json[list].Kind != JsonKind.Array) throw ServingException.Invalid("\"inputs\" must be an array");
        var tensors = new Tensor?[declared.Length];
        ReadOnlySpan<byte> binary = request.Bytes[jsonLength..];
        try
        {
            int at = list + 1;
            for (int i = 0; i < json[list].Count; i++, at = json.Next(at))
            {
                int index = IndexOf(json, at, declared, "input");
                if (tensors[index] != null) throw ServingException.Invalid($"input \"{declared[index].Name}\" is there twice");
                tensors[index] = ReadInput(json, at, declared[index], ref binary);
            }

            if (binary.Length > 0) throw ServingException.Invalid($"{binary.Length} bytes are left behind the last binary input");
            int missing = Array.IndexOf(tensors, null);
            if (missing >= 0) throw ServingException.Invalid($"input \"{declared[missing].Name}\" is missing");
            return tensors!;
        }
        catch
        {
            foreach (Tensor? tensor in tensors) tensor?.Dispose();
            throw;
        }
    }

    private static Tensor ReadInput(JsonTape json, int node, GraphTensor declared, ref ReadOnlySpan<byte> binary)
    {
        int type = json.Member(node, "datatype"u8), data = json.Member(node, "data"u8);
        string expected = TensorTypes.KServeName(declared.Type);
        if (type < 0 || !json.IsString(type) || Encoding.UTF8.GetString(json.String(type)) is var name && name != expected)
            throw ServingException.Invalid($"input \"{declared.Name}\" has the datatype {(type < 0 ? "(none)" : JsonExcerpt.Of(json, type))}, the model takes {expected}");
        long[] shape = ReadShape(json, node, declared);
        int size = Parameter(json, node, "binary_data_size"u8);
        if (data >= 0 == size >= 0) throw ServingException.Invalid($"input \"{declared.Name}\" must have either \"data\" or the parameter binary_data_size");
        if (size >= 0) return ReadBinary(declared, shape, Integer(json, size), ref binary);
        if (Elements(shape) > json.Count) throw ServingException.Invalid($"input \"{declared.Name}\" has the shape {GraphTensor.Text(shape)}, but fewer values");
        var tensor = Tensor.Allocate(declared.Type, shape);
        try
        {
            // Flat, or nested like the shape.
            long[] flat = TensorFill.ShapeOf(json, data);
            long count = new TensorFill(json, declared.Type).Fill(data, tensor, flat, 0);
            if (count != tensor.Elements) throw ServingException.Invalid($"input \"{declared.Name}\" has {count} values, its shape {GraphTensor.Text(shape)} has {tensor.Elements}");
            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    private static long[] ReadShape(JsonTape json, int node, GraphTensor declared)
    {
        int list = json.Member(node, "shape"u8);
        if (list < 0 || json[list].Kind != JsonKind.Array) throw ServingException.Invalid($"input \"{declared.Name}\" has no \"shape\"");
        long[] shape = new long[json[list].Count];
        for (int i = 0; i < shape.Length; i++)
        {
            JsonNode size = json[list + 1 + i];
            if (size.Kind != JsonKind.Integer || size.Integer is < 0 or > int.MaxValue) throw ServingException.Invalid($"input \"{declared.Name}\" has the shape {JsonExcerpt.Of(json, list)}");
            shape[i] = size.Integer;
        }

        return declared.Takes(shape) ? shape : throw ServingException.Invalid($"input \"{declared.Name}\" has the shape {GraphTensor.Text(shape)}, the model takes {GraphTensor.Text(declared.Shape)}");
    }

    private static unsafe Tensor ReadBinary(GraphTensor declared, long[] shape, long size, ref ReadOnlySpan<byte> binary)
    {
        if (size < 0 || size > binary.Length) throw ServingException.Invalid($"input \"{declared.Name}\" says {size} bytes of binary data; {binary.Length} are left");
        ReadOnlySpan<byte> data = binary[..(int)size];
        long elements = Elements(shape), least = declared.Type == TensorElementType.String ? elements * 4 : elements * TensorTypes.Size(declared.Type);
        bool fits = declared.Type == TensorElementType.String ? size >= least : size == least;
        if (!fits) throw ServingException.Invalid($"input \"{declared.Name}\" has {size} bytes, its shape {GraphTensor.Text(shape)} of {TensorTypes.KServeName(declared.Type)} needs {least}");
        binary = binary[(int)size..];
        var tensor = Tensor.Allocate(declared.Type, shape);
        if (tensor.Strings == null) data.CopyTo(new Span<byte>(tensor.Data, (int)tensor.Bytes));
        else ReadStrings(declared, data, tensor.Strings);
        return tensor;
    }

    /// <summary>Each with its length before it, four bytes, little endian.</summary>
    private static void ReadStrings(GraphTensor declared, ReadOnlySpan<byte> data, byte[][] strings)
    {
        for (int i = 0; i < strings.Length; i++)
        {
            uint length = data.Length < 4 ? uint.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(data);
            if (length > (uint)(data.Length - 4)) throw ServingException.Invalid($"input \"{declared.Name}\": its bytes end within string {i}");
            strings[i] = data.Slice(4, (int)length).ToArray();
            data = data[(4 + (int)length)..];
        }

        if (data.Length > 0) throw ServingException.Invalid($"input \"{declared.Name}\": {data.Length} bytes are left behind its last string");
    }

    private static List<WantedOutput> ReadOutputs(JsonTape json, GraphTensor[] declared, bool binary)
    {
        int list = json.Member(0, "outputs"u8);
        if (list < 0) return [.. declared.Select((_, i) => new WantedOutput(i, binary))];
        if (json[list].Kind != JsonKind.Array) throw ServingException.Invalid("\"outputs\" must be an array");
        var outputs = new List<WantedOutput>();
        int at = list + 1;
        for (int i = 0; i < json[list].Count; i++, at = json.Next(at))
        {
            int own = json[at].Kind == JsonKind.Object ? Parameter(json, at, "binary_data"u8) : -1;
            outputs.Add(new WantedOutput(IndexOf(json, at, declared, "output"), own < 0 ? binary : IsTrue(json, own)));
        }

        return outputs;
    }

    private static int IndexOf(JsonTape json, int node, GraphTensor[] declared, string what)
    {
        int name = json[node].Kind == JsonKind.Object ? json.Member(node, "name"u8) : -1;
        if (name < 0 || !json.IsString(name)) throw ServingException.Invalid($"each {what} must be an object with a \"name\"");
        byte[] wanted = json.String(name).ToArray();
        int index = Array.FindIndex(declared, t => wanted.AsSpan().SequenceEqual(t.Utf8Name));
        return index >= 0 ? index : throw ServingException.Invalid($"the model has no {what} {JsonExcerpt.Of(json, name)}; it has {string.Join(", ", declared.Select(t => t.Name))}");
    }

    /// <returns>-1 where the object has no such parameter.</returns>
    private static int Parameter(JsonTape json, int node, ReadOnlySpan<byte> name)
    {
        int parameters = json.Member(node, "parameters"u8);
        return parameters < 0 || json[parameters].Kind != JsonKind.Object ? -1 : json.Member(parameters, name);
    }

    private static bool IsTrue(JsonTape json, int node) => node >= 0 && json[node].Kind == JsonKind.True;

    /// <returns>-1 where there is none.</returns>
    private static long Integer(JsonTape json, int node) => node >= 0 && json[node].Kind == JsonKind.Integer ? json[node].Integer : -1;

    private static long Elements(long[] shape)
    {
        long elements = 1;
        foreach (long size in shape) elements = Math.Min(elements * size, int.MaxValue);
        return elements;
    }
}
