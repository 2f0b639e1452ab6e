using System.Text;
using System.Text.Json;
using FastIot.Decode;

namespace FastIot.Verification;

/// <summary>A reading, or why there is none.</summary>
internal readonly record struct PlainReading(Rejection Rejection, string Sensor, string Metric, long TimeUs, double Value);

/// <summary>
/// The readings of a record by System.Text.Json: the rules of the formats a second time, slowly. One object, an array of them, or one a line;
/// what breaks off costs one rejection, and behind a newline before an object it begins anew.
/// </summary>
internal sealed class PlainReadings(DecodeOptions names)
{
    private const string White = " \t\r\n";

    public List<PlainReading> Of(byte[] record)
    {
        List<PlainReading> readings = [];
        int at = SkipWhite(record, 0);
        if (at == record.Length) readings.Add(Rejected(Rejection.Empty));
        else if (record[at] == '[') Array(record, at + 1, readings);
        else Lines(record, at, readings);
        return readings;
    }

    private void Array(byte[] record, int at, List<PlainReading> readings)
    {
        int next = SkipWhite(record, at);
        if (next < record.Length && record[next] == ']')
        {
            readings.Add(Rejected(SkipWhite(record, next + 1) == record.Length ? Rejection.Empty : Rejection.MalformedJson));
            return;
        }

        while (true)
        {
            at = SkipWhite(record, at);
            if (!TryElement(record, ref at, Limits.MaxNesting - 1, readings)) return;
            at = SkipWhite(record, at);
            if (at == record.Length || record[at] is not ((byte)',' or (byte)']'))
            {
                readings[^1] = Rejected(Rejection.MalformedJson);
                return;
            }

            if (record[at++] == ']') break;
        }

        int behind = SkipWhite(record, at);
        if (behind == record.Length) return;
        if (record.AsSpan(at, behind - at).Contains((byte)'\n')) Lines(record, behind, readings);
        else readings.Add(Rejected(Rejection.MalformedJson));
    }

    private void Lines(byte[] record, int at, List<PlainReading> readings)
    {
        while ((at = SkipWhite(record, at)) < record.Length)
        {
            int start = at;
            bool isNull = record[at] == 'n';
            bool whole = TryElement(record, ref at, Limits.MaxNesting, readings);
            while (whole && at < record.Length && record[at] is (byte)' ' or (byte)'\t' or (byte)'\r') at++;
            if (whole && (at == record.Length || record[at] == '\n'))
            {
                if (isNull && readings.Count == 1 && SkipWhite(record, at) == record.Length) readings[0] = Rejected(Rejection.Empty);
                continue;
            }

            if (whole) readings[^1] = Rejected(Rejection.MalformedJson);
            at = NextObjectLine(record, start);
        }
    }

    private static int NextObjectLine(byte[] record, int start)
    {
        for (int p = start; p < record.Length; p++)
        {
            if (record[p] != '\n') continue;
            int next = SkipWhite(record, p + 1);
            if (next < record.Length && record[next] == '{') return next;
        }

        return record.Length;
    }

    /// <returns>False where the bytes are not JSON; one rejection has been added then.</returns>
    private bool TryElement(byte[] record, ref int at, int depth, List<PlainReading> readings)
    {
        var reader = new Utf8JsonReader(record.AsSpan(at), new JsonReaderOptions { MaxDepth = depth, AllowMultipleValues = true });
        try
        {
            if (!reader.Read() || !JsonDocument.TryParseValue(ref reader, out JsonDocument? document)) throw new JsonException();
            using (document)
            {
                byte[] raw = record[at..(at + (int)reader.BytesConsumed)];
                readings.Add(System.Text.Unicode.Utf8.IsValid(raw) ? Element(document.RootElement) : Rejected(Rejection.InvalidUtf8));
            }

            at += (int)reader.BytesConsumed;
            return true;
        }
        catch (JsonException)
        {
            readings.Add(Rejected(Rejection.MalformedJson));
            return false;
        }
    }

    private PlainReading Element(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object) return Rejected(Rejection.NotAnObject);
        Dictionary<string, JsonElement> members = [];
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (Text(property, static p => p.Name) is { } name) members[name] = property.Value;
        }

        if (!Has(members, names.SensorIdName, out JsonElement sensor)) return Rejected(Rejection.MissingSensorId);
        if (String(sensor, Limits.MaxSensorIdBytes) is not { Length: > 0 } id) return Rejected(Rejection.InvalidSensorId);
        string? metric = "";
        if (Has(members, names.MetricName, out JsonElement m) && (metric = String(m, Limits.MaxMetricBytes)) == null) return Rejected(Rejection.InvalidMetric);
        if (!Has(members, names.TimestampName, out JsonElement timestamp)) return Rejected(Rejection.MissingTimestamp);
        if (Time(timestamp) is not { } us) return Rejected(Rejection.InvalidTimestamp);
        if (!Has(members, names.ValueName, out JsonElement value)) return Rejected(Rejection.MissingValue);
        if (value.ValueKind != JsonValueKind.Number || !double.IsFinite(value.GetDouble())) return Rejected(Rejection.InvalidValue);
        return new PlainReading(Rejection.None, id, metric, us, value.GetDouble());
    }

    private long? Time(JsonElement timestamp) => timestamp.ValueKind switch
    {
        JsonValueKind.String when Text(timestamp, static t => t.GetString()) is { } text => PlainTimes.OfText(text),
        JsonValueKind.Number => PlainTimes.OfNumber(timestamp.GetRawText(), names.TimestampUnit),
        _ => null,
    };

    private static string? String(JsonElement element, int mostBytes) =>
        element.ValueKind == JsonValueKind.String && Text(element, static e => e.GetString()) is { } text && Encoding.UTF8.GetByteCount(text) <= mostBytes ? text : null;

    /// <returns>Null for half a surrogate pair.</returns>
    private static string? Text<T>(T of, Func<T, string?> get)
    {
        try
        {
            return get(of);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static bool Has(Dictionary<string, JsonElement> members, string name, out JsonElement value) =>
        members.TryGetValue(name, out value) && value.ValueKind != JsonValueKind.Null;

    private static PlainReading Rejected(Rejection why) => new(why, "", "", 0, 0);

    private static int SkipWhite(byte[] record, int at)
    {
        while (at < record.Length && White.Contains((char)record[at])) at++;
        return at;
    }
}
