using System.Text;
using FastIot.Series;

namespace FastIot.Tests.Series;

public sealed unsafe class SeriesTableTests
{
    [Fact]
    public void Slots_are_numbered_by_first_appearance_and_found_again()
    {
        var random = new Random(TestSeed.Or(17));
        using var table = new SeriesTable(100_000);
        var expected = new Dictionary<(string, string), int>();
        for (int i = 0; i < 60_000; i++)
        {
            // Lengths around the 16 bytes that lie in the entry, and names that share their first 16.
            string sensor = (random.Next(3) == 0 ? "a-common-prefix-of-many-sensors-" : "s") + new string('x', random.Next(20)) + random.Next(2000);
            string metric = random.Next(5) switch { 0 => "", 1 => "temperature", 2 => "a-metric-with-a-long-name", _ => "m" + random.Next(3) };
            int slot = Find(table, sensor, metric);
            if (!expected.TryGetValue((sensor, metric), out int known)) expected.Add((sensor, metric), known = expected.Count);
            Assert.Equal(known, slot);
            Assert.Equal(sensor, Encoding.UTF8.GetString(table.SensorId(slot)));
            Assert.Equal(metric, Encoding.UTF8.GetString(table.Metric(slot)));
        }

        Assert.Equal(expected.Count, table.Count);
    }

    [Fact]
    public void A_full_table_refuses_new_series_and_keeps_the_old()
    {
        using var table = new SeriesTable(3);
        Assert.Equal(0, Find(table, "a", "m"));
        Assert.Equal(1, Find(table, "a", "n"));
        Assert.Equal(2, Find(table, "b", "m"));
        Assert.Equal(-1, Find(table, "c", "m"));
        Assert.Equal(-1, Find(table, "b", "n"));
        Assert.Equal(1, Find(table, "a", "n"));
        Assert.Equal(3, table.Count);
    }

    [Fact]
    public void Names_are_sorted_by_sensor_then_metric_in_bytes_and_reused_while_nothing_is_added()
    {
        using var table = new SeriesTable(10);
        foreach ((string sensor, string metric) in new[] { ("b", "z"), ("ä", ""), ("a", "q"), ("b", "a") }) Find(table, sensor, metric);
        SeriesNames names = table.Names();
        Assert.Equal([2, 3, 0, 1], names.Rank.ToArray());
        Assert.Equal(3, names.SensorCount);
        Assert.Equal("ä", Encoding.UTF8.GetString(names.SensorId(1)));
        Assert.Equal("a", Encoding.UTF8.GetString(names.Metric(3)));
        Assert.Same(names, table.Names());
        Find(table, "c", "");
        Assert.NotSame(names, table.Names());
        Assert.Equal(4, names.SlotCount);
    }

    [Fact]
    public void Finding_allocates_nothing()
    {
        using var table = new SeriesTable(1000);
        byte[] id = "sensor_000042"u8.ToArray(), longId = Encoding.UTF8.GetBytes(new string('y', 40)), metric = "pressure"u8.ToArray();
        fixed (byte* p = id, q = longId, m = metric)
        {
            var reading = new Reading { SensorId = p, SensorIdLength = id.Length, Metric = m, MetricLength = metric.Length };
            var other = new Reading { SensorId = q, SensorIdLength = longId.Length };
            for (int i = 0; i < 100; i++) _ = table.FindOrAdd(in reading) + table.FindOrAdd(in other);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100_000; i++) _ = table.FindOrAdd(in reading) + table.FindOrAdd(in other);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    private static int Find(SeriesTable table, string sensor, string metric)
    {
        byte[] s = Encoding.UTF8.GetBytes(sensor), m = Encoding.UTF8.GetBytes(metric);
        fixed (byte* p = s, q = m)
        {
            var reading = new Reading { SensorId = p, SensorIdLength = s.Length, Metric = q, MetricLength = m.Length };
            return table.FindOrAdd(in reading);
        }
    }
}
