using System.Globalization;
using System.Text;
using FastIot.Emit;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>A row of a feature file, all of it.</summary>
internal readonly record struct SimRow(long WindowEndUs, string Sensor, string Metric, long Count, double Min, double Max, double Mean, double StdDev, float Score, float Error, byte IsAnomaly, string Model);

/// <summary>Files of the simulation: the rows as they are, by window end and series, without Parquet around them.</summary>
internal sealed class SimRows : IFeatureFileEncoder
{
    public ReadOnlyMemory<byte> Encode(FeatureRows rows)
    {
        var lines = new List<SimRow>(rows.Count);
        for (int i = 0; i < rows.Count; i++)
        {
            int slot = rows.Slot[i];
            lines.Add(new SimRow(rows.WindowEndUs[i], Encoding.UTF8.GetString(rows.Names!.SensorId(slot)), Encoding.UTF8.GetString(rows.Names.Metric(slot)),
                rows.ReadingCount[i], rows.Min[i], rows.Max[i], rows.Mean[i], rows.StdDev[i], rows.AnomalyScore[i], rows.ReconstructionError[i], rows.IsAnomaly[i], rows.Models[rows.Model[i]]));
        }

        lines.Sort((a, b) => (a.WindowEndUs, a.Sensor).CompareTo((b.WindowEndUs, b.Sensor)));
        return Encoding.UTF8.GetBytes(string.Join('\n', lines.Select(Line)));
    }

    public static IEnumerable<SimRow> Decode(byte[] content) => Encoding.UTF8.GetString(content).Split('\n').Select(line =>
    {
        string[] f = line.Split('|');
        return new SimRow(Long(f[0]), f[1], f[2], Long(f[3]), Double(f[4]), Double(f[5]), Double(f[6]), Double(f[7]), (float)Double(f[8]), (float)Double(f[9]), (byte)Long(f[10]), f[11]);
    });

    public string? Difference(ReadOnlyMemory<byte> stored, ReadOnlyMemory<byte> written) => stored.Span.SequenceEqual(written.Span) ? null : "not the same";

    public void Dispose()
    {
    }

    private static string Line(SimRow r) => string.Create(CultureInfo.InvariantCulture,
        $"{r.WindowEndUs}|{r.Sensor}|{r.Metric}|{r.Count}|{r.Min:R}|{r.Max:R}|{r.Mean:R}|{r.StdDev:R}|{r.Score:R}|{r.Error:R}|{r.IsAnomaly}|{r.Model}");

    private static long Long(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static double Double(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
