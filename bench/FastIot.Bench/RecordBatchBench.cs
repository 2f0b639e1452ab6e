using BenchmarkDotNet.Attributes;
using FastIot.Ingest;
using FastIot.Kafka.Wire;
using FastIot.Kafka.Wire.Compression;
using FastIot.Simulation;

namespace FastIot.Bench;

/// <summary>A batch of the wire format's records (64 KiB, about 300 of them) on its way to a broker and back; time per record.</summary>
[MemoryDiagnoser]
public unsafe class RecordBatchBench
{
    private const int Records = 300;
    private const int PrefixBytes = 8;

    private readonly (byte[] Key, byte[] Value)[] _readings = new (byte[], byte[])[Records];
    private readonly RecordBatchBuilder _builder = new(1 << 20);
    private readonly RecordReader _reader = new();
    private readonly BatchDecompressor _decompressor = new();
    private readonly ByteBuffer _decompressed = new();
    private readonly Record[] _records = new Record[Records];
    private BatchCompressor _compressor = null!;
    private byte[] _batch = [];

    [Params("None", "Gzip", "Snappy", "Lz4", "Zstd")]
    public string Codec { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        using var fleet = new Fleet(new FleetOptions { Sensors = 10_000 });
        var encoder = new ReadingEncoder();
        var readings = new SimulatedReading[Records];
        byte[] key = new byte[32], value = new byte[ReadingEncoder.MaxBytes];
        fleet.Fill(readings);
        for (int i = 0; i < Records; i++) _readings[i] = (key[..ReadingEncoder.Key(readings[i].Sensor, key)], value[..encoder.Encode(in readings[i], value)]);
        _compressor = new BatchCompressor(Enum.Parse<BatchCodec>(Codec), 0);
        Build();
        _batch = GC.AllocateArray<byte>(_builder.Sealed.Length - PrefixBytes, pinned: true);
        _builder.Sealed[PrefixBytes..].CopyTo(_batch);
    }

    /// <summary>Records written, compressed, checksummed.</summary>
    [Benchmark(OperationsPerInvoke = Records)]
    public int Build()
    {
        _builder.Clear();
        foreach ((byte[] key, byte[] value) in _readings) _builder.TryAppend(key, value, 1_793_577_600_000);
        _builder.Seal(_compressor, 0, 1, 0, 0);
        return _builder.Count;
    }

    /// <summary>Checked, decompressed, walked.</summary>
    [Benchmark(OperationsPerInvoke = Records)]
    public int Read()
    {
        fixed (byte* batch = _batch)
        {
            _reader.Release();
            _reader.Open(batch, _batch.Length, 0, 0, []);
            return _reader.Read(_records);
        }
    }

    /// <summary>Of <see cref="Read"/>: the decompression alone.</summary>
    [Benchmark(OperationsPerInvoke = Records)]
    public int Decompress()
    {
        if (_compressor.Codec == BatchCodec.None) return 0;
        fixed (byte* batch = _batch)
        {
            return _decompressor.Decompress(_compressor.Codec, batch + RecordBatch.HeaderBytes, _batch.Length - RecordBatch.HeaderBytes, _decompressed, 1 << 24);
        }
    }

    /// <summary>Of both: the checksum alone.</summary>
    [Benchmark(OperationsPerInvoke = Records)]
    public uint Checksum() => Crc32C.Of(_batch.AsSpan(RecordBatch.Attributes));
}
