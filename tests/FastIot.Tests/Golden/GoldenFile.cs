using System.Globalization;
using System.IO.Compression;

namespace FastIot.Tests.Golden;

/// <summary>A golden row: Spark's own columns, and the exact ones rounded once.</summary>
internal sealed record GoldenRow(
    string Sensor, string Metric, long WindowStartUs, long WindowEndUs, double Mean, double? StdDev, double Min, double Max, double Range, long Count,
    double MeanExact, double? StdDevExact);

internal static class GoldenFile
{
    public static IEnumerable<GoldenRow> Read(string path)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        Assert.Equal("sensor_id,metric,window_start,window_end,mean,stddev,min,max,range,count,mean_exact,stddev_exact", reader.ReadLine());
        while (reader.ReadLine() is { } line)
        {
            List<string> f = Fields(line);
            yield return new GoldenRow(f[0], f[1], long.Parse(f[2]) * 1000, long.Parse(f[3]) * 1000, Number(f[4])!.Value, Number(f[5]),
                Number(f[6])!.Value, Number(f[7])!.Value, Number(f[8])!.Value, long.Parse(f[9]), Number(f[10])!.Value, Number(f[11]));
        }
    }

    private static double? Number(string text) => text.Length == 0 ? null : double.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>Sensor ids of the hard set have quotes and commas: RFC 4180.</summary>
    private static List<string> Fields(string line)
    {
        var fields = new List<string>();
        var field = new System.Text.StringBuilder();
        bool quoted = false;
        for (int i = 0; i < line.Length; i++)
        {
            char c = line[i];
            if (quoted && c == '"' && i + 1 < line.Length && line[i + 1] == '"') { field.Append('"'); i++; }
            else if (c == '"') quoted = !quoted;
            else if (c == ',' && !quoted) { fields.Add(field.ToString()); field.Clear(); }
            else field.Append(c);
        }

        fields.Add(field.ToString());
        return fields;
    }
}
