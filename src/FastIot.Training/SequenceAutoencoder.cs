using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FastIot.Training;

/// <summary>How a <see cref="SequenceAutoencoder"/> is trained.</summary>
internal sealed record SequenceTraining
{
    public int Hidden { get; init; } = 32;

    public int Epochs { get; init; } = 8;

    public int Batch { get; init; } = 256;

    public double LearningRate { get; init; } = 3e-3;

    public int Seed { get; init; } = 1;
}

/// <summary>
/// The textbook LSTM autoencoder: encoder LSTM, its last state repeated, decoder LSTM, a linear layer back to the
/// inputs; trained on normal sequences by mean squared error, judged by it. What other people's benchmarks are run with.
/// </summary>
internal sealed class SequenceAutoencoder : nn.Module
{
    /// <summary>Standardised inputs are cut here: one wild value must not be all that is learnt.</summary>
    public const float MostInput = 20;

    private readonly int _lags;
    private readonly int _features;
    private readonly LSTM _encoder, _decoder;
    private readonly Linear _output;

    private SequenceAutoencoder(int lags, int features, int hidden) : base("sequence_autoencoder")
    {
        (_lags, _features) = (lags, features);
        _encoder = nn.LSTM(features, hidden, batchFirst: true);
        _decoder = nn.LSTM(hidden, hidden, batchFirst: true);
        _output = nn.Linear(hidden, features);
        RegisterComponents();
    }

    /// <param name="sequences">Each lags × features, oldest first; at least one.</param>
    public static SequenceAutoencoder Train(IReadOnlyList<float[]> sequences, int lags, int features, SequenceTraining options, Action<double>? progress = null)
    {
        manual_seed(options.Seed);
        var net = new SequenceAutoencoder(lags, features, options.Hidden);
        var random = new Random(options.Seed);
        int[] order = [.. Enumerable.Range(0, sequences.Count)];
        int steps = (order.Length + options.Batch - 1) / options.Batch, step = 0;
        using var optimizer = optim.Adam(net.parameters(), options.LearningRate);
        net.train();
        for (int epoch = 0; epoch < options.Epochs; epoch++)
        {
            random.Shuffle(order);
            for (int first = 0; first < order.Length; first += options.Batch, step++)
            {
                using DisposeScope scope = NewDisposeScope();
                // Down to a hundredth by a cosine: the last steps settle.
                double share = (double)step / (steps * options.Epochs);
                foreach (var group in optimizer.ParamGroups) group.LearningRate = options.LearningRate * (.01 + .99 * (1 + Math.Cos(Math.PI * share)) / 2);
                Tensor x = net.Input(sequences, order.AsSpan(first, Math.Min(options.Batch, order.Length - first)));
                Tensor loss = (net.Reconstruct(x) - x).square().mean();
                optimizer.zero_grad();
                loss.backward();
                optimizer.step();
            }

            progress?.Invoke((epoch + 1.0) / options.Epochs);
        }

        net.eval();
        return net;
    }

    /// <summary>Mean squared error of each sequence's reconstruction.</summary>
    public float[] Errors(IReadOnlyList<float[]> sequences)
    {
        const int chunk = 4096;
        float[] errors = new float[sequences.Count];
        using var _ = no_grad();
        for (int first = 0; first < errors.Length; first += chunk)
        {
            using DisposeScope scope = NewDisposeScope();
            int[] rows = [.. Enumerable.Range(first, Math.Min(chunk, errors.Length - first))];
            Tensor x = Input(sequences, rows);
            (Reconstruct(x) - x).square().mean([1, 2]).data<float>().ToArray().CopyTo(errors, first);
        }

        return errors;
    }

    /// <summary>The graph in ONNX: input features [N, lags, features], output reconstruction of the same shape.</summary>
    public byte[] ToOnnx()
    {
        var g = new OnnxGraph("fastiot_sequence_autoencoder");
        string x = g.Node("Max", [g.Node("Min", [g.Input("features", _lags, _features), g.Scalar(MostInput)]), g.Scalar(-MostInput)]);
        string last = Lstm(g, g.Node("Transpose", [x], ("perm", new long[] { 1, 0, 2 })), _encoder)[1];
        string decoded = g.Node("Squeeze", [Lstm(g, g.Node("Expand", [last, g.Constant(_lags, 1L, 1L)]), _decoder)[0], g.Constant(1L)]);
        string weight = g.Constant(Values(_output.weight!.t().contiguous()), (int)_output.weight!.shape[1], _features);
        string output = g.Node("Add", [g.Node("MatMul", [decoded, weight]), g.Constant(Values(_output.bias!), _features)]);
        g.Node("Transpose", [output], ["reconstruction"], ("perm", new long[] { 1, 0, 2 }));
        g.Output("reconstruction", _lags, _features);
        return g.ToArray();
    }

    private static string[] Lstm(OnnxGraph g, string input, LSTM lstm)
    {
        string Parameter(string name, params int[] shape) => g.Constant(OnnxExport.Gates(Values(lstm.named_parameters().First(p => p.name == name).parameter)), shape);
        float[] inputBias = OnnxExport.Gates(Values(lstm.named_parameters().First(p => p.name == "bias_ih_l0").parameter)), hiddenBias = OnnxExport.Gates(Values(lstm.named_parameters().First(p => p.name == "bias_hh_l0").parameter));
        int hidden = inputBias.Length / 4, inputs = (int)lstm.named_parameters().First(p => p.name == "weight_ih_l0").parameter.shape[1];
        return g.Node("LSTM", [input, Parameter("weight_ih_l0", 1, 4 * hidden, inputs), Parameter("weight_hh_l0", 1, 4 * hidden, hidden), g.Constant([.. inputBias, .. hiddenBias], 1, 8 * hidden)],
            [g.Next("all"), g.Next("last")], ("hidden_size", (long)hidden));
    }

    private static float[] Values(Tensor tensor) => tensor.detach().cpu().data<float>().ToArray();

    private Tensor Reconstruct(Tensor x)
    {
        (_, Tensor state, _) = _encoder.call(x);
        Tensor repeated = state.squeeze(0).unsqueeze(1).expand(-1, _lags, -1).contiguous();
        (Tensor decoded, _, _) = _decoder.call(repeated);
        return _output.call(decoded);
    }

    private Tensor Input(IReadOnlyList<float[]> sequences, ReadOnlySpan<int> rows)
    {
        float[] flat = new float[rows.Length * _lags * _features];
        for (int i = 0; i < rows.Length; i++)
        {
            for (int j = 0; j < _lags * _features; j++) flat[i * _lags * _features + j] = Math.Clamp(sequences[rows[i]][j], -MostInput, MostInput);
        }

        return tensor(flat, [rows.Length, _lags, _features]);
    }
}
