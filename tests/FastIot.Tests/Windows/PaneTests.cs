using System.Runtime.CompilerServices;
using FastIot.Windows;

namespace FastIot.Tests.Windows;

public sealed unsafe class PaneTests
{
    [Fact]
    public void Pane_and_tail_are_one_cache_line_each()
    {
        Assert.Equal(64, Unsafe.SizeOf<Pane>());
        Assert.Equal(64, Unsafe.SizeOf<Tail>());
    }

    [Fact]
    public void Median_of_nine_is_the_fifth_of_the_sorted()
    {
        var random = new Random(TestSeed.Or(3));
        double* nine = stackalloc double[9];
        for (int trial = 0; trial < 100_000; trial++)
        {
            double[] values = [.. Enumerable.Range(0, 9).Select(_ => (double)random.Next(trial % 2 == 0 ? 4 : 1000))];
            for (int i = 0; i < 9; i++) nine[i] = values[i];
            Array.Sort(values);
            Assert.Equal(values[4], Tail.MedianOfNine(nine));
        }
    }

    [Fact]
    public void Features_between_readings_look_back_into_the_pane_before_and_no_further()
    {
        var random = new Random(TestSeed.Or(5));
        using var ring = new PaneRing(8, 1, betweenReadings: true);
        var byPane = new Dictionary<long, List<double>>();
        var expected = new Dictionary<long, (float SumSq, float MaxDiff, float Hampel, int Zeros)>();
        for (int i = 0; i < 400; i++)
        {
            // Mostly forwards; now and then a reading for an earlier pane that is still open. Pane 20 is silent.
            long pane = 10 + i / 25 - (random.Next(6) == 0 ? 1 : 0);
            if (pane is 9 or 20) continue;
            double value = random.Next(10);
            List<double> own = byPane.TryGetValue(pane, out List<double>? list) ? list : byPane[pane] = [];
            List<double> context = [.. byPane.GetValueOrDefault(pane - 1, []), .. own];
            (float sumSq, float maxDiff, float hampel, int zeros) = expected.GetValueOrDefault(pane);
            if (context.Count > 0)
            {
                float difference = (float)Math.Abs(value - context[^1]);
                sumSq += difference * difference;
                maxDiff = Math.Max(maxDiff, difference);
                zeros += difference == 0 ? 1 : 0;
            }

            if (context.Count >= 8)
            {
                double[] nine = [.. context[^8..], value];
                hampel = Math.Max(hampel, (float)Math.Abs(nine[4] - nine.Order().ElementAt(4)));
            }

            own.Add(value);
            expected[pane] = (sumSq, maxDiff, hampel, zeros);
            ring.Place(pane, 0, value, i);
            Pane* actual = ring.Panes(pane);
            Assert.Equal(expected[pane], (actual->SumSqDiff, actual->MaxDiff, actual->MaxHampel, actual->ZeroDiffs));
        }

        Assert.True(expected.Values.Max(e => e.Hampel) > 0);
    }

    [Fact]
    public void A_slab_taken_over_is_empty_and_offsets_are_those_of_the_last_reading()
    {
        using var ring = new PaneRing(8, 2, betweenReadings: true);
        Assert.True(ring.Place(3, 0, 1, 1000));
        Assert.False(ring.Place(3, 0, 2, 1005));
        Assert.Equal(1005, ring.LastOffset(0, 5, 0));
        Assert.Equal(-1, ring.LastOffset(0, 5, 1));
        Assert.True(ring.Place(11, 1, 7, 2000));
        Assert.False(ring.Has(3));
        Assert.Equal(0, ring.Panes(11)[0].Count);
        Assert.Equal(1, ring.Panes(11)[1].Count);
        Assert.Equal(0, ring.Panes(3)[0].Count);
    }

    [Fact]
    public void Growing_keeps_what_is_there()
    {
        using var ring = new PaneRing(8, 1, betweenReadings: true);
        ring.Place(1, 0, 42, 0);
        ring.Grow(100);
        ring.Place(1, 99, 43, 1);
        Assert.Equal(42, ring.Panes(1)[0].Min);
        Assert.Equal(43, ring.Panes(1)[99].Min);
    }
}
