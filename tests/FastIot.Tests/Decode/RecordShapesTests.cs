using System.Globalization;
using System.Text;
using FastIot.Decode;
using FastIot.Series;

namespace FastIot.Tests.Decode;

public sealed unsafe class RecordShapesTests : IDisposable
{
    private readonly SeriesTable _series = new(1000);
    private readonly ReadingDecoder _decoder = new(new DecodeOptions());
    private readonly GuardedMemory _memory = new();
    private readonly RecordShapes _shapes;
    private long _readings;
    private int _turn;

    public RecordShapesTests() => _shapes = new RecordShapes(_series, TimestampUnit.Auto);

    public void Dispose()
    {
        _shapes.Dispose();
        _decoder.Dispose();
        _series.Dispose();
        _memory.Dispose();
    }

    public static TheoryData<string> Forms => new(
        """{"sensor_id":"s1","timestamp":"2026-11-01T00:00:00.300413Z","metric":"temperature","value":63.56,"meta":{"unit":"celsius","is_anomaly":false}}""",
        """{"sensor_id":"4f6c0c52-7a2e-4c7b-8d8e-0d3a5b1f9c11","timestamp":"2026-11-01T00:00:00.300Z","metric":"temperature","value":63.56}""",
        """{ "sensor_id" : "s1" , "x" : [1, {"value":2}], "timestamp" : 1793491200300 , "note":"\u00e9\"" , "value" : -0.125 , "metric" : "humidity" }""",
        """{"sensor_id":"s1","timestamp":"2026-11-01 00:00:00+01:00","value":1,"value":25,"metric":null,"unit":"°C"}""");

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_record_of_a_known_shape_is_read_without_the_decoder(string record)
    {
        Assert.False(Short(record, out _));
        Long(record);
        Assert.True(Short(record, out (int, long, double) known));
        Assert.Equal(Long(record), known);
    }

    [Fact]
    public void Several_metrics_of_one_sensor_have_a_shape_each()
    {
        string Record(int sensor, string metric, int i) => $"{{\"sensor_id\":\"s{sensor}\",\"timestamp\":\"2026-11-01T00:00:{i % 60:00}.300413Z\",\"metric\":\"{metric}\",\"value\":{i}.5,\"meta\":{{\"unit\":\"of {metric}\"}}}}";
        string[] metrics = ["temperature", "humidity", "pressure", "vibration", "voltage"];
        for (int sensor = 0; sensor < 20; sensor++)
        {
            foreach (string metric in metrics.Take(1 + sensor % 5)) Long(Record(sensor, metric, 0));
        }

        var random = new Random(5);
        for (int i = 0; i < 10_000; i++)
        {
            int sensor = random.Next(20);
            string record = Record(sensor, metrics[random.Next(1 + sensor % 5)], i);
            Assert.True(Short(record, out (int, long, double) known), record);
            Assert.Equal(Long(record), known);
        }
    }

    [Fact]
    public void Whatever_is_let_through_is_what_the_decoder_has()
    {
        var random = new Random(7);
        byte[][] forms = [.. Forms.Select(f => Encoding.UTF8.GetBytes(f.Data))];
        string[] values = ["0", "-0", "00", "01", "1.", ".5", "-", "1e3", "+1", "12.5", "-7.25", "9007199254740993", "123456789012345", "1234567890.12345", "0.1234567890123456", "1.2.3", "99999999999999999999", "1,2", "\"1\"", "1 ", "null"];
        string[] times = ["2026-11-01T00:00:59.999999Z", "2026-11-01T00:00:60.000000Z", "2026-11-01T00:01:00.000000Z", "2026-11-01T00:00:0a.000000Z", "2026-11-01T00:00:00.00000/Z", "2026-02-30T00:00:00.000000Z", "2262-04-11T23:47:16.854775Z", "1793491200999", "-793491200999", "2026-11-01T00:00:00,300413Z"];
        int taken = 0;
        for (int round = 0; round < 400_000; round++)
        {
            // One producer after another: records that begin differently take the memory of each other.
            byte[] form = forms[round / 2000 % forms.Length];
            if (random.Next(2) == 0) form = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(form).Replace("temperature", "humidity", StringComparison.Ordinal));
            byte[] bytes = Changed(form, random, values, times);
            if (!Short(bytes, out (int, long, double) known))
            {
                if (random.Next(2) == 0) Long(random.Next(10) == 0 ? bytes : form);
                continue;
            }

            taken++;
            (int, long, double)? right = Long(bytes);
            if (right != known) Assert.Fail($"{Encoding.UTF8.GetString(bytes)}: {known} by its shape, {right?.ToString() ?? "no single reading"} by the decoder");
        }

        Assert.True(taken > 40_000, $"{taken} were let through: too few to prove anything");
    }

    [Fact]
    public void Numbers_are_the_nearest_doubles()
    {
        var random = new Random(11);
        int read = 0;
        for (int i = 0; i < 1_000_000; i++)
        {
            string text = Text(random);
            byte[] bytes = Encoding.ASCII.GetBytes("0123456789abcdef" + text);
            fixed (byte* at = bytes)
            {
                if (!ShortNumber.TryRead(at + 16, text.Length, out double value)) continue;
                read++;
                if (BitConverter.DoubleToInt64Bits(double.Parse(text, CultureInfo.InvariantCulture)) != BitConverter.DoubleToInt64Bits(value)) Assert.Fail($"{text} is not {value:R}");
            }
        }

        Assert.True(!System.Runtime.Intrinsics.X86.Sse41.IsSupported || read > 900_000, $"{read} of a million");
    }

    [Fact]
    public void Shapes_that_never_stay_are_left_alone_and_their_memory_is_bounded()
    {
        string Record(int i) => $"{{\"sensor_id\":\"s{i % 100:000}\",\"timestamp\":\"2026-11-01T00:00:00.300413Z\",\"metric\":\"temperature\",\"value\":63.56,\"note\":\"{new string('n', 500)}{i}\"}}";
        for (int i = 0; i < 30_000; i++) Long(Record(i));
        Assert.True(_shapes.Bytes < 12 << 20, $"{_shapes.Bytes} bytes");
        string last = Record(29_999);
        Assert.False(Short(last, out _));
    }

    private static string Text(Random random)
    {
        string digits = random.NextInt64(0, (long)Math.Pow(10, random.Next(1, 15))).ToString(CultureInfo.InvariantCulture);
        int point = random.Next(digits.Length + 1);
        string text = point == 0 ? digits : $"{digits[..point]}{(point == digits.Length ? "" : ".")}{digits[point..]}";
        if (text.Length > 1 && text[0] == '0' && text[1] != '.') text = "0." + text[1..].Replace(".", "", StringComparison.Ordinal);
        return random.Next(3) == 0 ? "-" + text : text;
    }

    private static byte[] Changed(byte[] form, Random random, string[] values, string[] times)
    {
        string text = Encoding.UTF8.GetString(form);
        switch (random.Next(5))
        {
            case 0:
                text = text.Replace("63.56", values[random.Next(values.Length)], StringComparison.Ordinal).Replace("-0.125", values[random.Next(values.Length)], StringComparison.Ordinal).Replace("25", values[random.Next(values.Length)], StringComparison.Ordinal);
                break;
            case 1:
                text = text.Replace("2026-11-01T00:00:00.300413Z", times[random.Next(times.Length)], StringComparison.Ordinal).Replace("1793491200300", times[random.Next(times.Length)], StringComparison.Ordinal);
                break;
            case 2:
                text = text.Replace("63.56", (random.NextDouble() * 1000 - 500).ToString(random.Next(2) == 0 ? "F2" : "R", CultureInfo.InvariantCulture), StringComparison.Ordinal);
                break;
            case 3:
                byte[] bytes = [.. form];
                for (int i = random.Next(3); i >= 0; i--) bytes[random.Next(bytes.Length)] = (byte)random.Next(random.Next(2) == 0 ? 256 : 128);
                return bytes;
        }

        return Encoding.UTF8.GetBytes(text);
    }

    private bool Short(string record, out (int, long, double) reading) => Short(Encoding.UTF8.GetBytes(record), out reading);

    private bool Short(byte[] record, out (int, long, double) reading)
    {
        // On both sides of the record in turn lies memory that must not be touched.
        byte* at = ++_turn % 2 == 0 ? _memory.AtEnd(record) : _memory.AtStart(record);
        bool read = _shapes.TryRead(at, record.Length, out int slot, out long timeUs, out double value);
        reading = (slot, timeUs, value);
        _readings += 4;
        return read;
    }

    private (int, long, double)? Long(string record) => Long(Encoding.UTF8.GetBytes(record));

    /// <summary>Null unless the record is one reading that can be used.</summary>
    private (int, long, double)? Long(byte[] record)
    {
        byte* at = _memory.AtEnd(record);
        _decoder.Open(at, record.Length);
        (int, long, double)? only = null;
        int count = 0;
        while (_decoder.Next(out Reading reading, out Rejection rejection))
        {
            count++;
            if (rejection != Rejection.None) continue;
            int slot = _series.FindOrAdd(in reading);
            only = (slot, reading.TimeUs, reading.Value);
            if (_shapes.WantsToLearn && _decoder.IsWhole) _shapes.Learn(at, record.Length, in reading, slot, in _decoder.Time, in _decoder.Value, ++_readings);
        }

        return count == 1 ? only : null;
    }
}
