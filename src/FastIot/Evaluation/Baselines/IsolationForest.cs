namespace FastIot.Evaluation.Baselines;

/// <summary>
/// Isolation forest (Liu, Ting and Zhou 2008): random splits isolate what is rare in few steps. The score is 2^(−mean path length / c(n)), in
/// (0, 1), higher for outliers.
/// </summary>
public sealed class IsolationForest
{
    private readonly Node[][] _trees;
    private readonly double _normal;

    private IsolationForest(Node[][] trees, double normal) => (_trees, _normal) = (trees, normal);

    /// <param name="rows">[row][input]; mostly normal ones.</param>
    public static IsolationForest Train(float[][] rows, int seed, int trees = 100, int sample = 256)
    {
        var random = new Random(seed);
        int size = Math.Min(sample, rows.Length), depth = (int)Math.Ceiling(Math.Log2(Math.Max(2, size)));
        return new IsolationForest([.. Enumerable.Range(0, trees).Select(_ =>
        {
            int[] drawn = [.. Enumerable.Range(0, size).Select(_ => random.Next(rows.Length))];
            var nodes = new List<Node>();
            Grow(nodes, rows, drawn, depth, random);
            return nodes.ToArray();
        })], AveragePath(size));
    }

    public double Score(ReadOnlySpan<float> row)
    {
        double path = 0;
        foreach (Node[] tree in _trees)
        {
            int at = 0, steps = 0;
            for (; tree[at].Input >= 0; steps++) at = row[tree[at].Input] < tree[at].Threshold ? tree[at].Left : tree[at].Right;
            path += steps + tree[at].Rest;
        }

        return Math.Pow(2, -path / _trees.Length / _normal);
    }

    private static int Grow(List<Node> nodes, float[][] rows, int[] drawn, int depth, Random random)
    {
        int at = nodes.Count;
        nodes.Add(new Node(-1, 0, 0, 0, AveragePath(drawn.Length)));
        if (depth == 0 || drawn.Length < 2) return at;
        int inputs = rows[0].Length, first = random.Next(inputs);
        for (int i = 0; i < inputs; i++)
        {
            // An input on which all rows agree splits nothing: the next one.
            int input = (first + i) % inputs;
            float least = drawn.Min(r => rows[r][input]), most = drawn.Max(r => rows[r][input]);
            if (!(least < most)) continue;
            float threshold = Math.Max(float.BitIncrement(least), least + (float)(random.NextDouble() * (most - least)));
            int left = Grow(nodes, rows, [.. drawn.Where(r => rows[r][input] < threshold)], depth - 1, random);
            int right = Grow(nodes, rows, [.. drawn.Where(r => !(rows[r][input] < threshold))], depth - 1, random);
            nodes[at] = new Node(input, threshold, left, right, 0);
            break;
        }

        return at;
    }

    /// <summary>c(n): mean path of an unsuccessful search in a binary tree of n rows.</summary>
    private static double AveragePath(int n) => n < 2 ? 0 : n == 2 ? 1 : 2 * (Math.Log(n - 1) + 0.5772156649015329) - 2.0 * (n - 1) / n;

    private readonly record struct Node(int Input, float Threshold, int Left, int Right, double Rest);
}
