using System.Text.Json;
using FastIot.Decode;
using FastIot.Ingest;
using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Evaluation;

/// <summary>Reads the events that <c>simulate --truth</c> writes, or anybody else: one JSON object a line.</summary>
internal static class TruthReader
{
    /// <exception cref="IngestException">The file cannot be read, or a line is no event; the message says which and why.</exception>
    public static unsafe EventLog Read(string path)
    {
        var events = new EventLog();
        using var reader = new LineReader(path);
        bool more;
        do
        {
            more = reader.Fill();
            while (reader.TryTake(out byte* line, out int length))
            {
                if (length == 0) continue;
                try
                {
                    using JsonDocument document = JsonDocument.Parse(new ReadOnlySpan<byte>(line, length).ToArray());
                    Add(events, document.RootElement);
                }
                catch (Exception e) when (e is JsonException or FormatException or KeyNotFoundException or InvalidOperationException)
                {
                    throw new IngestException($"{path}, line {reader.Line} is no event ({e.Message}): it must be like {{\"sensor_id\":\"a\",\"metric\":\"temperature\",\"kind\":\"drift\",\"tier\":\"hard\",\"start\":\"2026-11-01T00:00:00Z\",\"end\":\"2026-11-01T00:10:00Z\"}}", e);
                }
            }
        }
        while (more);
        return events;
    }

    private static void Add(EventLog events, JsonElement line)
    {
        string sensor = line.GetProperty("sensor_id").GetString() ?? throw new FormatException("sensor_id is null");
        string metric = line.TryGetProperty("metric", out JsonElement m) ? m.GetString() ?? "" : "";
        AnomalyKind kind = line.TryGetProperty("kind", out JsonElement k) ? Kind(k.GetString()) : AnomalyKind.Unknown;
        AnomalyTier? tier = line.TryGetProperty("tier", out JsonElement t) && t.GetString() is { } name ? Tier(name) : null;
        long start = Time(line.GetProperty("start")), end = Time(line.GetProperty("end"));
        if (end <= start) throw new FormatException("its end is not behind its start");
        events.Of(EventLog.Name(sensor, metric)).Add(new TruthEvent(kind, tier, start, end));
    }

    /// <summary>The kind of that name; any other name is an unknown kind.</summary>
    public static AnomalyKind Kind(string? name)
    {
        for (int k = 0; k < AnomalyKinds.Modelled; k++)
        {
            if (AnomalyKinds.Name((AnomalyKind)k) == name) return (AnomalyKind)k;
        }

        return AnomalyKind.Unknown;
    }

    private static AnomalyTier Tier(string name)
    {
        for (int t = 0; t < AnomalyTiers.Count; t++)
        {
            if (AnomalyTiers.Name((AnomalyTier)t) == name) return (AnomalyTier)t;
        }

        throw new FormatException($"\"{name}\" is no tier: hard, medium or easy");
    }

    private static long Time(JsonElement element)
    {
        string text = element.GetString() ?? throw new FormatException("a time is null");
        return TimestampText.TryIso(System.Text.Encoding.UTF8.GetBytes(text), out long us) ? us : throw new FormatException($"\"{text}\" is no time");
    }
}
