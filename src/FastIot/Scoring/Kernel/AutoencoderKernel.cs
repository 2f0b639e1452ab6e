namespace FastIot.Scoring.Kernel;

/// <summary>A linear layer in the order in which <see cref="Layers{V, L}"/> uses it; outputs come in whole blocks of four.</summary>
internal readonly unsafe struct PackedDense(int inputs, int outputs, float* weights, float* bias)
{
    public int Inputs { get; } = inputs;

    public int Outputs { get; } = outputs;

    public float* Weights { get; } = weights;

    public float* Bias { get; } = bias;
}

/// <summary>
/// The weights of an <see cref="AutoencoderGraph"/> in the order in which <see cref="Layers{V, L}"/> uses them. Shared by all threads; never
/// changed.
/// </summary>
/// <remarks>
/// Two parts of the graph are the same at every step and are computed once a window: what the sensor's type adds to the encoder's gates, and
/// what the latent adds to the decoder's. That leaves 0.58 of 0.66 million multiply-adds for 64 units and 16 lags.
/// </remarks>
internal sealed unsafe class AutoencoderKernel : IDisposable
{
    private readonly List<NativeArray<float>> _arrays = [];

    public AutoencoderKernel(AutoencoderGraph graph)
    {
        Graph = graph;
        const int features = AutoencoderGraph.Features;
        RecurrentWeights encoder = graph.Encoder, decoder = graph.Decoder;
        EncoderSteps = Pack(4 * Hidden, features + Hidden, (o, i) => i < features ? Gate(encoder.Input, encoder.Inputs, o, i) : Gate(encoder.State, Hidden, o, i - features));
        EncoderTypes = Pack(4 * Hidden, AutoencoderGraph.Types, (o, i) => Gate(encoder.Input, encoder.Inputs, o, features + i), o => Gate(encoder.Bias, 1, o, 0));
        DecoderSteps = Pack(4 * Hidden, Hidden, (o, i) => Gate(decoder.State, Hidden, o, i));
        DecoderLatent = Pack(4 * Hidden, decoder.Inputs, (o, i) => Gate(decoder.Input, decoder.Inputs, o, i), o => Gate(decoder.Bias, 1, o, 0));
        ToLatent = Pack(graph.ToLatent);
        ToFeatures = Pack(graph.ToFeatures);
        Head1 = Pack(graph.Head1);
        Head2 = Pack(graph.Head2);
        Whitening = Pack(graph.Whitening);
    }

    public AutoencoderGraph Graph { get; }

    public int Hidden => Graph.Encoder.Hidden;

    public float* EncoderSteps { get; }

    public PackedDense EncoderTypes { get; }

    public float* DecoderSteps { get; }

    public PackedDense DecoderLatent { get; }

    public PackedDense ToLatent { get; }

    public PackedDense ToFeatures { get; }

    public PackedDense Head1 { get; }

    public PackedDense Head2 { get; }

    public PackedDense Whitening { get; }

    public void Dispose()
    {
        foreach (NativeArray<float> array in _arrays) array.Dispose();
    }

    /// <summary>Whole blocks of four: outputs are padded with units of weight zero.</summary>
    private static int Padded(int outputs) => (outputs + 3) & ~3;

    /// <summary>
    /// Row 4 · unit + gate (i, f, c, o) of a matrix whose rows ONNX has in blocks i, o, f, c; what it gives is an exponent of two, see
    /// <see cref="Layers{V, L}.Step"/>.
    /// </summary>
    private float Gate(float[] matrix, int columns, int row, int column)
    {
        ReadOnlySpan<int> blocks = [0, 2, 3, 1];
        double factor = row % 4 == 2 ? -2 : -1;
        return (float)(matrix[(blocks[row % 4] * Hidden + row / 4) * columns + column] * factor / Math.Log(2));
    }

    private PackedDense Pack(DenseWeights dense) => Pack(dense.Outputs, dense.Inputs, (o, i) => dense.Weight[o * dense.Inputs + i], o => dense.Bias[o]);

    private PackedDense Pack(int outputs, int inputs, Func<int, int, float> weight, Func<int, float> bias) =>
        new(inputs, Padded(outputs), Pack(outputs, inputs, weight), Pack(outputs, 1, (o, _) => bias(o)));

    private float* Pack(int outputs, int inputs, Func<int, int, float> weight)
    {
        var packed = new NativeArray<float>(Padded(outputs) * inputs);
        _arrays.Add(packed);
        for (int o = 0; o < outputs; o++)
        {
            for (int i = 0; i < inputs; i++) packed[(o / 4 * inputs + i) * 4 + o % 4] = weight(o, i);
        }

        return packed.Pointer;
    }
}
