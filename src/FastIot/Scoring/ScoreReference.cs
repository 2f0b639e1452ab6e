namespace FastIot.Scoring;

/// <summary>
/// How a channel's raw scores are distributed on the healthy sensors of the calibration, by sensor type: the edges between ten equally
/// frequent bins. What a model in service is compared with.
/// </summary>
public sealed class ScoreReference
{
    public const int Bins = 10;

    private readonly float[] _edges;

    /// <param name="type">Name of a sensor type, or "*" for all others.</param>
    /// <param name="edges">The nine deciles, not falling.</param>
    /// <exception cref="ModelException">Not nine, not finite, or falling.</exception>
    public ScoreReference(string type, IReadOnlyList<double> edges)
    {
        Type = type;
        if (edges.Count != Bins - 1) throw new ModelException($"reference of \"{type}\": {edges.Count} edges; there must be {Bins - 1}");
        for (int i = 0; i < edges.Count; i++)
        {
            if (!double.IsFinite(edges[i]) || i > 0 && edges[i] < edges[i - 1]) throw new ModelException($"reference of \"{type}\": edges must be finite and must not fall; edge {i} does");
        }

        _edges = [.. edges.Select(e => (float)e)];
    }

    public string Type { get; }

    public IReadOnlyList<float> Edges => _edges;

    /// <summary>The deciles of healthy scores; NaN ones are left out.</summary>
    public static ScoreReference Of(string type, IEnumerable<float> healthy)
    {
        float[] sorted = [.. healthy.Where(float.IsFinite)];
        if (sorted.Length < Bins) throw new ModelException($"reference of \"{type}\": {sorted.Length} scores are too few");
        Array.Sort(sorted);
        return new ScoreReference(type, [.. Enumerable.Range(1, Bins - 1).Select(b => (double)sorted[(int)((long)b * sorted.Length / Bins)])]);
    }

    public int Bin(float score)
    {
        int bin = 0;
        foreach (float edge in _edges)
        {
            if (score < edge) break;
            bin++;
        }

        return bin;
    }

    /// <summary>
    /// Population stability index Σ (p − q) ln(p / q) of the counted shares against a tenth each, with half a count added to every bin.
    /// By convention below 0.1 is no change, above 0.25 a strong one. NaN for fewer than <paramref name="least"/> scores.
    /// </summary>
    public static double Psi(ReadOnlySpan<long> counts, long least = 1000)
    {
        long sum = 0;
        foreach (long count in counts) sum += count;
        if (sum < least) return double.NaN;
        double psi = 0, q = 1.0 / counts.Length;
        foreach (long count in counts)
        {
            double p = (count + .5) / (sum + .5 * counts.Length);
            psi += (p - q) * Math.Log(p / q);
        }

        return psi;
    }
}
