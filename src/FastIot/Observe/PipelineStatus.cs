using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FastIot.Observe;

/// <summary>The state of the pipeline for people and scripts: /status as JSON, / as a page of it.</summary>
public sealed class PipelineStatus(Func<PipelineStatistics> snapshot, Func<PipelineState> state, string version, string model)
{
    private readonly DateTimeOffset _started = DateTimeOffset.UtcNow;

    public PipelineState State => state();

    /// <returns>UTF-8.</returns>
    public byte[] Json()
    {
        PipelineStatistics statistics = snapshot();
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("state", PipelineStates.Name(State));
            json.WriteString("version", version);
            json.WriteString("model", model);
            json.WriteString("vectors", Simd.Name);
            json.WriteString("started", _started);
            foreach ((string name, long value) in Totals(statistics)) json.WriteNumber(name, value);
            json.WriteStartObject("rejected_by_reason");
            for (int i = 1; i < Rejections.Count; i++)
            {
                if (statistics.RejectedFor((Rejection)i) is > 0 and long count) json.WriteNumber(Rejections.Name((Rejection)i), count);
            }

            json.WriteEndObject();
            json.WriteStartArray("partitions");
            foreach (PartitionStatistics partition in statistics.Partitions.Where(p => p.Assigned).OrderBy(p => p.Partition)) Write(json, partition);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>A page that shows the totals, renews itself, and names the other addresses.</summary>
    public string Html()
    {
        var html = new StringBuilder("""
            <!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>FastIot</title>
            <style>body{font:15px system-ui,sans-serif;margin:2rem}td{padding:.1rem 1rem .1rem 0}td+td{text-align:right;font-variant-numeric:tabular-nums}</style>
            </head><body><h1>FastIot</h1>

            """);
        html.Append($"<p>{PipelineStates.Name(State)}, version {Encode(version)}, model {Encode(model)}, vectors {Simd.Name}</p><table>");
        foreach ((string name, long value) in Totals(snapshot())) html.Append(CultureInfo.InvariantCulture, $"<tr><td>{name.Replace('_', ' ')}</td><td>{value:N0}</td></tr>");
        html.Append("</table><p><a href=\"/metrics\">/metrics</a> · <a href=\"/status\">/status</a> · <a href=\"/healthz\">/healthz</a> · <a href=\"/readyz\">/readyz</a></p></body></html>");
        return html.ToString();
    }

    private static IEnumerable<(string Name, long Value)> Totals(PipelineStatistics statistics)
    {
        var process = ProcessFigures.Now();
        return
        [
            ("records", statistics.Records), ("readings", statistics.Readings), ("late", statistics.Late), ("rejected", statistics.Rejected),
            ("replayed", statistics.Replayed), ("windows", statistics.Windows), ("scored", statistics.Scored), ("anomalies", statistics.Anomalies),
            ("series", statistics.Series), ("lag", statistics.Lag), ("memory_bytes", process.ResidentBytes), ("peak_memory_bytes", process.PeakBytes),
        ];
    }

    private static void Write(Utf8JsonWriter json, PartitionStatistics partition)
    {
        json.WriteStartObject();
        json.WriteNumber("partition", partition.Partition);
        json.WriteNumber("position", partition.Position);
        json.WriteNumber("lag", partition.Lag);
        json.WriteNumber("series", partition.Series);
        json.WriteNumber("readings", partition.Readings);
        json.WriteNumber("windows", partition.Windows);
        json.WriteNumber("state_bytes", partition.StateBytes);
        json.WriteBoolean("paused", partition.Paused);
        WriteTime(json, "watermark", partition.WatermarkUs);
        WriteTime(json, "emitted_up_to", partition.EmittedUpToUs);
        WriteTime(json, "stored_up_to", partition.StoredUpToUs);
        json.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter json, string name, long us)
    {
        if (us == long.MinValue) json.WriteNull(name);
        else json.WriteString(name, DateTime.UnixEpoch.AddMicroseconds(us));
    }

    private static string Encode(string text) => System.Net.WebUtility.HtmlEncode(text);
}
