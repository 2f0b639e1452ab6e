using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using FastIot.Decode;

namespace FastIot.Bench;

/// <summary>One record's bytes to one reading, against the framework's own reader.</summary>
[MemoryDiagnoser]
public unsafe class DecodeBench
{
    private readonly byte[] _usual = GC.AllocateArray<byte>(256, pinned: true);
    private readonly byte[] _reordered = GC.AllocateArray<byte>(256, pinned: true);
    private readonly ReadingDecoder _decoder = new(new DecodeOptions());
    private int _usualLength;
    private int _reorderedLength;

    [GlobalSetup]
    public void Setup()
    {
        _usualLength = Encoding.UTF8.GetBytes("{\"sensor_id\":\"sensor_000042\",\"timestamp\":\"2026-11-01T00:00:00.123456Z\",\"metric\":\"temperature\",\"value\":25.31,\"meta\":{\"unit\":\"celsius\",\"location\":\"zone_42\",\"is_anomaly\":false,\"anomaly_type\":null}}", _usual);
        _reorderedLength = Encoding.UTF8.GetBytes("{ \"value\": 25.31, \"meta\": { \"unit\": \"celsius\", \"location\": \"zone_42\" }, \"timestamp\": \"2026-11-01T00:00:00.123456Z\", \"metric\": \"temperature\", \"sensor_id\": \"sensor_000042\" }", _reordered);
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
