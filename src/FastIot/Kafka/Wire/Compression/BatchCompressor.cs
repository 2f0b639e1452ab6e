namespace FastIot.Kafka.Wire.Compression;

/// <summary>Compresses the records of batches, with state that is kept. One thread; allocates nothing per batch.</summary>
internal sealed unsafe class BatchCompressor : IDisposable
{
    private readonly NativeArray<ushort>? _table;
    private readonly GzipCompressor? _gzip;
    private readonly ZstdCompressor? _zstd;

    /// <param name="level">Of gzip (1 to 9) and zstd (1 to 22); 0 = the fastest. The other codecs have none.</param>
    public BatchCompressor(BatchCodec codec, int level)
    {
        Codec = codec;
        if (codec is BatchCodec.Lz4 or BatchCodec.Snappy) _table = new NativeArray<ushort>(LzMatcher.TableLength);
        if (codec == BatchCodec.Gzip) _gzip = new GzipCompressor(level == 0 ? 1 : level);
        if (codec == BatchCodec.Zstd) _zstd = new ZstdCompressor(level == 0 ? 1 : level);
    }

    public BatchCodec Codec { get; }

    /// <summary>Most bytes that this many can become.</summary>
    public int Bound(int length) => Codec switch
    {
        BatchCodec.Gzip => GzipCompressor.Bound(length),
        BatchCodec.Snappy => Snappy.Bound(length),
        BatchCodec.Lz4 => Lz4.Bound(length),
        BatchCodec.Zstd => ZstdCompressor.Bound(length),
        _ => length,
    };

    /// <param name="source">Readable up to <see cref="ByteBuffer.Slack"/> bytes past its end.</param>
    /// <param name="destination">Writable up to <see cref="ByteBuffer.Slack"/> bytes past <paramref name="room"/>.</param>
    /// <param name="room">At least <see cref="Bound"/>.</param>
    /// <returns>Bytes written.</returns>
    public int Compress(byte* source, int length, byte* destination, int room) => Codec switch
    {
        BatchCodec.Gzip => _gzip!.Compress(source, length, destination, room),
        BatchCodec.Snappy => Snappy.Compress(source, length, destination, _table!.Pointer),
        BatchCodec.Lz4 => Lz4.Compress(source, length, destination, _table!.Pointer),
        BatchCodec.Zstd => _zstd!.Compress(source, length, destination, room),
        _ => throw new InvalidOperationException("nothing to compress with"),
    };

    public void Dispose()
    {
        _table?.Dispose();
        _gzip?.Dispose();
        _zstd?.Dispose();
    }
}

/// <summary>Decompresses the records of batches, with state that is kept. One thread; allocates nothing once its buffer has grown.</summary>
internal sealed unsafe class BatchDecompressor : IDisposable
{
    private GzipDecompressor? _gzip;
    private ZstdDecompressor? _zstd;

    /// <param name="most">Bytes that may come out.</param>
    /// <returns>Bytes in <paramref name="destination"/>.</returns>
    /// <exception cref="CompressionException">Damaged, larger than allowed, or of an unknown codec.</exception>
    public int Decompress(BatchCodec codec, byte* source, int length, ByteBuffer destination, int most) => codec switch
    {
        BatchCodec.Gzip => (_gzip ??= new()).Decompress(source, length, destination, most),
        BatchCodec.Snappy => Snappy.Decompress(source, length, destination, most),
        BatchCodec.Lz4 => Lz4.Decompress(source, length, destination, most),
        BatchCodec.Zstd => (_zstd ??= new()).Decompress(source, length, destination, most),
        _ => throw new CompressionException($"codec {(int)codec} is not known"),
    };

    public void Dispose()
    {
        _gzip?.Dispose();
        _zstd?.Dispose();
    }
}
