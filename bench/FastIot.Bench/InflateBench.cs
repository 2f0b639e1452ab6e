using BenchmarkDotNet.Attributes;
using FastIot.Kafka.Wire;
using FastIot.Kafka.Wire.Compression;
using FastIot.Simulation;

namespace FastIot.Bench;

/// <summary>
/// Gzip batches of one partition's records decompressed, ours against zlib-ng's streaming inflate; time per record. Forty thousand different
/// records are read in turn: a batch that is read again and again teaches the branch predictor its digits, and measures a third too little.
/// </summary>
[MemoryDiagnoser]
public unsafe class InflateBench
{
    private const int Records = 40_000;
    private const int Partitions = 10;
    private const int PrefixBytes = 8;
    private const int Most = 1 << 28;

    private readonly GzipDecompressor _ours = new();
    private readonly ZlibDecompressor _zlib = new();
    private readonly ByteBuffer _made = new();
    private readonly List<byte[]> _batches = [];

    [Params(100, 1_000, 10_000)]
    public int BatchRecords { get; set; }

    /// <summary>1: the fixed code, as the simulator sends; 6: codes of each block's own, as Java's producer does.</summary>
    [Params(1, 6)]
    public int Level { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        using var fleet = new Fleet(new FleetOptions { Sensors = 10_000 });
        var encoder = new ReadingEncoder();
        var readings = new SimulatedReading[Records * Partitions * 2];
        byte[] key = new byte[32], value = new byte[ReadingEncoder.MaxBytes];
        fleet.Fill(readings);
        using var builder = new RecordBatchBuilder(1 << 23);
        using var compressor = new BatchCompressor(BatchCodec.Gzip, Level);
        builder.Clear();
        foreach (SimulatedReading reading in readings.Where(r => r.Sensor % Partitions == 3).Take(Records))
        {
            builder.TryAppend(key.AsSpan(0, ReadingEncoder.Key(reading.Sensor, key)), value.AsSpan(0, encoder.Encode(in reading, value)), 1_793_577_600_000);
            if (builder.Count < BatchRecords) continue;
            builder.Seal(compressor, 0, 1, 0, 0);
            byte[] batch = GC.AllocateArray<byte>(builder.Sealed.Length - PrefixBytes - RecordBatch.HeaderBytes, pinned: true);
            builder.Sealed[^batch.Length..].CopyTo(batch);
            _batches.Add(batch);
            builder.Clear();
        }
    }

    [Benchmark(OperationsPerInvoke = Records)]
    public int Ours()
    {
        int bytes = 0;
        foreach (byte[] batch in _batches)
            fixed (byte* source = batch) bytes += _ours.Decompress(source, batch.Length, _made, Most);
        return bytes;
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Records)]
    public int ZlibNg()
    {
        int bytes = 0;
        foreach (byte[] batch in _batches)
            fixed (byte* source = batch) bytes += _zlib.Decompress(source, batch.Length, _made, Most);
        return bytes;
    }
}
