using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Evaluation;

/// <summary>A true anomaly of one series: a reading is part of it if and only if its event time is in [start, end).</summary>
/// <param name="Kind"><see cref="AnomalyKind.Unknown"/> where nobody says.</param>
/// <param name="Tier">Null where nobody says.</param>
public sealed record TruthEvent(AnomalyKind Kind, AnomalyTier? Tier, long StartUs, long EndUs);

/// <summary>What each window of a series shows of its events.</summary>
public static class EventLabels
{
    /// <summary>Touches no event, and begins no sooner than two minutes behind one.</summary>
    public const int Normal = -1;

    /// <summary>Touches an event without showing it, or lies within two minutes behind one: an alarm is neither right nor wrong.</summary>
    public const int DoNotCare = -2;

    private const long AfterEventUs = 120_000_000;

    /// <summary>
    /// For each window the index of the event it shows, or one of the constants above. A spike is shown by every window that touches it, any
    /// other event by windows that overlap it for half their length (30 s of 60), or wholly hold it; a drift's must also end within its
    /// ramp: the jump back at its end is no drift.
    /// </summary>
    /// <param name="endsUs">Window ends, rising.</param>
    /// <param name="events">In any order.</param>
    public static int[] Of(ReadOnlySpan<long> endsUs, IReadOnlyList<TruthEvent> events, long windowUs)
    {
        int[] labels = new int[endsUs.Length];
        Array.Fill(labels, Normal);
        for (int e = 0; e < events.Count; e++)
        {
            TruthEvent truth = events[e];
            int first = LowerBound(endsUs, truth.StartUs + 1);
            for (int w = first; w < endsUs.Length; w++)
            {
                long end = endsUs[w], start = end - windowUs;
                if (start >= truth.EndUs + AfterEventUs) break;
                if (labels[w] >= 0) continue;
                labels[w] = Shows(truth, start, end) ? e : DoNotCare;
            }
        }

        return labels;
    }

    private static bool Shows(TruthEvent truth, long start, long end)
    {
        long overlap = Math.Min(end, truth.EndUs) - Math.Max(start, truth.StartUs);
        if (truth.Kind == AnomalyKind.Spike) return overlap > 0;
        if (truth.Kind == AnomalyKind.Drift && end > truth.EndUs) return false;
        return overlap >= Math.Min((end - start) / 2, Math.Max(1, truth.EndUs - truth.StartUs));
    }

    /// <summary>Index of the first value that is not below <paramref name="value"/>.</summary>
    internal static int LowerBound(ReadOnlySpan<long> sorted, long value)
    {
        int low = 0, high = sorted.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (sorted[middle] < value) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
