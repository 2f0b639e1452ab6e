using System.Numerics;

namespace FastIot.Evaluation;

/// <summary>
/// A detector's windows counted by series and by bins of their rank, so that a resample's ranking figures cost one pass over the bins
/// instead of a sort. Bins are finer the higher the score, where precision is decided.
/// </summary>
internal sealed class RankBins
{
    private const int Bins = 1024;

    private readonly int[][] _positives;
    private readonly int[][] _negatives;

    public RankBins(EvaluationSet set, DetectorScores detector, float[] sortedScores)
    {
        float[] edges = Edges(sortedScores);
        _positives = [.. set.Series.Select(_ => new int[Bins])];
        _negatives = [.. set.Series.Select(_ => new int[Bins])];
        for (int s = 0; s < set.Series.Count; s++)
        {
            float[] scores = detector.Scores[s];
            for (int w = 0; w < scores.Length; w++)
            {
                int label = set.Series[s].EventOf[w];
                if (label == EventLabels.DoNotCare || !set.IsScored(s, w)) continue;
                int place = Array.BinarySearch(edges, scores[w]);
                // Bin 0 holds the highest scores.
                int bin = Bins - 1 - Math.Min(place >= 0 ? place : ~place, Bins - 1);
                (label >= 0 ? _positives : _negatives)[s][bin]++;
            }
        }
    }

    public RankMetrics Of(ReadOnlySpan<int> weights)
    {
        long[] positives = new long[Bins], negatives = new long[Bins];
        Span<int> sums = new int[2 * Bins];
        for (int s = 0; s < weights.Length; s++)
        {
            if (weights[s] == 0) continue;
            Add(_positives[s], weights[s], sums[..Bins]);
            Add(_negatives[s], weights[s], sums[Bins..]);
        }

        for (int b = 0; b < Bins; b++) (positives[b], negatives[b]) = (sums[b], sums[Bins + b]);
        return RankMetrics.OfCounts(positives, negatives);
    }

    private static void Add(int[] counts, int weight, Span<int> sums)
    {
        for (int b = 0; b < Bins; b += Vector<int>.Count)
            (new Vector<int>(sums[b..]) + new Vector<int>(counts, b) * weight).CopyTo(sums[b..]);
    }

    /// <summary>Upper edges of all bins but the last one, rising: ranks from the top in steps that grow by the same factor.</summary>
    private static float[] Edges(float[] sorted)
    {
        float[] edges = new float[Bins - 1];
        double n = Math.Max(1, sorted.Length), factor = Math.Pow(n, 1.0 / Bins), rank = 1;
        for (int i = 0; i < edges.Length; i++)
        {
            edges[edges.Length - 1 - i] = sorted.Length == 0 ? 0 : float.BitDecrement(sorted[Math.Max(0, sorted.Length - (int)rank)]);
            rank = Math.Max(rank + 1, rank * factor);
        }

        return edges;
    }
}
