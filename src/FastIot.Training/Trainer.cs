using System.Diagnostics;
using FastIot.Scoring;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FastIot.Training;

/// <summary>How long and how fast the network learns.</summary>
internal sealed record TrainerOptions
{
    public int Hidden { get; init; } = 32;

    public int Batch { get; init; } = 512;

    public int SequencesPerEpoch { get; init; } = 120_000;

    public int Epochs { get; init; } = 8;

    /// <summary>Epochs of the second round, half of whose normal windows are hard ones.</summary>
    public int HardEpochs { get; init; } = 6;

    public double LearningRate { get; init; } = 4e-3;

    /// <summary>Share of sequences whose sensor type is hidden, so that unknown types are served too.</summary>
    public double TypeDropout { get; init; } = .2;

    /// <summary>Share of normal windows that count as hard: those scored highest.</summary>
    public double HardShare { get; init; } = .03;

    public int Seed { get; init; } = 1;
}

/// <summary>Trains an <see cref="Autoencoder"/> on samples: first on windows drawn at random, then with the normal ones it finds hardest.</summary>
internal sealed class Trainer(Samples samples, TrainerOptions options, int lags, TextWriter log)
{
    private const double KindWeight = 4;

    private readonly Random _random = new(options.Seed);
    private readonly Autoencoder _net = Seeded(options, lags);
    private readonly float[] _features = new float[options.Batch * samples.RowFloats];
    private readonly float[] _types = new float[options.Batch * SensorTypes.Count];
    private readonly float[] _kinds = new float[options.Batch * AnomalyKinds.Modelled];
    private readonly float[] _normal = new float[options.Batch];

    public Autoencoder Train()
    {
        Round("round 1", options.Epochs, options.LearningRate, samples.Normal, samples.Normal);
        if (options.HardEpochs > 0) Round("round 2", options.HardEpochs, options.LearningRate / 2, samples.Normal, HardestNormal());
        _net.eval();
        return _net;
    }

    /// <summary>Raw outputs for these samples, as torch computes them.</summary>
    public static (float[] Score, float[] Error) Outputs(Autoencoder net, Samples samples, IReadOnlyList<int> rows, int batch = 512)
    {
        float[] scores = new float[rows.Count], errors = new float[rows.Count];
        float[] features = new float[batch * samples.RowFloats], types = new float[batch * SensorTypes.Count];
        using (no_grad())
        {
            for (int first = 0; first < rows.Count; first += batch)
            {
                using DisposeScope scope = NewDisposeScope();
                int count = Math.Min(batch, rows.Count - first);
                Array.Clear(types);
                for (int i = 0; i < count; i++)
                {
                    samples.Features(rows[first + i]).CopyTo(features.AsSpan(i * samples.RowFloats));
                    types[i * SensorTypes.Count + samples.Type(rows[first + i])] = 1;
                }

                (Tensor x, Tensor reconstruction, Tensor logits) = net.Forward(tensor(features).view(batch, net.Lags, -1), tensor(types).view(batch, -1));
                logits.logsumexp(1).data<float>().ToArray().AsSpan(0, count).CopyTo(scores.AsSpan(first));
                (x - reconstruction).square().mean([1, 2]).data<float>().ToArray().AsSpan(0, count).CopyTo(errors.AsSpan(first));
            }
        }

        return (scores, errors);
    }

    private static Autoencoder Seeded(TrainerOptions options, int lags)
    {
        random.manual_seed(options.Seed);
        return new Autoencoder(options.Hidden, lags);
    }

    private void Round(string name, int epochs, double rate, IReadOnlyList<int> normal, IReadOnlyList<int> hard)
    {
        int steps = options.SequencesPerEpoch / options.Batch;
        using optim.Optimizer adam = optim.Adam(_net.parameters(), rate);
        optim.lr_scheduler.LRScheduler schedule = optim.lr_scheduler.OneCycleLR(adam, rate, total_steps: epochs * steps + 1);
        _net.train();
        var clock = Stopwatch.StartNew();
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            double loss = 0;
            for (int step = 0; step < steps; step++)
            {
                using DisposeScope scope = NewDisposeScope();
                Draw(normal, hard);
                adam.zero_grad();
                Tensor value = Loss();
                value.backward();
                nn.utils.clip_grad_norm_(_net.parameters(), 1.0);
                adam.step();
                schedule.step();
                loss += value.ToDouble();
            }

            TimeSpan left = clock.Elapsed / (epoch + 1) * (epochs - epoch - 1);
            log.WriteLine($"{name}: epoch {epoch + 1} of {epochs}, loss {loss / steps:0.0000}, {left:mm\\:ss} left in this round");
        }
    }

    private Tensor Loss()
    {
        int n = options.Batch;
        (Tensor x, Tensor reconstruction, Tensor logits) = _net.Forward(tensor(_features).view(n, _net.Lags, -1), tensor(_types).view(n, -1));
        Tensor normal = tensor(_normal);
        Tensor perRow = nn.functional.smooth_l1_loss(reconstruction, x, nn.Reduction.None).mean([1, 2]);
        Tensor reconstructionLoss = (perRow * normal).sum() / normal.sum();
        return reconstructionLoss + nn.functional.binary_cross_entropy_with_logits(logits, tensor(_kinds).view(n, -1)) * KindWeight;
    }

    /// <summary>Half normal windows (half of these hard ones), half anomalous, the kinds in equal shares.</summary>
    private void Draw(IReadOnlyList<int> normal, IReadOnlyList<int> hard)
    {
        Array.Clear(_types);
        Array.Clear(_kinds);
        for (int i = 0; i < options.Batch; i++)
        {
            int kind = (i >> 1) % AnomalyKinds.Modelled;
            bool isNormal = (i & 1) == 0;
            IReadOnlyList<int> pool = !isNormal ? samples.OfKind[kind] : (i & 2) == 0 ? normal : hard;
            int row = pool[_random.Next(pool.Count)];
            samples.Features(row).CopyTo(_features.AsSpan(i * samples.RowFloats));
            _normal[i] = isNormal ? 1 : 0;
            if (!isNormal) _kinds[i * AnomalyKinds.Modelled + kind] = 1;
            if (_random.NextDouble() >= options.TypeDropout) _types[i * SensorTypes.Count + samples.Type(row)] = 1;
        }
    }

    private int[] HardestNormal()
    {
        _net.eval();
        (float[] scores, _) = Outputs(_net, samples, samples.Normal);
        int[] order = [.. samples.Normal];
        Array.Sort(scores, order);
        int count = Math.Max(options.Batch, (int)(order.Length * options.HardShare));
        return order[Math.Max(0, order.Length - count)..];
    }
}
