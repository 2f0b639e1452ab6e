using FastIot.Evaluation;
using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Tests.Evaluation;

/// <summary>Small labelled series with gaps, ties and events of every kind.</summary>
internal static class RandomSets
{
    public const long SlideUs = 10_000_000;
    public const long WindowUs = 60_000_000;

    public static EvaluationSet Draw(int seed, int series = 6, int windows = 400, params (string Name, bool IsModel)[] detectors)
    {
        var random = new Random(seed);
        EvaluatedSeries[] all = [.. Enumerable.Range(0, series).Select(i => Series(random, i, windows))];
        return new EvaluationSet(all, [.. detectors.Select(d => new DetectorScores(d.Name, d.IsModel ? DetectorRole.Model : DetectorRole.Baseline, [.. all.Select(s => Scores(random, s, d.IsModel ? 3 : 1))], new Dictionary<double, float> { [1] = 2f }))], WindowUs, SlideUs);
    }

    public static TruthEvent[] Events(Random random, long untilUs)
    {
        var events = new List<TruthEvent>();
        for (long start = random.Next(100) * 1_000_000L; start < untilUs; start += random.Next(10, 900) * 1_000_000L)
        {
            var kind = (AnomalyKind)random.Next(5);
            long length = kind == AnomalyKind.Spike ? random.Next(1, 4_000_000) : random.Next(1_000_000, 400_000_000);
            events.Add(new TruthEvent(kind, random.Next(4) == 0 ? null : (AnomalyTier)random.Next(3), start, start + length));
            start += length;
        }

        return [.. events];
    }

    private static EvaluatedSeries Series(Random random, int number, int windows)
    {
        var ends = new List<long>();
        for (int w = 1; w <= windows; w++)
        {
            if (random.Next(50) == 0) w += random.Next(12);
            ends.Add(w * SlideUs);
        }

        TruthEvent[] events = Events(random, windows * SlideUs);
        long[] rising = [.. ends];
        return new EvaluatedSeries($"s{number}", (SensorType)(number % 6 - 1), rising, EventLabels.Of(rising, events, WindowUs), events);
    }

    private static float[] Scores(Random random, EvaluatedSeries series, double strength) =>
    [
        .. series.EventOf.Select((label, w) => w < 20 ? float.NaN
            // Two digits, so that there are ties.
            : (float)Math.Round(-Math.Log(random.NextDouble()) + (label >= 0 ? random.NextDouble() * strength : 0), 2)),
    ];
}
