using System.Diagnostics.CodeAnalysis;
using FastIot.Features;

namespace FastIot.Scoring.Kernel;

/// <summary>A linear layer: [outputs, inputs] row by row, and its bias.</summary>
internal sealed record DenseWeights(int Inputs, int Outputs, float[] Weight, float[] Bias);

/// <summary>An LSTM's weights as ONNX has them: gates i, o, f, c in blocks of the hidden size; <paramref name="Bias"/> is that of the input and of the state together.</summary>
internal sealed record RecurrentWeights(int Inputs, int Hidden, float[] Input, float[] State, float[] Bias);

/// <summary>
/// The LSTM autoencoder with a head that <c>fastiot-train</c> writes (models/README.md), found in an ONNX file operation by operation: each
/// name, each attribute and each way a value goes must be as there. Anything else is somebody else's graph and runs in ONNX Runtime.
/// </summary>
internal sealed record AutoencoderGraph
{
    public const int Features = FeatureNames.Count;
    public const int Types = SensorTypes.Count;

    /// <summary>Sensor types, and all others.</summary>
    public const int Groups = Types + 1;

    public required int Lags { get; init; }

    public required float SquashFrom { get; init; }

    /// <summary>Bound of each squashed feature.</summary>
    public required float[] Caps { get; init; }

    public required RecurrentWeights Encoder { get; init; }

    public required DenseWeights ToLatent { get; init; }

    public required RecurrentWeights Decoder { get; init; }

    public required DenseWeights ToFeatures { get; init; }

    /// <summary>Newest windows whose errors are averaged for the head.</summary>
    public required int LastWindows { get; init; }

    public required float ErrorFloor { get; init; }

    public required DenseWeights Head1 { get; init; }

    public required DenseWeights Head2 { get; init; }

    /// <summary>[groups · judged, judged].</summary>
    public required DenseWeights Whitening { get; init; }

    /// <param name="why">What is otherwise than in a graph of ours.</param>
    public static bool TryRead(ReadOnlySpan<byte> onnx, [NotNullWhen(true)] out AutoencoderGraph? graph, out string why)
    {
        graph = null;
        try
        {
            graph = new Match(OnnxFile.Read(onnx)).Read();
            why = "";
        }
        catch (FormatException e)
        {
            why = e.Message;
        }

        return graph != null;
    }

    /// <summary>Walks the nodes in the order in which they were written.</summary>
    private sealed class Match(OnnxFile file)
    {
        private int _next;

        public AutoencoderGraph Read()
        {
            const string features = "features", type = "sensor_type";
            (string x, float from, float[] caps) = Squash(features);
            string unsqueezed = Take("Unsqueeze", "", type, null)[0];
            Longs(1, 1);
            string types = Take("Expand", "", unsqueezed, null)[0];
            int lags = (int)Tensor(1).Longs.ElementAtOrDefault(1);
            Longs(1, 1, lags, 1);
            string joined = Take("Concat", "axis=2", x, types)[0];
            (RecurrentWeights encoder, string[] encoded) = Lstm(Take("Transpose", "perm=1,0,2", joined)[0]);
            string h = Take("Squeeze", "", encoded[1], null)[0];
            Longs(1, 0);
            (DenseWeights toLatent, string latentRow) = Dense(h);
            string latent = Take("Unsqueeze", "", latentRow, null)[0];
            Longs(1, 0);
            string steps = Take("Expand", "", latent, null)[0];
            Longs(1, lags, 1, 1);
            (RecurrentWeights decoder, string[] decodedSteps) = Lstm(steps);
            string decoded = Take("Squeeze", "", decodedSteps[0], null)[0];
            Longs(1, 1);
            string product = Take("MatMul", "", decoded, null)[0];
            OnnxTensor transposed = Tensor(1);
            string sum = Take("Add", "", product, null)[0];
            DenseWeights toFeatures = ToFeaturesOf(transposed, Tensor(1));
            string e = Take("Sub", "", x, Take("Transpose", "perm=1,0,2", sum)[0])[0];
            string meanSquare = Take("ReduceMean", "axes=1 keepdims=0", Take("Mul", "", e, e)[0])[0];
            string recent = Take("Slice", "", e, null, null, null)[0];
            int last = lags - (int)Tensor(1).Longs.ElementAtOrDefault(0);
            Longs(1, lags - last);
            Longs(2, lags);
            Longs(3, 1);
            string newest = Take("Gather", "axis=1", e, null)[0];
            Longs(1, lags - 1);
            string judged = Take("Concat", "axis=1", newest, Take("ReduceMean", "axes=1 keepdims=0", recent)[0])[0];
            string flat = Take("Reshape", "", x, null)[0];
            Longs(1, -1, lags * Features);
            string floored = Take("Add", "", meanSquare, null)[0];
            float floor = Scalar(1);
            string head = Take("Concat", "axis=1", h, flat, judged, Take("Log", "", floored)[0], type)[0];
            (DenseWeights head1, string hidden) = Dense(head);
            (DenseWeights head2, string logits) = Dense(Take("Relu", "", hidden)[0]);
            Named(logits, "kind_logits");
            Named(Take("ReduceLogSumExp", "axes=1 keepdims=0", logits)[0], "score");
            DenseWeights whitening = Distance(judged, type);
            if (_next != file.Nodes.Count) throw new FormatException($"{file.Nodes.Count - _next} more operations than expected");
            return new AutoencoderGraph
            {
                Lags = lags,
                SquashFrom = from,
                Caps = caps,
                Encoder = encoder,
                ToLatent = toLatent,
                Decoder = decoder,
                ToFeatures = toFeatures,
                LastWindows = last,
                ErrorFloor = floor,
                Head1 = head1,
                Head2 = head2,
                Whitening = whitening,
            }.Checked();
        }

        private (string X, float From, float[] Caps) Squash(string z)
        {
            string size = Take("Abs", "", z)[0];
            string above = Take("Sub", "", size, null)[0];
            float from = Scalar(1);
            string beyond = Take("Max", "", above, null)[0];
            Scalar(1, 0);
            string half = Take("Div", "", beyond, null)[0];
            Scalar(1, 2);
            string plusOne = Take("Add", "", half, null)[0];
            Scalar(1, 1);
            string log = Take("Log", "", plusOne)[0];
            string below = Take("Min", "", size, null)[0];
            Scalar(1, from);
            string twice = Take("Mul", "", log, null)[0];
            Scalar(1, 2);
            string squashed = Take("Add", "", below, twice)[0];
            string signed = Take("Mul", "", Take("Sign", "", z)[0], squashed)[0];
            string capped = Take("Min", "", signed, null)[0];
            float[] caps = Tensor(1, Features).Floats;
            string x = Take("Max", "", capped, null)[0];
            if (!Tensor(1, Features).Floats.SequenceEqual(caps.Select(c => -c))) throw Unlike("bounds that are not the others' opposites");
            return (x, from, caps);
        }

        private (RecurrentWeights Weights, string[] Outputs) Lstm(string input)
        {
            OnnxNode node = file.Nodes.ElementAtOrDefault(_next) ?? throw Unlike("no LSTM");
            int hidden = Tensor(node, 2).Shape.ElementAtOrDefault(2), inputs = Tensor(node, 1).Shape.ElementAtOrDefault(2);
            string[] outputs = Take("LSTM", $"hidden_size={hidden}", input, null, null, null);
            float[] both = Tensor(3, 1, 8 * hidden).Floats;
            float[] bias = [.. both.Take(4 * hidden).Zip(both.Skip(4 * hidden), (ofInput, ofState) => ofInput + ofState)];
            if (outputs.Length != 2) throw Unlike("an LSTM of other outputs");
            return (new RecurrentWeights(inputs, hidden, Tensor(1, 1, 4 * hidden, inputs).Floats, Tensor(2, 1, 4 * hidden, hidden).Floats, bias), outputs);
        }

        private (DenseWeights Weights, string Output) Dense(string input)
        {
            string output = Take("Gemm", "transB=1", input, null, null)[0];
            OnnxTensor weight = Tensor(1);
            if (weight.Shape.Length != 2) throw Unlike("weights that are no matrix");
            return (new DenseWeights(weight.Shape[1], weight.Shape[0], weight.Floats, Tensor(2, weight.Shape[0]).Floats), output);
        }

        private DenseWeights ToFeaturesOf(OnnxTensor transposed, OnnxTensor bias)
        {
            if (transposed.Shape is not [int hidden, Features] || bias.Shape is not [Features]) throw Unlike("an output of other features");
            float[] weight = new float[transposed.Floats.Length];
            for (int i = 0; i < weight.Length; i++) weight[i % Features * hidden + i / Features] = transposed.Floats[i];
            return new DenseWeights(hidden, Features, weight, bias.Floats);
        }

        private DenseWeights Distance(string judged, string type)
        {
            (DenseWeights whitening, string rows) = Dense(judged);
            string whitened = Take("Reshape", "", rows, null)[0];
            Longs(1, -1, Groups, 2 * Features);
            string distances = Take("ReduceMean", "axes=2 keepdims=0", Take("Mul", "", whitened, whitened)[0])[0];
            string known = Take("ReduceSum", "keepdims=1", type, null)[0];
            Longs(1, 1);
            string other = Take("Sub", "", null, known)[0];
            Scalar(0, 1);
            string chosen = Take("Concat", "axis=1", type, other)[0];
            string error = Take("ReduceSum", "keepdims=0", Take("Mul", "", distances, chosen)[0], null)[0];
            Longs(1, 1);
            Named(error, "reconstruction_error");
            return whitening;
        }

        /// <summary>The next operation must be this one.</summary>
        /// <param name="inputs">Where they come from; null = a constant.</param>
        /// <returns>Names of its outputs.</returns>
        private string[] Take(string operation, string attributes, params string?[] inputs)
        {
            if (_next == file.Nodes.Count) throw Unlike($"the graph ends before {operation}");
            OnnxNode node = file.Nodes[_next++];
            if (node.Operation != operation) throw Unlike($"{node.Operation} where {operation} should be");
            if (node.Attributes != attributes) throw Unlike($"{operation} with \"{node.Attributes}\" instead of \"{attributes}\"");
            if (node.Inputs.Length != inputs.Length) throw Unlike($"{operation} of {node.Inputs.Length} inputs");
            for (int i = 0; i < inputs.Length; i++)
            {
                if (inputs[i] == null) Tensor(node, i);
                else if (inputs[i] != node.Inputs[i]) throw Unlike($"{operation} takes {node.Inputs[i]} instead of {inputs[i]}");
            }

            return node.Outputs.Length > 0 ? node.Outputs : throw Unlike($"{operation} without an output");
        }

        private OnnxTensor Tensor(OnnxNode node, int input) =>
            file.Constants.GetValueOrDefault(node.Inputs.ElementAtOrDefault(input) ?? "") ?? throw Unlike($"input {input} of {node.Operation} is no plain constant");

        /// <summary>Constant of the operation taken last.</summary>
        /// <param name="shape">None given: any.</param>
        private OnnxTensor Tensor(int input, params int[] shape)
        {
            OnnxTensor tensor = Tensor(file.Nodes[_next - 1], input);
            return shape.Length == 0 || tensor.Shape.SequenceEqual(shape) ? tensor : throw Unlike($"a constant of shape [{string.Join(", ", tensor.Shape)}] instead of [{string.Join(", ", shape)}]");
        }

        private float Scalar(int input) => Tensor(input).Floats is [float only] ? only : throw Unlike("a constant that is no number");

        private void Scalar(int input, float wanted)
        {
            if (Scalar(input) != wanted) throw Unlike($"{Scalar(input)} instead of {wanted}");
        }

        private void Longs(int input, params long[] wanted)
        {
            if (!Tensor(input).Longs.SequenceEqual(wanted)) throw Unlike($"[{string.Join(", ", Tensor(input).Longs)}] instead of [{string.Join(", ", wanted)}]");
        }

        private void Named(string output, string wanted)
        {
            if (output != wanted) throw Unlike($"{output} instead of {wanted}");
        }

        private FormatException Unlike(string what) => new($"operation {_next}: {what}");
    }

    /// <summary>The layers fit onto each other.</summary>
    private AutoencoderGraph Checked()
    {
        int hidden = Encoder.Hidden, latent = ToLatent.Outputs;
        bool fits = Lags > 0 && LastWindows > 0 && LastWindows <= Lags && hidden > 0 && Encoder.Inputs == Features + Types && ToLatent.Inputs == hidden && Decoder.Hidden == hidden && Decoder.Inputs == latent
            && ToFeatures.Inputs == hidden && Head1.Inputs == hidden + (Lags + 3) * Features + Types && Head2.Inputs == Head1.Outputs && Head2.Outputs == AnomalyKinds.Modelled
            && Whitening.Inputs == 2 * Features && Whitening.Outputs == Groups * 2 * Features && Caps.All(c => c > 0) && SquashFrom > 0;
        return fits ? this : throw new FormatException("layers that do not fit onto each other");
    }
}
