using System.Globalization;
using System.Text;
using FastIot.Decode;

namespace FastIot.Tests.Decode;

public sealed class ReadingDecoderTests
{
    private const string Usual = "{\"sensor_id\":\"sensor_000042\",\"timestamp\":\"2026-11-01T00:00:00.123456Z\",\"metric\":\"temperature\",\"value\":25.31,\"meta\":{\"unit\":\"celsius\",\"location\":\"zone_42\",\"is_anomaly\":false,\"anomaly_type\":null}}";

    [Fact]
    public void The_usual_reading()
    {
        Decoded d = Assert.Single(Decoded.All(Usual));
        Assert.Equal(new Decoded(Rejection.None, "sensor_000042", "temperature", 1_793_491_200_123_456, BitConverter.DoubleToInt64Bits(25.31), Usual), d);
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData(" \n\t", "empty")]
    [InlineData("null", "empty")]
    [InlineData("[]", "empty")]
    [InlineData("[ ]\n", "empty")]
    [InlineData("[] x", "malformed_json")]
    [InlineData("42", "not_an_object")]
    [InlineData("\"s\"", "not_an_object")]
    [InlineData("[1,null]", "not_an_object, not_an_object")]
    [InlineData("{}", "missing_sensor_id")]
    [InlineData("{} {}", "malformed_json")]
    [InlineData("{}x", "malformed_json")]
    [InlineData("[{}]x", "missing_sensor_id, malformed_json")]
    [InlineData("[{}]{}", "missing_sensor_id, malformed_json")]
    [InlineData("[{},{}", "missing_sensor_id, malformed_json")]
    [InlineData("[{},", "missing_sensor_id, malformed_json")]
    [InlineData("[{},]", "missing_sensor_id, malformed_json")]
    [InlineData("[{}{}]", "malformed_json")]
    [InlineData("{}\n{}\n", "missing_sensor_id, missing_sensor_id")]
    [InlineData("{\"a\":\n{}\r\n{}", "malformed_json, missing_sensor_id, missing_sensor_id")]
    [InlineData("{\"sensor_id\":null}", "missing_sensor_id")]
    [InlineData("{\"sensor_id\":\"\\ud800\"}", "invalid_sensor_id")]
    [InlineData("{\"sensor_id\":\"s\",\"metric\":\"\",\"timestamp\":0,\"value\":1}", "ok")]
    [InlineData("{\"sensor_id\":\"s\",\"metric\":null,\"timestamp\":0,\"value\":1}", "ok")]
    [InlineData("{\"sensor_id\":\"s\",\"metric\":[],\"timestamp\":0,\"value\":1}", "invalid_metric")]
    [InlineData("{\"sensor_id\":\"s\",\"timestamp\":null,\"value\":1}", "missing_timestamp")]
    [InlineData("{\"sensor_id\":\"s\",\"timestamp\":true,\"value\":1}", "invalid_timestamp")]
    [InlineData("{\"sensor_id\":\"s\",\"timestamp\":0}", "missing_value")]
    [InlineData("{\"sensor_id\":\"s\",\"timestamp\":0,\"value\":null}", "missing_value")]
    [InlineData("{\"sensor_id\":\"s\",\"timestamp\":0,\"value\":1e400}", "invalid_value")]
    [InlineData("{\"sensor_id\":\"s\",\"timestamp\":0,\"value\":01}", "malformed_json")]
    [InlineData("{\"sensor_id\":\"s\",\"timestamp\":0,\"value\":1,}", "malformed_json")]
    [InlineData("{\"sensor_id\":\"s\ts\",\"timestamp\":0,\"value\":1}", "malformed_json")]
    [InlineData("{\"sensor_id\":\"a\",\"sensor_id\":\"b\",\"timestamp\":0,\"value\":1,\"value\":2}", "ok")]
    public void What_becomes_of_a_record(string record, string reasons) => Assert.Equal(reasons, Decoded.Reasons(record));

    [Fact]
    public void The_last_of_duplicate_members_wins_wherever_it_stands()
    {
        Decoded d = Assert.Single(Decoded.All("{\"sensor_id\":\"a\",\"timestamp\":\"2026-11-01T00:00:00Z\",\"metric\":\"m\",\"value\":1,\"metric\":\"n\",\"value\":2,\"sensor_id\":\"b\"}"));
        Assert.Equal(("b", "n", 2.0), (d.Sensor, d.Metric, BitConverter.Int64BitsToDouble(d.ValueBits)));
    }

    [Fact]
    public void Names_may_be_escaped_and_configured()
    {
        var options = new DecodeOptions { SensorIdName = "id", TimestampName = "t", MetricName = "m", ValueName = "größe" };
        Decoded d = Assert.Single(Decoded.All("{\"\\u0069d\":\"s\\u00e9\\ud83d\\ude00\",\"t\":1793491200,\"m\":\"a\\/b\",\"gr\\u00f6\\u00dfe\":-0.0}", options));
        Assert.Equal(("sé😀", "a/b", 1_793_491_200_000_000, BitConverter.DoubleToInt64Bits(-0.0)), (d.Sensor, d.Metric, d.TimeUs, d.ValueBits));
    }

    [Fact]
    public void Depth_is_limited_and_the_records_own_array_counts()
    {
        string deep = string.Concat(Enumerable.Repeat("[", Limits.MaxNesting - 1)) + string.Concat(Enumerable.Repeat("]", Limits.MaxNesting - 1));
        string reading = $"{{\"sensor_id\":\"s\",\"timestamp\":0,\"value\":1,\"x\":{deep}}}";
        Assert.Equal("ok", Decoded.Reasons(reading));
        Assert.Equal("too_deep", Decoded.Reasons($"[{reading}]"));
    }

    [Fact]
    public void Bytes_that_are_not_utf8_reject_their_reading_only()
    {
        byte[] bad = [.. "[{\"sensor_id\":\"s\",\"timestamp\":0,\"value\":1,\"x\":\""u8, 0xC0, 0x80, .. "\"},{\"sensor_id\":\"s\",\"timestamp\":0,\"value\":2}]"u8];
        Assert.Equal([Rejection.InvalidUtf8, Rejection.None], Decoded.All(bad).Select(d => d.Rejection));
    }

    [Theory]
    [InlineData("\"1970-01-01T00:00:00Z\"", 0)]
    [InlineData("\"2026-11-01T00:00:00.123456789Z\"", 1_793_491_200_123_456)]
    [InlineData("\"2026-11-01 00:00:00.5\"", 1_793_491_200_500_000)]
    [InlineData("\"2026-11-01t02:30:00+02:30\"", 1_793_491_200_000_000)]
    [InlineData("\"2026-10-31T22:00:00-0200\"", 1_793_491_200_000_000)]
    [InlineData("\"2026-11-01T05:00:00+05\"", 1_793_491_200_000_000)]
    [InlineData("\"2024-02-29T00:00:00Z\"", 1_709_164_800_000_000)]
    [InlineData("\"2026-11-01T00:00:00.\\u0030Z\"", 1_793_491_200_000_000)]
    [InlineData("1793491200", 1_793_491_200_000_000)]
    [InlineData("1793491200.1234567", 1_793_491_200_123_456)]
    [InlineData("1793491200123", 1_793_491_200_123_000)]
    [InlineData("1793491200123456", 1_793_491_200_123_456)]
    [InlineData("1793491200123456789", 1_793_491_200_123_456)]
    [InlineData("1.7934912e9", 1_793_491_200_000_000)]
    [InlineData("17934912000000000e-7", 1_793_491_200_000_000)]
    [InlineData("0.0000019", 1)]
    [InlineData("99999999999", -1)]
    public void Timestamps(string text, long us)
    {
        Decoded d = Assert.Single(Decoded.All($"{{\"sensor_id\":\"s\",\"timestamp\":{text},\"value\":1}}"));
        Assert.Equal(us < 0 ? Rejection.InvalidTimestamp : Rejection.None, d.Rejection);
        if (us >= 0) Assert.Equal(us, d.TimeUs);
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("\"yesterday\"")]
    [InlineData("\"2026-02-29T00:00:00Z\"")]
    [InlineData("\"2026-11-01T24:00:00Z\"")]
    [InlineData("\"2026-11-01T00:00:60Z\"")]
    [InlineData("\"2026-11-01T00:00:00.1234567891Z\"")]
    [InlineData("\"2026-11-01T00:00:00Zx\"")]
    [InlineData("\"2026-11-01T00:00:00+5\"")]
    [InlineData("\"1969-12-31T23:59:59Z\"")]
    [InlineData("\"2262-01-01T00:00:01Z\"")]
    [InlineData("-1")]
    [InlineData("1e300")]
    [InlineData("{}")]
    public void Timestamps_that_are_none(string text) =>
        Assert.Equal("invalid_timestamp", Decoded.Reasons($"{{\"sensor_id\":\"s\",\"timestamp\":{text},\"value\":1}}"));

    [Theory]
    [InlineData(TimestampUnit.Seconds, "1000", 1_000_000_000)]
    [InlineData(TimestampUnit.Milliseconds, "1000", 1_000_000)]
    [InlineData(TimestampUnit.Microseconds, "1000", 1000)]
    [InlineData(TimestampUnit.Nanoseconds, "1999", 1)]
    public void The_unit_may_be_configured(TimestampUnit unit, string text, long us) =>
        Assert.Equal(us, Assert.Single(Decoded.All($"{{\"sensor_id\":\"s\",\"timestamp\":{text},\"value\":1}}", new DecodeOptions { TimestampUnit = unit })).TimeUs);

    [Fact]
    public unsafe void Decoding_allocates_nothing()
    {
        byte[][] records =
        [
            Encoding.UTF8.GetBytes(Usual), Encoding.UTF8.GetBytes($"[{Usual},{{}},{Usual}]"), Encoding.UTF8.GetBytes($"{Usual}\nbroken\n{Usual}"), "[1"u8.ToArray(),
            "{\"value\":1.234567890123456789e-5,\"sensor_id\":\"\\u0041\",\"timestamp\":1793491200.5}"u8.ToArray(),
        ];
        using var decoder = new ReadingDecoder(new DecodeOptions());
        long Run()
        {
            long count = 0;
            foreach (byte[] record in records)
            {
                fixed (byte* p = record)
                {
                    decoder.Open(p, record.Length);
                    while (decoder.Next(out _, out _)) count++;
                }
            }

            return count;
        }

        for (int i = 0; i < 50; i++) Run();
        long before = GC.GetAllocatedBytesForCurrentThread(), total = 0;
        for (int i = 0; i < 1000; i++) total += Run();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(1000 * 9, total);
    }

    [Fact]
    public unsafe void Nothing_beyond_the_record_is_read()
    {
        using var guarded = new GuardedMemory();
        using var decoder = new ReadingDecoder(new DecodeOptions());
        byte[] record = Encoding.UTF8.GetBytes($"[{Usual},{{\"sensor_id\":\"\\u00e9é\",\"timestamp\":1.5e3,\"value\":-12.5e-3}}]\n{Usual}");
        for (int length = 0; length <= record.Length; length++)
        {
            for (int from = 0; from < 4; from++)
            {
                ReadOnlySpan<byte> part = record.AsSpan(Math.Min(from * 57, length)..length);
                List<Decoded> atEnd = Decoded.All(decoder, guarded.AtEnd(part), part.Length);
                Assert.Equal(atEnd, Decoded.All(decoder, guarded.AtStart(part), part.Length));
            }
        }
    }

    [Fact]
    public void Numbers_are_rounded_as_the_framework_does()
    {
        var random = new Random(TestSeed.Or(5));
        for (int i = 0; i < 200_000; i++)
        {
            string text = random.Next(6) switch
            {
                0 => random.NextInt64(long.MinValue, long.MaxValue).ToString(CultureInfo.InvariantCulture),
                1 => BitConverter.Int64BitsToDouble(random.NextInt64()).ToString("E16", CultureInfo.InvariantCulture),
                2 => (random.NextDouble() * Math.Pow(10, random.Next(-30, 30))).ToString("R", CultureInfo.InvariantCulture),
                3 => $"{random.Next()}.{random.NextInt64()}{random.NextInt64()}",
                4 => $"{random.NextInt64(1L << 53, 1L << 54)}e{random.Next(-40, 40)}",
                _ => Math.Round(random.NextDouble() * 1000, random.Next(5)).ToString(CultureInfo.InvariantCulture),
            };
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double expected) || !double.IsFinite(expected)) continue;
            Decoded d = Assert.Single(Decoded.All($"{{\"sensor_id\":\"s\",\"timestamp\":0,\"value\":{text}}}"));
            Assert.True(d.ValueBits == BitConverter.DoubleToInt64Bits(expected), $"{text}: {d}");
        }
    }
}
