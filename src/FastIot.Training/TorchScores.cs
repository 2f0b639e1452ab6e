using FastIot.Scoring;
using TorchSharp;
using static TorchSharp.torch;

namespace FastIot.Training;

/// <summary>A network's outputs as torch computes them.</summary>
internal static class TorchScores
{
    private const int Batch = 512;

    /// <summary>Judged errors [row][24].</summary>
    public static float[] Judged(Autoencoder net, Sequences sequences, int[] rows, bool hideType)
    {
        float[] judged = new float[rows.Length * Autoencoder.JudgedErrors];
        ForBatches(net, sequences, rows, hideType, (first, count, output, _) =>
            output.Judged.data<float>().ToArray().AsSpan(0, count * Autoencoder.JudgedErrors).CopyTo(judged.AsSpan(first * Autoencoder.JudgedErrors)));
        return judged;
    }

    /// <summary>What the exported graph's score and reconstruction_error must be.</summary>
    public static SequenceScores Of(Autoencoder net, LinearWeights whitening, Sequences sequences, int[] rows)
    {
        float[] scores = new float[rows.Length], errors = new float[rows.Length];
        Tensor weight = tensor(whitening.Weight).view(whitening.Outputs, whitening.Inputs), bias = tensor(whitening.Bias);
        ForBatches(net, sequences, rows, false, (first, count, output, types) =>
        {
            output.Logits.logsumexp(1).data<float>().ToArray().AsSpan(0, count).CopyTo(scores.AsSpan(first));
            Tensor distances = (output.Judged.matmul(weight.t()) + bias).square().view(Batch, Whitening.Groups, -1).mean([2]);
            Tensor chosen = cat([types, 1 - types.sum(1, keepdim: true)], 1);
            (distances * chosen).sum(1).data<float>().ToArray().AsSpan(0, count).CopyTo(errors.AsSpan(first));
        });
        return new SequenceScores(scores, errors);
    }

    private static void ForBatches(Autoencoder net, Sequences sequences, int[] rows, bool hideType, Action<int, int, (Tensor X, Tensor Reconstruction, Tensor Judged, Tensor Logits), Tensor> use)
    {
        float[] features = new float[Batch * sequences.RowFloats], types = new float[Batch * SensorTypes.Count];
        using var noGradient = no_grad();
        for (int first = 0; first < rows.Length; first += Batch)
        {
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(Batch, rows.Length - first);
            Array.Clear(types);
            for (int i = 0; i < count; i++)
            {
                sequences.Gather(rows[first + i], features.AsSpan(i * sequences.RowFloats, sequences.RowFloats));
                if (!hideType) types[i * SensorTypes.Count + sequences.Type(rows[first + i])] = 1;
            }

            Tensor type = tensor(types).view(Batch, -1);
            use(first, count, net.Forward(tensor(features).view(Batch, net.Lags, -1), type), type);
        }
    }
}
