using FastIot.Features;
using FastIot.Scoring;

namespace FastIot.Training;

/// <summary>The graph of an <see cref="Autoencoder"/> in ONNX: inputs features [N, T, 12] and sensor_type [N, 5], outputs as DESIGN section 5 has them.</summary>
internal static class OnnxExport
{
    private const int F = FeatureNames.Count;

    public static byte[] Write(AutoencoderWeights weights)
    {
        int lags = weights.Lags;
        var g = new OnnxGraph("fastiot_autoencoder");
        string z = g.Input("features", lags, F), type = g.Input("sensor_type", SensorTypes.Count);
        string x = Squash(g, z);

        // Encoder: [N, T, 17] → time first → last state [N, H].
        string types = g.Node("Expand", [g.Node("Unsqueeze", [type, g.Constant(1L)]), g.Constant(1L, lags, 1L)]);
        string input = g.Node("Transpose", [g.Node("Concat", [x, types], ("axis", 2L))], ("perm", new long[] { 1, 0, 2 }));
        string h = g.Node("Squeeze", [Lstm(g, input, weights.Encoder).Last, g.Constant(0L)]);

        // Decoder: the latent at every step → [N, T, 12].
        string latent = g.Node("Unsqueeze", [Linear(g, h, weights.ToLatent), g.Constant(0L)]);
        string steps = g.Node("Expand", [latent, g.Constant(lags, 1L, 1L)]);
        string decoded = g.Node("Squeeze", [Lstm(g, steps, weights.Decoder).All, g.Constant(1L)]);
        string features = g.Node("Add", [g.Node("MatMul", [decoded, Transposed(g, weights.ToFeatures)]), g.Constant(weights.ToFeatures.Bias, F)]);
        string reconstruction = g.Node("Transpose", [features], ("perm", new long[] { 1, 0, 2 }));

        string e = g.Node("Sub", [x, reconstruction]);
        string meanSquare = g.Node("ReduceMean", [g.Node("Mul", [e, e])], ("axes", new long[] { 1 }), ("keepdims", 0L));
        string recent = g.Node("Slice", [e, g.Constant(lags - Autoencoder.LastWindows), g.Constant(lags), g.Constant(1L)]);
        string judged = g.Node("Concat",
            [
                g.Node("Gather", [e, g.ScalarIndex(lags - 1)], ("axis", 1L)),
                g.Node("ReduceMean", [recent], ("axes", new long[] { 1 }), ("keepdims", 0L)),
            ], ("axis", 1L));
        string head = g.Node("Concat",
            [
                h, g.Node("Reshape", [x, g.Constant(-1L, lags * F)]), judged,
                g.Node("Log", [g.Node("Add", [meanSquare, g.Scalar(Autoencoder.ErrorFloor)])]), type,
            ], ("axis", 1L));
        string hiddenHead = g.Node("Relu", [Linear(g, head, weights.Head1)]);
        g.Node("Gemm", [hiddenHead, g.Constant(weights.Head2.Weight, AnomalyKinds.Modelled, weights.Head2.Inputs), g.Constant(weights.Head2.Bias, AnomalyKinds.Modelled)], ["kind_logits"], ("transB", 1L));
        g.Node("ReduceLogSumExp", ["kind_logits"], ["score"], ("axes", new long[] { 1 }), ("keepdims", 0L));
        Distance(g, judged, type, weights.Whitening);
        g.Output("score");
        g.Output("kind_logits", AnomalyKinds.Modelled);
        g.Output("reconstruction_error");
        return g.ToArray();
    }

    /// <summary>Mean square of the whitened errors, by the whitening of the sensor's type.</summary>
    private static void Distance(OnnxGraph g, string judged, string type, LinearWeights whitening)
    {
        string whitened = g.Node("Reshape", [Linear(g, judged, whitening), g.Constant(-1L, Whitening.Groups, Autoencoder.JudgedErrors)]);
        string distances = g.Node("ReduceMean", [g.Node("Mul", [whitened, whitened])], ("axes", new long[] { 2 }), ("keepdims", 0L));
        string known = g.Node("ReduceSum", [type, g.Constant(1L)], ("keepdims", 1L));
        string chosen = g.Node("Concat", [type, g.Node("Sub", [g.Scalar(1), known])], ("axis", 1L));
        g.Node("ReduceSum", [g.Node("Mul", [distances, chosen]), g.Constant(1L)], ["reconstruction_error"], ("keepdims", 0L));
    }

    private static string Squash(OnnxGraph g, string z)
    {
        string size = g.Node("Abs", [z]), from = g.Scalar(Autoencoder.SquashFrom), one = g.Scalar(1), two = g.Scalar(2);
        string beyond = g.Node("Max", [g.Node("Sub", [size, from]), g.Scalar(0)]);
        string log = g.Node("Log", [g.Node("Add", [g.Node("Div", [beyond, two]), one])]);
        string squashed = g.Node("Add", [g.Node("Min", [size, from]), g.Node("Mul", [log, two])]);
        string signed = g.Node("Mul", [g.Node("Sign", [z]), squashed]);
        float[] caps = Autoencoder.Caps();
        return g.Node("Max", [g.Node("Min", [signed, g.Constant(caps, F)]), g.Constant([.. caps.Select(c => -c)], F)]);
    }

    private static string Linear(OnnxGraph g, string input, LinearWeights weights) =>
        g.Node("Gemm", [input, g.Constant(weights.Weight, weights.Outputs, weights.Inputs), g.Constant(weights.Bias, weights.Outputs)], ("transB", 1L));

    private static string Transposed(OnnxGraph g, LinearWeights weights)
    {
        float[] transposed = new float[weights.Weight.Length];
        for (int o = 0; o < weights.Outputs; o++)
        {
            for (int i = 0; i < weights.Inputs; i++) transposed[i * weights.Outputs + o] = weights.Weight[o * weights.Inputs + i];
        }

        return g.Constant(transposed, weights.Inputs, weights.Outputs);
    }

    /// <summary>Outputs of all steps [T, 1, N, H] and of the last one [1, N, H].</summary>
    private static (string All, string Last) Lstm(OnnxGraph g, string input, LstmWeights w)
    {
        string[] outputs = [g.Next("lstm"), g.Next("lstm")];
        g.Node("LSTM",
            [
                input, g.Constant(Gates(w.InputHidden), 1, 4 * w.Hidden, w.Inputs), g.Constant(Gates(w.HiddenHidden), 1, 4 * w.Hidden, w.Hidden),
                g.Constant([.. Gates(w.InputBias), .. Gates(w.HiddenBias)], 1, 8 * w.Hidden),
            ], outputs, ("hidden_size", (long)w.Hidden));
        return (outputs[0], outputs[1]);
    }

    /// <summary>Blocks i, f, g, o as torch has them to i, o, f, c as ONNX does.</summary>
    internal static float[] Gates(float[] torch)
    {
        int block = torch.Length / 4;
        return [.. torch.AsSpan(0, block), .. torch.AsSpan(3 * block, block), .. torch.AsSpan(block, block), .. torch.AsSpan(2 * block, block)];
    }
}
