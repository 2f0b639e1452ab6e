using FastIot.Windows;

namespace FastIot.Tests.Windows;

public sealed unsafe class WindowMergeTests
{
    private const int Panes = 6;

    public static TheoryData<string, double, double> Shapes => new()
    {
        { "ordinary", 20, 1 },
        { "fine", 1e3, 1e-2 },
        { "finest", 1e6, 1e-3 },
        { "huge", 1e15, 1e12 },
        { "tiny", 1e-12, 1e-14 },
        { "centred", 0, 1 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Mean_and_stddev_equal_exact_arithmetic(string shape, double mean, double sigma)
    {
        var random = new Random(TestSeed.Or(shape.Length));
        for (int trial = 0; trial < 50; trial++)
        {
            List<double>[] values = RandomWindow(random, () => mean + sigma * Gaussian(random));
            using WindowBatch batch = Merge(values, vectors: trial % 2 == 0);
            List<double> all = [.. values.SelectMany(v => v)];
            if (all.Count == 0) continue;
            (double exactMean, double exactStdDev) = ExactStatistics.Of(all);
            Assert.Equal(all.Count, batch.ReadingCount[0]);
            Assert.True(Math.Abs(batch.Mean[0] - exactMean) <= 1e-15 * all.Max(Math.Abs), $"mean {batch.Mean[0]:R} against {exactMean:R}");
            if (all.Count == 1) Assert.True(double.IsNaN(batch.StdDev[0]));
            else Assert.True(Math.Abs(batch.StdDev[0] - exactStdDev) <= 1e-12 * exactStdDev, $"stddev {batch.StdDev[0]:R} against {exactStdDev:R}");
            Assert.Equal(all.Min(), batch.Min[0]);
            Assert.Equal(all.Max(), batch.Max[0]);
            Assert.Equal(all.Max() - all.Min(), batch.Range[0]);
        }
    }

    [Fact]
    public void An_outlier_first_in_its_pane_costs_no_precision()
    {
        // The pane's shift is its first reading: the worst one can do to it.
        List<double>[] values = [.. Enumerable.Range(0, Panes).Select(p => new List<double>())];
        var random = new Random(TestSeed.Or(7));
        values[0].Add(1e9);
        for (int i = 0; i < 1200; i++) values[i % Panes].Add(20 + Gaussian(random));
        using WindowBatch batch = Merge(values, vectors: true);
        (_, double exact) = ExactStatistics.Of([.. values.SelectMany(v => v)]);
        Assert.True(Math.Abs(batch.StdDev[0] - exact) <= 1e-12 * exact, $"{batch.StdDev[0]:R} against {exact:R}");
    }

    [Fact]
    public void A_constant_series_has_exactly_no_spread()
    {
        List<double>[] values = [.. Enumerable.Range(0, Panes).Select(_ => Enumerable.Repeat(0.1, 10).ToList())];
        using WindowBatch batch = Merge(values, vectors: true);
        Assert.Equal(0, batch.StdDev[0]);
        Assert.Equal(0.1, batch.Mean[0]);
        Assert.Equal(0, batch.Range[0]);
    }

    [Fact]
    public void A_spread_beyond_a_double_is_not_a_number_and_nothing_else_breaks()
    {
        List<double>[] values = [[1e308, -1e308], [5], [], [], [], []];
        using WindowBatch batch = Merge(values, vectors: false);
        Assert.True(double.IsNaN(batch.StdDev[0]));
        Assert.Equal(-1e308, batch.Min[0]);
        Assert.Equal(1e308, batch.Max[0]);
    }

    [Fact]
    public void Vectors_give_the_bits_of_the_scalar_path_and_leave_out_silent_series()
    {
        var random = new Random(TestSeed.Or(11));
        for (int slots = 0; slots <= 67; slots++)
        {
            using var ring = new PaneRing(8, Math.Max(slots, 1), betweenReadings: true);
            for (int slot = 0; slot < slots; slot++)
            {
                if (random.Next(4) == 0) continue;
                for (int i = random.Next(1, 20); i > 0; i--) ring.Place(random.Next(Panes), slot, Nasty(random), i);
            }

            using WindowBatch scalar = Merge(ring, slots, vectors: false);
            using WindowBatch vector = Merge(ring, slots, vectors: true);
            Assert.Equal(scalar.Count, vector.Count);
            Assert.Equal(Bits(scalar.Mean, scalar.Count), Bits(vector.Mean, scalar.Count));
            Assert.Equal(Bits(scalar.StdDev, scalar.Count), Bits(vector.StdDev, scalar.Count));
            Assert.Equal(Bits(scalar.Min, scalar.Count), Bits(vector.Min, scalar.Count));
            Assert.Equal(Bits(scalar.Max, scalar.Count), Bits(vector.Max, scalar.Count));
            Assert.Equal(Bits(scalar.Range, scalar.Count), Bits(vector.Range, scalar.Count));
            Assert.Equal(scalar.Slot.Span[..scalar.Count].ToArray(), vector.Slot.Span[..scalar.Count].ToArray());
            Assert.Equal(scalar.ReadingCount.Span[..scalar.Count].ToArray(), vector.ReadingCount.Span[..scalar.Count].ToArray());
        }
    }

    private static double Nasty(Random random) => random.Next(8) switch
    {
        0 => 0,
        1 => -0.0,
        2 => double.Epsilon,
        3 => 1e6 + 1e-3 * random.NextDouble(),
        4 => -1e300 * random.NextDouble(),
        _ => random.NextDouble(),
    };

    private static double Gaussian(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static List<double>[] RandomWindow(Random random, Func<double> value) =>
        [.. Enumerable.Range(0, Panes).Select(_ => Enumerable.Range(0, random.Next(3) == 0 ? 0 : random.Next(1, 200)).Select(_ => value()).ToList())];

    private static WindowBatch Merge(List<double>[] values, bool vectors)
    {
        // Five series, so that the vector path takes four of them and the scalar path one: the same in each.
        using var ring = new PaneRing(8, 8, betweenReadings: false);
        for (int pane = 0; pane < Panes; pane++)
        {
            foreach (double value in values[pane])
            {
                for (int slot = 0; slot < 5; slot++) ring.Place(pane, slot, value, 0);
            }
        }

        WindowBatch batch = Merge(ring, 5, vectors);
        for (int row = 1; row < batch.Count; row++) Assert.Equal(BitConverter.DoubleToInt64Bits(batch.StdDev[0]), BitConverter.DoubleToInt64Bits(batch.StdDev[row]));
        return batch;
    }

    private static WindowBatch Merge(PaneRing ring, int slots, bool vectors)
    {
        var batch = new WindowBatch();
        batch.EnsureCapacity(Math.Max(slots, 1) + 8);
        Pane** slabs = stackalloc Pane*[Panes];
        for (int i = 0; i < Panes; i++) slabs[i] = ring.Panes(i);
        WindowMerge.Merge(slabs, Panes, slots, batch, ring.BetweenReadings, vectors);
        return batch;
    }

    private static long[] Bits(NativeArray<double> values, int count)
    {
        long[] bits = new long[count];
        for (int i = 0; i < count; i++) bits[i] = BitConverter.DoubleToInt64Bits(values[i]);
        return bits;
    }
}
