using FastIot.Features;
using FastIot.Scoring;
using FastIot.Scoring.Kernel;
using FastIot.Training;

namespace FastIot.Tests.Training;

/// <summary>What training does without torch: the exported graph against a plain computation, and the calibration.</summary>
public sealed class TrainingTests
{
    private const int Lags = 16;
    private const int Hidden = 7;
    private const int HeadHidden = 9;

    [Fact]
    public unsafe void The_graph_computes_what_a_plain_lstm_computes()
    {
        AutoencoderWeights weights = Weights(1);
        byte[] onnx = OnnxExport.Write(weights);
        Assert.Equal(onnx, OnnxExport.Write(Weights(1)));
        using ModelSession session = SequenceScores.Session(onnx, FeatureSpec.Default);
        var random = new Random(2);
        int floats = Lags * FeatureNames.Count;
        for (int i = 0; i < Limits.ScoringChunk * floats; i++) session.Features[i] = (float)((random.NextDouble() - .5) * Math.Pow(10, random.Next(-1, 3)));
        for (int i = 0; i < Limits.ScoringChunk; i++) if (i % 6 < 5) session.SensorType[i * SensorTypes.Count + i % 6] = 1;
        session.Run();
        for (int row = 0; row < Limits.ScoringChunk; row++)
        {
            (double score, double[] logits, double error) = PlainAutoencoder.Run(weights, new ReadOnlySpan<float>(session.Features + row * floats, floats), new ReadOnlySpan<float>(session.SensorType + row * SensorTypes.Count, SensorTypes.Count));
            Assert.Equal(score, session.Score[row], 1e-4);
            Assert.Equal(error, session.ReconstructionError[row], 1e-4 * Math.Max(1, error));
            for (int k = 0; k < AnomalyKinds.Modelled; k++) Assert.Equal(logits[k], session.KindLogits[row * AnomalyKinds.Modelled + k], 1e-4);
        }
    }

    [Theory]
    [InlineData(SimdTier.Vector128)]
    [InlineData(SimdTier.Vector256)]
    public void The_engines_own_kernel_knows_the_graph_whatever_its_sizes(SimdTier tier)
    {
        byte[] onnx = OnnxExport.Write(Weights(3));
        using ModelSession session = SequenceScores.Session(onnx, FeatureSpec.Default);
        Assert.True(AutoencoderGraph.TryRead(onnx, out AutoencoderGraph? graph, out string why), why);
        using var kernel = new AutoencoderKernel(graph);
        float apart = KernelCheck.Compare(kernel, tier, session);
        Assert.True(apart <= KernelCheck.Tolerance, $"{apart:g3} apart");
    }

    [Fact]
    public void Episodes_are_runs_with_gaps_up_to_a_window()
    {
        float[] series = new float[40];
        foreach (int w in new[] { 3, 4, 10, 17, 30 }) series[w] = 2;
        series[20] = float.NaN;
        // 3 and 4 and 10 (six windows on) are one; 17 (seven on) another; 30 a third.
        Assert.Equal(3, Calibrator.Episodes([series], 1));
        Assert.Equal(0, Calibrator.Episodes([series], 3));
        Assert.Equal(6, Calibrator.Episodes([series, series], 1));
    }

    [Fact]
    public void A_table_gives_back_the_rates_it_was_made_from()
    {
        var random = new Random(4);
        float[][] scores = [.. Enumerable.Range(0, 100).Select(_ => Enumerable.Range(0, 4000).Select(_ => (float)-Math.Log(random.NextDouble())).ToArray())];
        const double days = 40;
        CalibrationTable table = Calibrator.Table("*", scores, days);
        Assert.InRange(table.Scores.Count, 10, 48);
        foreach (float threshold in new[] { 5f, 7f, 9f })
            Assert.InRange(Math.Exp(table.LogRate(threshold)) / (Calibrator.Episodes(scores, threshold) / days), .9, 1.12);
    }

    [Fact]
    public void A_budget_holds_for_young_series_and_for_old_ones()
    {
        const int series = 300, windows = 3000, youngUntil = 540;
        var fleet = new FleetScores(series, windows) { SensorDays = series * windows / 8640.0 };
        var random = new Random(TestSeed.Or(5));
        for (int s = 0; s < series; s++)
        {
            (fleet.Score[s], fleet.Error[s], fleet.Seen[s], fleet.Label[s]) = (new float[windows], new float[windows], new int[windows], new sbyte[windows]);
            for (int w = 0; w < windows; w++)
            {
                int seen = fleet.Seen[s][w] = 181 + w;
                // Three times as many above any threshold while young; single windows, so that each is an episode.
                fleet.Score[s][w] = (float)(-Math.Log(random.NextDouble()) + (seen < youngUntil ? Math.Log(3) : 0));
                fleet.Label[s][w] = w % 8 == 0 ? WindowLabel.Normal : WindowLabel.DoNotCare;
            }
        }

        Calibration calibration = Calibration.Of(fleet, new GraphContract { Features = "features", Score = "score" }, 1);
        AlarmThresholds thresholds = calibration.Thresholds(2);
        (int Alarms, int Windows) young = (0, 0), old = (0, 0);
        for (int s = 0; s < series; s++)
        {
            for (int w = 0; w < windows; w += 8)
            {
                ref (int Alarms, int Windows) age = ref fleet.Seen[s][w] < youngUntil ? ref young : ref old;
                age.Windows++;
                if (thresholds.Judge(fleet.Score[s][w], float.NaN, SensorType.Other, fleet.Seen[s][w]).IsAnomaly) age.Alarms++;
            }
        }

        Assert.InRange((young.Alarms + old.Alarms) / fleet.SensorDays, 1.7, 2.3);
        Assert.InRange((double)young.Alarms / young.Windows / ((double)old.Alarms / old.Windows), .55, 1.5);
        Assert.InRange(calibration.Young.Factors.First(), 2, 4.2);
        Assert.Equal(1, calibration.Young.Factors.Last(), 1e-9);
    }

    [Fact]
    public void Beyond_a_table_the_slope_of_its_tail_goes_on_not_of_its_last_two_entries()
    {
        var table = new CalibrationTable("*", [0, 1, 2, 3, 3.5], [10, 1, .1, .01, .0099]);
        double slope = Math.Log(.0099 / .1) / 1.5;
        Assert.Equal(Math.Log(.0099) + slope, table.LogRate(4.5), 1e-9);
    }

    [Fact]
    public void The_shipped_model_finds_what_its_card_says_it_was_measured_to_find()
    {
        using Model model = ModelRepository.Load(Path.Combine(TestEnvironment.Root, "models"), "anomaly_detector", "latest", ExecutionProvider.Cpu, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var fleet = new FastIot.Simulation.FleetOptions { Sensors = 100, Seed = 777, AnomalyRate = .02 };
        AlarmThresholds thresholds = model.Thresholds(1);
        FleetScores scores = FleetScores.Of(fleet, 6, model.Manifest.Features, model.CreateSession, thresholds, 2, _ => { }, TestContext.Current.CancellationToken);
        OperatingPoint evaluation = Evaluator.At(1, scores, thresholds);
        // A hundred sensors for six hours: the figures have an error of a few points, the false alarms one of a third.
        Assert.True(evaluation.Events > 80, $"{evaluation.Events} events");
        Assert.True(evaluation.Share > .75, $"{evaluation.Share:P0} found");
        Assert.True(evaluation.FalseAlarmsPerDay < 2, $"{evaluation.FalseAlarmsPerDay:0.0} false alarms a day");
    }

    [Fact]
    public void Whitening_makes_errors_uncorrelated()
    {
        var random = new Random(6);
        const int n = 5;
        double[,] mix = new double[n, n];
        for (int r = 0; r < n; r++) for (int c = 0; c < n; c++) mix[r, c] = random.NextDouble() - .5;
        double[,] covariance = new double[n, n];
        for (int r = 0; r < n; r++) for (int c = 0; c < n; c++) for (int k = 0; k < n; k++) covariance[r, c] += mix[r, k] * mix[c, k];
        double[,] whiten = Whitening.InverseCholesky(covariance);
        for (int r = 0; r < n; r++)
        {
            for (int c = 0; c < n; c++)
            {
                double sum = 0;
                for (int i = 0; i < n; i++) for (int k = 0; k < n; k++) sum += whiten[r, i] * covariance[i, k] * whiten[c, k];
                Assert.Equal(r == c ? 1 : 0, sum, 1e-9);
            }
        }
    }

    [Fact]
    public void Sequences_are_what_the_engine_gathers()
    {
        WindowLog log = SimulatedWindows.Simulate(new FastIot.Simulation.FleetOptions { Sensors = 5, Seed = 3, AnomalyRate = .06 }, 2, 0);
        FeatureSpec spec = FeatureSpec.Default;
        using Sequences sequences = Sequences.Of([log], spec, _ => false, 1);
        Assert.NotEmpty(sequences.Normal);
        var wanted = new List<float[]>[5];
        for (int s = 0; s < 5; s++) wanted[s] = [];
        log.Play(spec, (w, batch, features) =>
        {
            for (int i = 0; i < batch.Count; i++)
            {
                float[] input = new float[spec.Lags.Length * FeatureNames.Count];
                unsafe
                {
                    fixed (float* p = input) features.Gather(batch.Slot[i], p);
                }

                wanted[batch.Slot[i]].Add(input);
            }
        });
        int row = 0;
        float[] gathered = new float[sequences.RowFloats];
        foreach (List<float[]> series in wanted)
        {
            foreach (float[] input in series)
            {
                sequences.Gather(row++, gathered);
                Assert.Equal(input, gathered);
            }
        }
    }

    private static AutoencoderWeights Weights(int seed)
    {
        var random = new Random(seed);
        float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - .5))];
        LstmWeights Lstm(int inputs) => new(inputs, Hidden, Draw(4 * Hidden * inputs), Draw(4 * Hidden * Hidden), Draw(4 * Hidden), Draw(4 * Hidden));
        LinearWeights Linear(int inputs, int outputs) => new(inputs, outputs, Draw(inputs * outputs), Draw(outputs));
        return new AutoencoderWeights(Lags, Lstm(Autoencoder.Inputs), Linear(Hidden, Autoencoder.Latent), Lstm(Autoencoder.Latent), Linear(Hidden, FeatureNames.Count),
            Linear(Autoencoder.HeadInputs(Hidden, Lags), HeadHidden), Linear(HeadHidden, AnomalyKinds.Modelled), Linear(Autoencoder.JudgedErrors, Whitening.Groups * Autoencoder.JudgedErrors));
    }
}

/// <summary>The network once more, step by step, in double precision and torch's order of gates.</summary>
internal static class PlainAutoencoder
{
    private const int F = FeatureNames.Count;

    public static (double Score, double[] Logits, double Error) Run(AutoencoderWeights w, ReadOnlySpan<float> z, ReadOnlySpan<float> type)
    {
        double[] types = [.. type.ToArray().Select(t => (double)t)];
        double[][] x = [.. z.ToArray().Chunk(F).Select(row => row.Select(Squash).ToArray())];
        double[] h = Lstm(w.Encoder, [.. x.Select(row => (double[])[.. row, .. types])])[^1];
        double[] latent = Linear(w.ToLatent, h);
        double[][] reconstruction = [.. Lstm(w.Decoder, [.. Enumerable.Repeat(latent, w.Lags)]).Select(s => Linear(w.ToFeatures, s))];
        double[][] e = [.. x.Zip(reconstruction, (a, b) => a.Zip(b, (p, q) => p - q).ToArray())];
        double[] meanSquare = [.. Enumerable.Range(0, F).Select(f => e.Average(row => row[f] * row[f]))];
        double[] recent = [.. Enumerable.Range(0, F).Select(f => e[^6..].Average(row => row[f]))];
        double[] judged = [.. e[^1], .. recent];
        double[] head = [.. h, .. x.SelectMany(row => row), .. judged, .. meanSquare.Select(m => Math.Log(m + 1e-3)), .. types];
        double[] logits = Linear(w.Head2, [.. Linear(w.Head1, head).Select(v => Math.Max(v, 0))]);
        int group = Array.IndexOf(types, 1) is >= 0 and var known ? known : types.Length;
        double distance = Linear(w.Whitening, judged).Skip(group * judged.Length).Take(judged.Length).Average(v => v * v);
        return (Math.Log(logits.Sum(Math.Exp)), logits, distance);
    }

    private static double Squash(float z, int feature)
    {
        double size = Math.Abs(z), squashed = size <= 3 ? size : 3 + 2 * Math.Log(1 + (size - 3) / 2);
        return Math.Sign(z) * Math.Min(squashed, feature == 4 ? 3 : 9);
    }

    private static double[] Linear(LinearWeights w, double[] x) =>
        [.. Enumerable.Range(0, w.Outputs).Select(o => w.Bias[o] + Enumerable.Range(0, w.Inputs).Sum(i => w.Weight[o * w.Inputs + i] * x[i]))];

    private static double[][] Lstm(LstmWeights w, double[][] inputs)
    {
        double[] h = new double[w.Hidden], c = new double[w.Hidden];
        var states = new List<double[]>();
        foreach (double[] x in inputs)
        {
            double Gate(int gate, int unit)
            {
                int row = gate * w.Hidden + unit;
                double sum = w.InputBias[row] + w.HiddenBias[row];
                for (int i = 0; i < w.Inputs; i++) sum += w.InputHidden[row * w.Inputs + i] * x[i];
                for (int i = 0; i < w.Hidden; i++) sum += w.HiddenHidden[row * w.Hidden + i] * h[i];
                return sum;
            }

            double[] next = new double[w.Hidden];
            for (int u = 0; u < w.Hidden; u++)
            {
                c[u] = Sigmoid(Gate(1, u)) * c[u] + Sigmoid(Gate(0, u)) * Math.Tanh(Gate(2, u));
                next[u] = Sigmoid(Gate(3, u)) * Math.Tanh(c[u]);
            }

            states.Add(h = next);
        }

        return [.. states];
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
