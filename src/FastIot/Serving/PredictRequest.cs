using System.Text;

namespace FastIot.Serving;

/// <summary>How a request, and so its answer, is laid out.</summary>
internal enum PredictFormat
{
    /// <summary>"instances": one element per row.</summary>
    Row,
    /// <summary>"inputs": one value per input.</summary>
    Columnar,
}

/// <summary>The body of TensorFlow Serving's predict, from JSON to tensors. Checks come in its order, so that the same error wins.</summary>
internal static class PredictRequest
{
    public const string DefaultSignature = "serving_default";

    /// <summary>Parses the document; it must be an object, and its signature_name a string.</summary>
    /// <returns>The signature's name.</returns>
    /// <exception cref="ServingException"/>
    public static string Open(JsonTape tape)
    {
        if (tape[0].Kind != JsonKind.Object) throw ServingException.Invalid($"JSON Value: {JsonExcerpt.Of(tape, 0)} Is not object");
        int signature = tape.Member(0, "signature_name"u8);
        if (signature < 0) return DefaultSignature;
        if (!tape.IsString(signature)) throw ServingException.Invalid($"JSON Value: {JsonExcerpt.Of(tape, 0)} not formatted correctly. 'signature_name' key must be a string value.");
        string name = Encoding.UTF8.GetString(tape.String(signature));
        return name.Length == 0 ? DefaultSignature : name;
    }

    /// <summary>Finds the tensors, one for each of the graph's inputs, in their order.</summary>
    /// <exception cref="ServingException"/>
    public static Tensor[] Read(JsonTape tape, GraphTensor[] inputs, out PredictFormat format)
    {
        int instances = tape.Member(0, "instances"u8);
        int columns = tape.Member(0, "inputs"u8);
        format = instances >= 0 ? PredictFormat.Row : PredictFormat.Columnar;
        if (instances >= 0 && columns >= 0) throw Format(tape, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ");
        if (instances < 0 && columns < 0) throw ServingException.Invalid("Missing 'inputs' or 'instances' key");
        var tensors = new Tensor[inputs.Length];
        try
        {
            if (instances >= 0) Rows.Read(tape, instances, inputs, tensors);
            else ReadColumns(tape, columns, inputs, tensors);
            for (int i = 0; i < inputs.Length; i++)
            {
                if (!inputs[i].Takes(tensors[i].Shape))
                    throw ServingException.Invalid($"Tensor name: {inputs[i].Name} has shape {GraphTensor.Text(tensors[i].Shape)}, the model takes {GraphTensor.Text(inputs[i].Shape)}");
            }

            return tensors;
        }
        catch
        {
            foreach (Tensor? tensor in tensors) tensor?.Dispose();
            throw;
        }
    }

    private static ServingException Format(JsonTape tape, string what) => ServingException.Invalid($"JSON Value: {JsonExcerpt.Of(tape, 0)} {what}");

    private static void ReadColumns(JsonTape tape, int node, GraphTensor[] inputs, Tensor?[] tensors)
    {
        if (tape[node].Kind != JsonKind.Object || TensorFill.IsBase64(tape, node))
        {
            if (inputs.Length > 1) throw ServingException.Invalid("inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map");
            ReadColumn(tape, node, inputs[0], out tensors[0]);
            return;
        }

        for (int i = 0; i < inputs.Length; i++)
        {
            int value = tape.Member(node, inputs[i].Utf8Name);
            if (value < 0) throw ServingException.Invalid($"Missing named input: {inputs[i].Name} in 'inputs' object.");
            ReadColumn(tape, value, inputs[i], out tensors[i]);
        }
    }

    private static void ReadColumn(JsonTape tape, int node, GraphTensor input, out Tensor? tensor)
    {
        long[] shape = TensorFill.ShapeOf(tape, node);
        tensor = Rows.Allocate(tape, input, shape);
        new TensorFill(tape, input.Type).Fill(node, tensor, tensor.Shape, 0);
    }

    /// <summary>"instances": values or objects, all of one shape, that make up the rows.</summary>
    private static class Rows
    {
        /// <summary>Memory that is never written costs nothing, and lists of slightly different lengths are to be told by their sizes.</summary>
        private const int MostPerValue = 16;

        public static void Read(JsonTape tape, int node, GraphTensor[] inputs, Tensor?[] tensors)
        {
            if (tape[node].Kind != JsonKind.Array) throw Format(tape, "Expecting 'instances' to be an list/array");
            int rows = tape[node].Count, at = node + 1;
            if (rows == 0) throw Format(tape, "No values in 'instances' array");
            if (tape[at].Kind != JsonKind.Object && inputs.Length > 1)
                throw ServingException.Invalid("instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map");
            bool objects = IsRow(tape, at);
            for (int row = 0; row < rows; row++, at = tape.Next(at))
            {
                if (objects) ReadObject(tape, at, row, rows, inputs, tensors);
                else ReadValue(tape, at, row, rows, inputs, tensors);
            }
        }

        /// <exception cref="ServingException">More elements than the document has values: lists of different length within it.</exception>
        public static Tensor Allocate(JsonTape tape, GraphTensor input, long[] shape)
        {
            // The first lists of each level decide the shape; a ragged document could ask for far more memory than it has values.
            long elements = 1;
            foreach (long size in shape) elements = Math.Min(elements * size, int.MaxValue);
            if (elements <= MostPerValue * (tape.Count + 4096L)) return Tensor.Allocate(input.Type, shape);
            throw ServingException.Invalid($"Encountered list at unexpected size: shape {GraphTensor.Text(shape)} has more elements than there are values");
        }

        private static bool IsRow(JsonTape tape, int node) => tape[node].Kind == JsonKind.Object && !TensorFill.IsBase64(tape, node);

        private static void ReadObject(JsonTape tape, int node, int row, int rows, GraphTensor[] inputs, Tensor?[] tensors)
        {
            if (!IsRow(tape, node)) throw ServingException.Invalid($"Expecting object but got list at item {row} of input list");
            int members = tape[node].Count, at = node + 1;
            for (int i = 0; i < members; i++)
            {
                ReadOnlySpan<byte> key = tape.String(at);
                int input = IndexOf(inputs, key);
                try
                {
                    if (input < 0) throw ServingException.Invalid($"JSON object: does not have named input: {Encoding.UTF8.GetString(key)}");
                    ReadItem(tape, at + 1, row, rows, inputs[input], ref tensors[input]);
                }
                catch (ServingException e)
                {
                    throw ServingException.Invalid($"Failed to process element: {row} key: {Encoding.UTF8.GetString(key)} of 'instances' list. Error: INVALID_ARGUMENT: {e.Message}");
                }

                at = tape.Next(at + 1);
            }

            // All names are known: as many as there are inputs, and none missing, means each once.
            if (members == inputs.Length && Array.TrueForAll(inputs, input => tape.Member(node, input.Utf8Name) >= 0)) return;
            string names = string.Join(',', inputs.Select(i => i.Name).Order(StringComparer.Ordinal));
            throw ServingException.Invalid($"Failed to process element: {row} of 'instances' list. JSON object: {JsonExcerpt.Of(tape, node)} keys must be equal to: {names}");
        }

        private static void ReadValue(JsonTape tape, int node, int row, int rows, GraphTensor[] inputs, Tensor?[] tensors)
        {
            if (IsRow(tape, node)) throw ServingException.Invalid($"Expecting value/list but got object at item {row} of input list");
            try
            {
                ReadItem(tape, node, row, rows, inputs[0], ref tensors[0]);
            }
            catch (ServingException e)
            {
                throw ServingException.Invalid($"Failed to process element: {row} of 'instances' list. Error: INVALID_ARGUMENT: {e.Message}");
            }
        }

        private static void ReadItem(JsonTape tape, int node, int row, int rows, GraphTensor input, ref Tensor? tensor)
        {
            var fill = new TensorFill(tape, input.Type);
            if (tensor != null && SameShape(tape, node, tensor))
            {
                fill.Fill(node, tensor, tensor.Shape.AsMemory(1), row * (tensor.Elements / rows));
                return;
            }

            long[] shape = TensorFill.ShapeOf(tape, node);
            if (tensor == null)
            {
                if (row > 0)
                {
                    // An input that the first row lacks was refused there.
                    throw ServingException.Invalid($"JSON object: does not have named input: {input.Name}");
                }

                tensor = Allocate(tape, input, [rows, .. shape]);
                fill.Fill(node, tensor, shape, 0);
                return;
            }

            long size = fill.Fill(node, null, shape, 0), expected = tensor.Elements / rows;
            throw ServingException.Invalid(size != expected
                ? $"Expecting tensor size: {expected} but got: {size}"
                : $"Expecting shape {GraphTensor.Text(tensor.Shape.AsSpan(1))} but got: {GraphTensor.Text(shape)}");
        }

        private static bool SameShape(JsonTape tape, int node, Tensor tensor)
        {
            long[] shape = tensor.Shape;
            for (int level = 1; level < shape.Length; level++, node++)
            {
                if (tape[node].Kind != JsonKind.Array || tape[node].Count != shape[level]) return false;
                if (shape[level] == 0) return level == shape.Length - 1;
            }

            return tape[node].Kind != JsonKind.Array;
        }

        private static int IndexOf(GraphTensor[] inputs, ReadOnlySpan<byte> name)
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                if (name.SequenceEqual(inputs[i].Utf8Name)) return i;
            }

            return -1;
        }
    }
}
