using FastIot.Evaluation;
using FastIot.Scoring;

namespace FastIot.Tests.Evaluation;

public sealed class EventLabelsTests
{
    private const long S = 1_000_000;

    [Theory]
    [InlineData(AnomalyKind.Spike, 100, 101, 100, EventLabels.Normal)] // ends as the spike begins
    [InlineData(AnomalyKind.Spike, 100, 101, 110, 0)]
    [InlineData(AnomalyKind.Spike, 100, 101, 160, 0)] // begins with it
    [InlineData(AnomalyKind.Spike, 100, 101, 161, EventLabels.DoNotCare)] // begins as it ends
    [InlineData(AnomalyKind.Stuck, 100, 200, 120, EventLabels.DoNotCare)] // 20 s of it
    [InlineData(AnomalyKind.Stuck, 100, 200, 130, 0)]
    [InlineData(AnomalyKind.Stuck, 100, 200, 230, 0)]
    [InlineData(AnomalyKind.Stuck, 100, 200, 240, EventLabels.DoNotCare)]
    [InlineData(AnomalyKind.Stuck, 100, 200, 370, EventLabels.DoNotCare)] // begins 110 s behind it
    [InlineData(AnomalyKind.Stuck, 100, 200, 380, EventLabels.Normal)]
    [InlineData(AnomalyKind.Drift, 100, 500, 500, 0)]
    [InlineData(AnomalyKind.Drift, 100, 500, 510, EventLabels.DoNotCare)] // would show the jump back
    [InlineData(AnomalyKind.Unknown, 100, 110, 109, EventLabels.DoNotCare)] // shorter than 30 s: must be wholly within
    [InlineData(AnomalyKind.Unknown, 100, 110, 110, 0)]
    public void A_window_shows_an_event_by_its_kind_s_rule(AnomalyKind kind, long start, long end, long windowEnd, int expected) =>
        Assert.Equal(expected, EventLabels.Of([windowEnd * S], [new TruthEvent(kind, null, start * S, end * S)], 60 * S)[0]);

    [Fact]
    public void Labels_are_those_of_every_window_compared_with_every_event()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            TruthEvent[] events = [.. RandomSets.Events(random, 3000 * S).OrderBy(_ => random.Next())];
            long[] ends = [.. Enumerable.Range(1, 320).Where(_ => random.Next(10) > 0).Select(w => w * 10 * S)];
            int[] labels = EventLabels.Of(ends, events, 60 * S);
            for (int w = 0; w < ends.Length; w++) Assert.Equal(Plain(ends[w], events), labels[w]);
        }
    }

    private static int Plain(long end, TruthEvent[] events)
    {
        long start = end - 60 * S;
        bool near = false;
        for (int e = 0; e < events.Length; e++)
        {
            (long from, long to) = (events[e].StartUs, events[e].EndUs);
            long common = 0;
            for (long second = start; second < end; second += S / 2)
            {
                // Half seconds are too coarse for single readings: overlap is exact below.
                if (second >= from && second < to) common += S / 2;
            }

            long exact = Math.Max(0, Math.Min(end, to) - Math.Max(start, from));
            Assert.InRange(Math.Abs(common - exact), 0, S);
            bool shows = events[e].Kind switch
            {
                AnomalyKind.Spike => exact > 0,
                AnomalyKind.Drift => end <= to && exact >= Math.Min(30 * S, to - from),
                _ => exact >= Math.Min(30 * S, to - from),
            };
            if (shows) return e;
            near |= exact > 0 || start >= to && start < to + 120 * S;
        }

        return near ? EventLabels.DoNotCare : EventLabels.Normal;
    }
}
