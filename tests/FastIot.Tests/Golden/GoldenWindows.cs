namespace FastIot.Tests.Golden;

/// <summary>Compares what a replay stored with what Spark and exact arithmetic say.</summary>
internal static class GoldenWindows
{
    public static void Verify(string goldenCsv, string folder)
    {
        Dictionary<(string, string, long), FeatureRow> actual = [];
        foreach (FeatureRow row in FeatureTable.Read(folder))
            Assert.True(actual.TryAdd((row.Sensor, row.Metric, row.WindowEndUs), row), $"{row.Sensor} {row.Metric} {row.WindowEndUs} is there twice");

        int compared = 0;
        foreach (GoldenRow golden in GoldenFile.Read(goldenCsv))
        {
            Assert.True(actual.Remove((golden.Sensor, golden.Metric, golden.WindowEndUs), out FeatureRow? row), $"{golden} is missing");
            Compare(golden, row);
            compared++;
        }

        Assert.True(compared > 1000);
        Assert.True(actual.Count == 0, $"{actual.Count} windows nobody asked for, such as {actual.Values.FirstOrDefault()}");
    }

    private static void Compare(GoldenRow golden, FeatureRow row)
    {
        string what = $"{golden} against {row}";
        Assert.True(golden.WindowStartUs == row.WindowStartUs, what);
        Assert.True(golden.Count == row.Count, what);
        Assert.True(golden.Min == row.Min && golden.Max == row.Max && golden.Range == row.Range, what);
        double largest = Math.Max(Math.Abs(golden.Min), Math.Abs(golden.Max));
        Assert.True(Math.Abs(row.Mean - golden.MeanExact) <= 1e-12 * largest, what);
        Assert.True(Math.Abs(row.Mean - golden.Mean) <= 1e-7 * Math.Max(Math.Abs(golden.Mean), 1e-5 * largest), what);
        Assert.True(golden.StdDevExact.HasValue == row.StdDev.HasValue && golden.StdDev.HasValue == row.StdDev.HasValue, what);
        if (row.StdDev is not { } stddev) return;
        Assert.True(Math.Abs(stddev - golden.StdDevExact!.Value) <= 1e-12 * golden.StdDevExact.Value, what);
        Assert.True(Math.Abs(stddev - golden.StdDev!.Value) <= 1e-7 * golden.StdDevExact.Value, what);
    }
}
