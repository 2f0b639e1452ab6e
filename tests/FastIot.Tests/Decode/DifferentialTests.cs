using System.Globalization;
using System.Text;
using System.Text.Json;
using FastIot.Decode;

namespace FastIot.Tests.Decode;

/// <summary>The decoder against System.Text.Json on generated documents, hostile ones included. Rules are written a second time here, on top of it.</summary>
public sealed class DifferentialTests
{
    private const int Documents = 1_000_000;

    [Fact]
    public unsafe void A_million_documents_decode_as_System_Text_Json_has_them()
    {
        int seed = TestSeed.Or(20261124);
        var random = new Random(seed);
        var generator = new DocumentGenerator(random);
        using var decoder = new ReadingDecoder(new DecodeOptions());
        int good = 0, rejected = 0;
        for (int i = 0; i < Documents; i++)
        {
            byte[] document = generator.Next();
            List<Decoded> actual;
            fixed (byte* p = document) actual = Decoded.All(decoder, p, document.Length);
            string? difference = Compare(document, actual);
            Assert.True(difference == null, $"seed {seed}, document {i}: {difference}{Environment.NewLine}{Encoding.Latin1.GetString(document)}");
            good += actual.Count(d => d.Rejection == Rejection.None);
            rejected += actual.Count(d => d.Rejection != Rejection.None);
        }

        // The generator must make enough of both to mean something.
        Assert.True(good > Documents / 4 && rejected > Documents / 4, $"{good} good, {rejected} rejected");
    }

    /// <returns>Null where they agree.</returns>
    private static string? Compare(byte[] document, List<Decoded> actual)
    {
        Outcome? whole = Oracle.Whole(document);
        if (whole != null) return Equal(whole.Readings, actual);

        // Not one JSON document: lines, or broken.
        if (Oracle.Lines(document) is { } lines) return Equal(lines, actual);
        return actual.Any(d => d.Rejection is Rejection.MalformedJson or Rejection.InvalidUtf8 or Rejection.TooDeep or Rejection.Empty)
            ? null
            : $"accepted though System.Text.Json refuses it: {string.Join("; ", actual)}";
    }

    private static string? Equal(List<Decoded> expected, List<Decoded> actual)
    {
        if (expected.Count != actual.Count) return $"{expected.Count} expected ({string.Join("; ", expected)}), {actual.Count} found ({string.Join("; ", actual)})";
        for (int i = 0; i < expected.Count; i++)
        {
            if (expected[i] with { Current = "" } != actual[i] with { Current = "" }) return $"expected {expected[i]}, found {actual[i]}";
        }

        return null;
    }
}

internal sealed record Outcome(List<Decoded> Readings);

/// <summary>The rules of DESIGN section 2 on top of JsonDocument.</summary>
internal static class Oracle
{
    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = Limits.MaxNesting };

    /// <returns>Null where it is not one JSON document.</returns>
    public static Outcome? Whole(byte[] bytes)
    {
        if (IsWhite(bytes)) return new Outcome([Rejected(Rejection.Empty)]);
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes, s_options);
            JsonElement root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Null) return new Outcome([Rejected(Rejection.Empty)]);
            if (root.ValueKind != JsonValueKind.Array) return new Outcome([Element(root)]);
            return new Outcome(root.GetArrayLength() == 0 ? [Rejected(Rejection.Empty)] : [.. root.EnumerateArray().Select(Element)]);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <returns>Null where it is not a sequence of JSON documents with newlines between them.</returns>
    public static List<Decoded>? Lines(byte[] bytes)
    {
        var readings = new List<Decoded>();
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { AllowMultipleValues = true, MaxDepth = Limits.MaxNesting });
        int end = -1;
        try
        {
            while (reader.Read())
            {
                if (end >= 0 && !bytes.AsSpan(end, (int)reader.TokenStartIndex - end).Contains((byte)'\n')) return null;
                using JsonDocument document = JsonDocument.ParseValue(ref reader);
                JsonElement root = document.RootElement;
                // A batch may be followed by lines; an array further down is no reading.
                if (end < 0 && root.ValueKind == JsonValueKind.Array)
                {
                    if (root.GetArrayLength() == 0) return null;
                    readings.AddRange(root.EnumerateArray().Select(Element));
                }
                else readings.Add(Element(root));
                end = (int)reader.BytesConsumed;
            }
        }
        catch (JsonException)
        {
            return null;
        }

        return readings;
    }

    private static bool IsWhite(byte[] bytes) => bytes.All(b => b is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t');

    private static Decoded Rejected(Rejection reason) => new(reason, "", "", 0, 0, "");

    private static Decoded Element(JsonElement element)
    {
        if (!IsUtf8(element)) return Rejected(Rejection.InvalidUtf8);
        if (element.ValueKind != JsonValueKind.Object) return Rejected(Rejection.NotAnObject);
        Dictionary<string, JsonElement> members = [];
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (Text(() => property.Name) is { } name) members[name] = property.Value;
        }

        if (!Has(members, "sensor_id", out JsonElement sensor)) return Rejected(Rejection.MissingSensorId);
        if (sensor.ValueKind != JsonValueKind.String || Text(sensor.GetString) is not { Length: > 0 } id || Encoding.UTF8.GetByteCount(id) > Limits.MaxSensorIdBytes) return Rejected(Rejection.InvalidSensorId);
        string metric = "";
        if (Has(members, "metric", out JsonElement m))
        {
            if (m.ValueKind != JsonValueKind.String || Text(m.GetString) is not { } text || Encoding.UTF8.GetByteCount(text) > Limits.MaxMetricBytes) return Rejected(Rejection.InvalidMetric);
            metric = text;
        }

        if (!Has(members, "timestamp", out JsonElement timestamp)) return Rejected(Rejection.MissingTimestamp);
        if (Time(timestamp) is not { } us) return Rejected(Rejection.InvalidTimestamp);
        if (!Has(members, "value", out JsonElement v)) return Rejected(Rejection.MissingValue);
        if (v.ValueKind != JsonValueKind.Number || !double.IsFinite(v.GetDouble())) return Rejected(Rejection.InvalidValue);
        return new Decoded(Rejection.None, id, metric, us, BitConverter.DoubleToInt64Bits(v.GetDouble()), "");
    }

    private static bool IsUtf8(JsonElement element) => System.Text.Unicode.Utf8.IsValid(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(element));

    /// <returns>Null for half a surrogate pair.</returns>
    private static string? Text(Func<string?> get)
    {
        try
        {
            return get();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static bool Has(Dictionary<string, JsonElement> members, string name, out JsonElement value) =>
        members.TryGetValue(name, out value) && value.ValueKind != JsonValueKind.Null;

    private static long? Time(JsonElement timestamp)
    {
        if (timestamp.ValueKind == JsonValueKind.String)
        {
            if (Text(timestamp.GetString) is not { } text) return null;
            if (!System.Text.RegularExpressions.Regex.IsMatch(text, @"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{0,9})?([Zz]|[+-]\d\d(:?\d\d)?)?$", System.Text.RegularExpressions.RegexOptions.ECMAScript) || text.EndsWith('\n')) return null;
            int zone = text.IndexOfAny(['Z', 'z', '+', '-'], 19);
            string local = zone < 0 ? text : text[..zone];
            if (!DateTime.TryParseExact(local[..19].Replace('t', 'T').Replace(' ', 'T'), "yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTime time)) return null;
            string fraction = local.Length > 20 ? local[20..] : "";
            long us = (time - DateTime.UnixEpoch).Ticks / 10 + long.Parse(fraction.PadRight(6, '0')[..6], CultureInfo.InvariantCulture);
            if (zone >= 0 && text[zone] is '+' or '-')
            {
                string offset = text[(zone + 1)..].Replace(":", "", StringComparison.Ordinal).PadRight(4, '0');
                int hours = int.Parse(offset[..2], CultureInfo.InvariantCulture), minutes = int.Parse(offset[2..], CultureInfo.InvariantCulture);
                if (hours > 23 || minutes > 59) return null;
                us -= (text[zone] == '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000_000L;
            }

            return InRange(us);
        }

        if (timestamp.ValueKind != JsonValueKind.Number) return null;
        System.Numerics.BigInteger scaled = Scaled(timestamp.GetRawText(), out int exponent);
        if (scaled.IsZero) return 0;
        if (scaled.Sign < 0 || exponent > 60) return null;
        // The number times 10^60, exactly; far below that it is less than a µs whatever the unit.
        if (exponent < -400) return 0;
        System.Numerics.BigInteger exact = scaled * System.Numerics.BigInteger.Pow(10, exponent + 400);
        System.Numerics.BigInteger one = System.Numerics.BigInteger.Pow(10, 400);
        int unit = exact < one * 100_000_000_000 ? 6 : exact < one * 100_000_000_000_000 ? 3 : exact < one * 100_000_000_000_000_000 ? 0 : -3;
        System.Numerics.BigInteger result = unit >= 0 ? exact * System.Numerics.BigInteger.Pow(10, unit) / one : exact / (one * 1000);
        return result > Limits.MaxTimeUs ? null : InRange((long)result);
    }

    private static long? InRange(long us) => us is >= Limits.MinTimeUs and <= Limits.MaxTimeUs ? us : null;

    /// <summary>The number as a whole number and a power of ten.</summary>
    private static System.Numerics.BigInteger Scaled(string text, out int exponent)
    {
        int e = text.IndexOfAny(['e', 'E']);
        string mantissa = e < 0 ? text : text[..e];
        exponent = e < 0 ? 0 : (int)Math.Clamp(double.Parse(text[(e + 1)..], CultureInfo.InvariantCulture), -1_000_000, 1_000_000);
        int point = mantissa.IndexOf('.');
        if (point >= 0)
        {
            exponent -= mantissa.Length - point - 1;
            mantissa = mantissa.Remove(point, 1);
        }

        return System.Numerics.BigInteger.Parse(mantissa, CultureInfo.InvariantCulture);
    }
}
