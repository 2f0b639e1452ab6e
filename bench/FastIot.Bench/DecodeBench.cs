using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using FastIot.Decode;
using FastIot.Series;

namespace FastIot.Bench;

/// <summary>One record's bytes to one reading, against the framework's own reader.</summary>
[MemoryDiagnoser]
public unsafe class DecodeBench
{
    private readonly byte[] _usual = GC.AllocateArray<byte>(256, pinned: true);
    private readonly byte[] _reordered = GC.AllocateArray<byte>(256, pinned: true);
    private readonly ReadingDecoder _decoder = new(new DecodeOptions());
    private readonly SeriesTable _series = new(1024);
    private RecordShapes _shapes = null!;
    private int _usualLength;
    private int _reorderedLength;

    [GlobalSetup]
    public void Setup()
    {
        _usualLength = Encoding.UTF8.GetBytes("{\"sensor_id\":\"sensor_000042\",\"timestamp\":\"2026-11-01T00:00:00.123456Z\",\"metric\":\"temperature\",\"value\":25.31,\"meta\":{\"unit\":\"celsius\",\"location\":\"zone_42\",\"is_anomaly\":false,\"anomaly_type\":null}}", _usual);
        _reorderedLength = Encoding.UTF8.GetBytes("{ \"value\": 25.31, \"meta\": { \"unit\": \"celsius\", \"location\": \"zone_42\" }, \"timestamp\": \"2026-11-01T00:00:00.123456Z\", \"metric\": \"temperature\", \"sensor_id\": \"sensor_000042\" }", _reordered);
        Learn();
    }

    [Benchmark(Baseline = true)]
    public double Utf8JsonReader()
    {
        var reader = new Utf8JsonReader(_usual.AsSpan(0, _usualLength));
        double value = 0;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("value"u8))
            {
                reader.Read();
                value = reader.GetDouble();
            }
        }

        return value;
    }

    [Benchmark]
    public double Usual() => Decode(_usual, _usualLength);

    [Benchmark]
    public double Reordered() => Decode(_reordered, _reorderedLength);

    /// <summary>The usual record by its series' shape, its slot included.</summary>
    [Benchmark]
    public double ByShape()
    {
        fixed (byte* p = _usual) return _shapes.TryRead(p, _usualLength, out _, out _, out double value) ? value : throw new InvalidOperationException("it has no shape");
    }

    private void Learn()
    {
        _shapes = new RecordShapes(_series, TimestampUnit.Auto);
        fixed (byte* p = _usual)
        {
            _decoder.Open(p, _usualLength);
            _decoder.Next(out Reading reading, out _);
            _shapes.Learn(p, _usualLength, in reading, _series.FindOrAdd(in reading), in _decoder.Time, in _decoder.Value, 1);
        }
    }

    private double Decode(byte[] record, int length)
    {
        fixed (byte* p = record)
        {
            _decoder.Open(p, length);
            _decoder.Next(out Reading reading, out _);
            return reading.Value;
        }
    }
}
