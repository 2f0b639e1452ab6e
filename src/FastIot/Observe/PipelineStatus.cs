using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using FastIot.Scoring;

namespace FastIot.Observe;

/// <summary>The state of the pipeline for scripts and for the live page, as JSON.</summary>
/// <param name="model">"name:version" of the model that scores what is new, or "none".</param>
/// <param name="latency">From a window's last event being due to its anomaly's acknowledgement; null where nobody measures it.</param>
public sealed class PipelineStatus(Func<PipelineStatistics> snapshot, Func<PipelineState> state, string version, Func<string> model, LatencyHistogram? latency = null)
{
    private readonly DateTimeOffset _started = DateTimeOffset.UtcNow;

    public PipelineState State => state();

    /// <returns>UTF-8.</returns>
    public byte[] Json()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            WriteFigures(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The members of /status, into an object that is open.</summary>
    public void WriteFigures(Utf8JsonWriter json)
    {
        PipelineStatistics statistics = snapshot();
        json.WriteString("state", PipelineStates.Name(State));
        json.WriteString("version", version);
        json.WriteString("model", model());
        json.WriteString("vectors", Simd.Name);
        json.WriteString("started", _started);
        json.WriteString("now", DateTimeOffset.UtcNow);
        foreach ((string name, long value) in Totals(statistics)) json.WriteNumber(name, value);
        WriteLatency(json);
        json.WriteStartObject("rejected_by_reason");
        for (int i = 1; i < Rejections.Count; i++)
        {
            if (statistics.RejectedFor((Rejection)i) is > 0 and long count) json.WriteNumber(Rejections.Name((Rejection)i), count);
        }

        json.WriteEndObject();
        json.WriteStartObject("anomalies_by_kind");
        for (int i = 0; i <= AnomalyKinds.Modelled; i++)
        {
            if (statistics.Workers.Sum(w => w.AnomaliesByKind[i]) is > 0 and long count) json.WriteNumber(AnomalyKinds.Name((AnomalyKind)i), count);
        }

        json.WriteEndObject();
        json.WriteStartArray("workers");
        foreach (WorkerStatistics worker in statistics.Workers) Write(json, worker);
        json.WriteEndArray();
        json.WriteStartArray("partitions");
        foreach (PartitionStatistics partition in statistics.Partitions.Where(p => p.Assigned).OrderBy(p => p.Partition)) Write(json, partition);
        json.WriteEndArray();
    }

    /// <summary>Null before the first anomaly.</summary>
    private void WriteLatency(Utf8JsonWriter json)
    {
        if (latency is not { Count: > 0 })
        {
            json.WriteNull("latency_ms");
            return;
        }

        json.WriteStartObject("latency_ms");
        json.WriteNumber("p50", Math.Round(latency.QuantileMs(.5), 1));
        json.WriteNumber("p95", Math.Round(latency.QuantileMs(.95), 1));
        json.WriteNumber("p99", Math.Round(latency.QuantileMs(.99), 1));
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, WorkerStatistics worker)
    {
        json.WriteStartObject();
        json.WriteNumber("polls", worker.Polls);
        json.WriteNumber("commits", worker.Commits);
        json.WriteNumber("close_seconds", Math.Round(worker.CloseTicks / (double)Stopwatch.Frequency, 3));
        json.WriteNumber("score_seconds", Math.Round(worker.ScoreTicks / (double)Stopwatch.Frequency, 3));
        json.WriteEndObject();
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
}
