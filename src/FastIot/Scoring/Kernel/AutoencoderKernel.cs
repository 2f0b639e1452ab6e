namespace FastIot.Scoring.Kernel;

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
        EncoderTypes = Pack(4 * Hidden, AutoencoderGraph.Types, (o, i) => Gate(encoder.Input, encoder.Inputs, o, features + i));
        EncoderBias = Pack(4 * Hidden, 1, (o, _) => Gate(encoder.Bias, 1, o, 0));
        DecoderSteps = Pack(4 * Hidden, Hidden, (o, i) => Gate(decoder.State, Hidden, o, i));
        DecoderLatent = Pack(4 * Hidden, decoder.Inputs, (o, i) => Gate(decoder.Input, decoder.Inputs, o, i));
        DecoderBias = Pack(4 * Hidden, 1, (o, _) => Gate(decoder.Bias, 1, o, 0));
        ToLatent = Pack(graph.ToLatent, out float* toLatentBias);
        ToLatentBias = toLatentBias;
        ToFeatures = Pack(graph.ToFeatures, out float* toFeaturesBias);
        ToFeaturesBias = toFeaturesBias;
        Head1 = Pack(graph.Head1, out float* head1Bias);
        Head1Bias = head1Bias;
        Head2 = Pack(graph.Head2, out float* head2Bias);
        Head2Bias = head2Bias;
        Whitening = Pack(graph.Whitening, out float* whiteningBias);
        WhiteningBias = whiteningBias;
    }

    public AutoencoderGraph Graph { get; }

    public int Hidden => Graph.Encoder.Hidden;

    public float* EncoderSteps { get; }

    public float* EncoderTypes { get; }

    public float* EncoderBias { get; }

    public float* DecoderSteps { get; }

    public float* DecoderLatent { get; }

    public float* DecoderBias { get; }

    public float* ToLatent { get; }

    public float* ToLatentBias { get; }

    public float* ToFeatures { get; }

    public float* ToFeaturesBias { get; }

    public float* Head1 { get; }

    public float* Head1Bias { get; }

    public float* Head2 { get; }

    public float* Head2Bias { get; }

    public float* Whitening { get; }

    public float* WhiteningBias { get; }

    /// <summary>Whole blocks of four: outputs are padded with units of weight zero.</summary>
    public static int Padded(int outputs) => (outputs + 3) & ~3;

    public void Dispose()
    {
        foreach (NativeArray<float> array in _arrays) array.Dispose();
    }

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

    private float* Pack(DenseWeights dense, out float* bias)
    {
        bias = Pack(dense.Outputs, 1, (o, _) => dense.Bias[o]);
        return Pack(dense.Outputs, dense.Inputs, (o, i) => dense.Weight[o * dense.Inputs + i]);
    }

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
