using FastIot.Scoring;
using FastIot.Simulation;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FastIot.Training;

/// <summary>
/// Trains an <see cref="Autoencoder"/>: first on windows drawn at random, then also with the normal ones it finds hardest. What a step does
/// is a function of the seed and its number, so that a run resumed from a checkpoint ends with the same weights.
/// </summary>
internal sealed class Trainer
{
    private const double KindWeight = 4;
    private const double LargestGradient = 1;

    /// <summary>One in so many normal windows is looked at when mining: neighbours overlap by five sixths and score much the same.</summary>
    private const int MinedStep = 2;

    private readonly Sequences _sequences;
    private readonly TrainerOptions _options;
    private readonly Autoencoder _net;
    private readonly Adam _adam;
    private readonly float[] _features;
    private readonly float[] _types;
    private readonly float[] _kinds;
    private readonly float[] _normal;
    private int[][] _hard = [];
    private int _round;
    private int _step;

    public Trainer(Sequences sequences, TrainerOptions options)
    {
        _sequences = sequences;
        _options = options;
        set_num_threads(1);
        random.manual_seed((long)options.Seed);
        _net = new Autoencoder(options.Hidden, options.HeadHidden, sequences.Lags);
        _adam = new Adam(_net.parameters());
        _features = new float[options.Batch * sequences.RowFloats];
        _types = new float[options.Batch * SensorTypes.Count];
        _kinds = new float[options.Batch * AnomalyKinds.Modelled];
        _normal = new float[options.Batch];
    }

    /// <summary>Called after each epoch: the share of all steps done, and the epoch's mean loss.</summary>
    public event Action<double, double>? Epoch;

    /// <summary>Share of all steps that are done.</summary>
    public double Done => (double)(StepsBefore(_round) + _step) / StepsBefore(_options.Rounds.Count);

    /// <returns>Null when it was cancelled: after the last <see cref="Epoch"/>, the state can be saved.</returns>
    public Autoencoder? Train(CancellationToken cancellation)
    {
        double loss = 0;
        _net.train();
        for (; _round < _options.Rounds.Count; _round++, _step = 0)
        {
            TrainingRound round = _options.Rounds[_round];
            int steps = round.Epochs * _options.StepsPerEpoch, before = StepsBefore(_round);
            if (_step == 0) _hard = Mine(round.HardShares);
            while (_step < steps)
            {
                if (cancellation.IsCancellationRequested) return null;
                loss += Step(round, before + _step, (double)_step / steps);
                if (++_step % _options.StepsPerEpoch != 0) continue;
                Epoch?.Invoke(Done, loss / _options.StepsPerEpoch);
                loss = 0;
            }
        }

        _net.eval();
        return _net;
    }

    private int StepsBefore(int round) => _options.Rounds.Take(round).Sum(r => r.Epochs) * _options.StepsPerEpoch;

    public void Save(BinaryWriter file)
    {
        file.Write(_round);
        file.Write(_step);
        file.Write(_hard.Length);
        foreach (int[] hard in _hard)
        {
            file.Write(hard.Length);
            foreach (int row in hard) file.Write(row);
        }

        _adam.Save(file);
    }

    public void Load(BinaryReader file)
    {
        _round = file.ReadInt32();
        _step = file.ReadInt32();
        _hard = new int[file.ReadInt32()][];
        for (int i = 0; i < _hard.Length; i++)
        {
            _hard[i] = new int[file.ReadInt32()];
            for (int k = 0; k < _hard[i].Length; k++) _hard[i][k] = file.ReadInt32();
        }

        _adam.Load(file);
    }

    private double Step(TrainingRound round, int number, double at)
    {
        using DisposeScope scope = NewDisposeScope();
        Draw(number);
        _adam.ZeroGradients();
        Tensor loss = Loss();
        loss.backward();
        nn.utils.clip_grad_norm_(_net.parameters(), LargestGradient);
        _adam.Step(Rate(round.LearningRate, at));
        return loss.ToDouble();
    }

    /// <summary>One cycle: up from a twenty-fifth over the first three tenths, down to nearly nothing, each along half a cosine (Smith and Topin, 2018).</summary>
    private static double Rate(double peak, double at)
    {
        const double rise = .3;
        double low = at < rise ? peak / 25 : peak / 250_000;
        double phase = at < rise ? 1 - at / rise : (at - rise) / (1 - rise);
        return low + (peak - low) * (1 + Math.Cos(Math.PI * phase)) / 2;
    }

    private Tensor Loss()
    {
        int n = _options.Batch;
        (Tensor x, Tensor reconstruction, _, Tensor logits) = _net.Forward(tensor(_features).view(n, _net.Lags, -1), tensor(_types).view(n, -1));
        Tensor normal = tensor(_normal);
        Tensor perRow = nn.functional.smooth_l1_loss(reconstruction, x, nn.Reduction.None).mean([1, 2]);
        Tensor reconstructionLoss = (perRow * normal).sum() / normal.sum();
        return reconstructionLoss + nn.functional.binary_cross_entropy_with_logits(logits, tensor(_kinds).view(n, -1)) * KindWeight;
    }

    /// <summary>Half normal windows (half of these hard ones), half anomalous, the kinds in equal shares.</summary>
    private void Draw(int number)
    {
        ulong random = RandomStream.Start(_options.Seed, number, 17);
        Array.Clear(_types);
        Array.Clear(_kinds);
        int[] kinds = [.. Enumerable.Range(0, AnomalyKinds.Modelled).Where(k => _sequences.OfKind[k].Length > 0)];
        for (int i = 0; i < _options.Batch; i++)
        {
            int kind = kinds[(i >> 1) % kinds.Length];
            bool isNormal = (i & 1) == 0;
            int[] pool = !isNormal ? _sequences.OfKind[kind] : (i & 2) == 0 || _hard.Length == 0 ? _sequences.Normal : _hard[(i >> 2) % _hard.Length];
            int row = pool[(int)(RandomStream.NextUnit(ref random) * pool.Length)];
            _sequences.Gather(row, _features.AsSpan(i * _sequences.RowFloats, _sequences.RowFloats));
            _normal[i] = isNormal ? 1 : 0;
            if (!isNormal) _kinds[i * AnomalyKinds.Modelled + kind] = 1;
            if (RandomStream.NextUnit(ref random) >= _options.TypeDropout) _types[i * SensorTypes.Count + _sequences.Type(row)] = 1;
        }
    }

    /// <summary>The share of normal windows that the network as it is scores highest, for each share.</summary>
    private int[][] Mine(double[] shares)
    {
        if (shares.Length == 0) return [];
        int[] rows = [.. _sequences.Normal.Where((_, i) => i % MinedStep == 0)];
        float[] scores = SequenceScores.Of(OnnxExport.Write(TorchWeights.Of(_net)), _sequences, rows, _options.Threads).Score;
        Array.Sort(scores, rows);
        // What stands out most in a history that nobody has labelled is more likely an anomaly than a hard negative.
        rows = rows[..(rows.Length - (int)(rows.Length * _options.Contamination))];
        return [.. shares.Select(share => rows[^Math.Clamp((int)(rows.Length * share), 1, rows.Length)..])];
    }
}
