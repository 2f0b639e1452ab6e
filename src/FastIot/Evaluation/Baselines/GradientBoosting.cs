namespace FastIot.Evaluation.Baselines;

/// <summary>How <see cref="GradientBoosting"/> is trained.</summary>
public sealed record BoostingOptions
{
    public int Trees { get; init; } = 200;

    /// <summary>Leaves of a tree at most; it grows where the loss falls most.</summary>
    public int Leaves { get; init; } = 31;

    public double LearningRate { get; init; } = .1;

    public int LeastRowsPerLeaf { get; init; } = 20;

    public double L2 { get; init; } = 1;
}

/// <summary>
/// Gradient-boosted trees for two classes: log loss, second-order gains, splits between at most 64 quantile bins per input (Friedman 2001,
/// with the histograms of LightGBM). Nothing is drawn at random: the same rows give the same trees.
/// </summary>
public sealed class GradientBoosting
{
    private readonly Node[][] _trees;
    private readonly double _base;

    private GradientBoosting(double start, Node[][] trees) => (_base, _trees) = (start, trees);

    /// <param name="rows">[row][input], all finite.</param>
    /// <param name="isAnomaly">At least one of each.</param>
    public static GradientBoosting Train(float[][] rows, bool[] isAnomaly, BoostingOptions options, Action<double>? progress = null)
    {
        int positives = isAnomaly.Count(x => x);
        if (positives == 0 || positives == rows.Length) throw new ArgumentException($"{positives} of {rows.Length} rows are anomalies: there must be some of each");
        double start = Math.Log((double)positives / (rows.Length - positives));
        var bins = new InputBins(rows);
        double[] logit = new double[rows.Length];
        Array.Fill(logit, start);
        var trees = new Node[options.Trees][];
        var grower = new TreeGrower(bins, options);
        float[] gradient = new float[rows.Length], hessian = new float[rows.Length];
        for (int t = 0; t < trees.Length; t++)
        {
            for (int i = 0; i < rows.Length; i++)
            {
                double p = 1 / (1 + Math.Exp(-logit[i]));
                gradient[i] = (float)(p - (isAnomaly[i] ? 1 : 0));
                hessian[i] = (float)(p * (1 - p));
            }

            trees[t] = grower.Grow(gradient, hessian, logit);
            progress?.Invoke((t + 1.0) / trees.Length);
        }

        return new GradientBoosting(start, trees);
    }

    /// <summary>Log odds of an anomaly.</summary>
    public double Score(ReadOnlySpan<float> row)
    {
        double sum = _base;
        foreach (Node[] tree in _trees)
        {
            int at = 0;
            while (tree[at].Input >= 0) at = row[tree[at].Input] <= tree[at].Threshold ? tree[at].Left : tree[at].Right;
            sum += tree[at].Value;
        }

        return sum;
    }

    /// <param name="Input">−1 for a leaf.</param>
    internal readonly record struct Node(int Input, float Threshold, int Left, int Right, double Value);
}

/// <summary>Training inputs as bins, column by column.</summary>
internal sealed class InputBins
{
    public const int Most = 64;

    private const int EdgeSample = 20_000;

    public InputBins(float[][] rows)
    {
        Rows = rows.Length;
        int inputs = rows[0].Length;
        Column = new byte[inputs][];
        Edges = new float[inputs][];
        int step = Math.Max(1, rows.Length / EdgeSample);
        for (int f = 0; f < inputs; f++)
        {
            int input = f;
            float[] sample = [.. rows.Where((_, i) => i % step == 0).Select(r => r[input]).Order()];
            Edges[f] = [.. Enumerable.Range(1, Most - 1).Select(b => sample[(int)((long)b * sample.Length / Most)]).Distinct()];
            byte[] column = Column[f] = new byte[rows.Length];
            for (int i = 0; i < rows.Length; i++)
            {
                int place = Array.BinarySearch(Edges[f], rows[i][f]);
                column[i] = (byte)(place >= 0 ? place : ~place);
            }
        }
    }

    public int Rows { get; }

    public int Inputs => Column.Length;

    /// <summary>[input][row]; bin b holds values up to edge b.</summary>
    public byte[][] Column { get; }

    public float[][] Edges { get; }
}
