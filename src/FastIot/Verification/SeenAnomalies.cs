using System.Globalization;
using System.Text.Json;
using Confluent.Kafka;

namespace FastIot.Verification;

/// <summary>An anomaly's record, as far as it can be recomputed.</summary>
internal sealed record SeenAnomaly
{
    public required string Sensor { get; init; }

    public required string Metric { get; init; }

    public required int Partition { get; init; }

    public required long WindowStartUs { get; init; }

    public required long WindowEndUs { get; init; }

    public required double Mean { get; init; }

    public required double StdDev { get; init; }

    public required double Min { get; init; }

    public required double Max { get; init; }

    public required double Range { get; init; }

    public required long Count { get; init; }

    public required float Score { get; init; }

    public required bool IsAnomaly { get; init; }

    public required string Kind { get; init; }

    public required string? Model { get; init; }

    public required long? Offset { get; init; }

    /// <summary>Where the record lies: topic[partition]@offset.</summary>
    public required string Where { get; init; }

    /// <exception cref="FormatException">Not the record of an anomaly.</exception>
    public static SeenAnomaly Parse(ConsumeResult<byte[]?, byte[]?> record)
    {
        string where = string.Create(CultureInfo.InvariantCulture, $"{record.Topic}[{record.Partition.Value}]@{record.Offset.Value}");
        try
        {
            using JsonDocument document = JsonDocument.Parse(record.Message.Value);
            JsonElement root = document.RootElement;
            return new SeenAnomaly
            {
                Sensor = root.GetProperty("sensor_id").GetString()!,
                Metric = root.GetProperty("metric").GetString()!,
                Partition = root.GetProperty("partition").GetInt32(),
                WindowStartUs = Time(root, "window_start"),
                WindowEndUs = Time(root, "window_end"),
                Mean = Number(root, "mean"),
                StdDev = Number(root, "stddev"),
                Min = Number(root, "min"),
                Max = Number(root, "max"),
                Range = Number(root, "range"),
                Count = root.GetProperty("count").GetInt64(),
                Score = root.GetProperty("anomaly_score").GetSingle(),
                IsAnomaly = root.GetProperty("is_anomaly").GetBoolean(),
                Kind = root.GetProperty("kind").GetString()!,
                Model = root.GetProperty("model").GetString(),
                Offset = root.GetProperty("offset").ValueKind == JsonValueKind.Null ? null : root.GetProperty("offset").GetInt64(),
                Where = where,
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentNullException)
        {
            throw new FormatException($"{where}: {e.Message}", e);
        }
    }

    private static double Number(JsonElement root, string name) => root.GetProperty(name) is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : double.NaN;

    private static long Time(JsonElement root, string name) =>
        PlainTimes.OfText(root.GetProperty(name).GetString()!) ?? throw new FormatException($"{name} is no time");
}
