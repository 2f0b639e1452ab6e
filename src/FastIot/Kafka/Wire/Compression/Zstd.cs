using ZstdSharp.Unsafe;

namespace FastIot.Kafka.Wire.Compression;

/// <summary>Zstandard, by the C# port of the reference code. One thread.</summary>
internal sealed unsafe class ZstdCompressor(int level) : IDisposable
{
    private ZSTD_CCtx_s* _context = Methods.ZSTD_createCCtx();

    public static int Bound(int length) => (int)Methods.ZSTD_compressBound((nuint)length);

    public int Compress(byte* source, int length, byte* destination, int room)
    {
        nuint size = Methods.ZSTD_compressCCtx(_context, destination, (nuint)room, source, (nuint)length, level);
        return Methods.ZSTD_isError(size) ? throw new CompressionException($"zstd: {Methods.ZSTD_getErrorName(size)}") : (int)size;
    }

    public void Dispose()
    {
        if (_context == null) return;
        Methods.ZSTD_freeCCtx(_context);
        _context = null;
        GC.SuppressFinalize(this);
    }

    ~ZstdCompressor() => Dispose();
}

/// <inheritdoc cref="ZstdCompressor"/>
internal sealed unsafe class ZstdDecompressor : IDisposable
{
    private ZSTD_DCtx_s* _context = Methods.ZSTD_createDCtx();

    /// <exception cref="CompressionException">Not zstd's, damaged, or larger than <paramref name="most"/>.</exception>
    public int Decompress(byte* source, int length, ByteBuffer destination, int most)
    {
        // Streams are written without their size; a size may also lie.
        ulong said = Methods.ZSTD_getFrameContentSize(source, (nuint)length);
        destination.Reserve((int)Math.Min(said <= (ulong)most ? said : (ulong)length * 16, (ulong)most) + 1);
        while (true)
        {
            nuint size = Methods.ZSTD_decompressDCtx(_context, destination.Pointer, (nuint)Math.Min(destination.Capacity, most), source, (nuint)length);
            if (!Methods.ZSTD_isError(size)) return (int)size;
            if (Methods.ZSTD_getErrorCode(size) != ZSTD_ErrorCode.ZSTD_error_dstSize_tooSmall) throw new CompressionException($"zstd: {Methods.ZSTD_getErrorName(size)}");
            if (destination.Capacity >= most) throw new CompressionException($"zstd: more than {most} bytes");
            destination.Reserve((int)Math.Min(destination.Capacity * 2L, most));
        }
    }

    public void Dispose()
    {
        if (_context == null) return;
        Methods.ZSTD_freeDCtx(_context);
        _context = null;
        GC.SuppressFinalize(this);
    }

    ~ZstdDecompressor() => Dispose();
}
