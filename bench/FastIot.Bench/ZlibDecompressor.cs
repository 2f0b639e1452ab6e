using System.Buffers.Binary;
using System.Runtime.InteropServices;
using FastIot.Kafka.Wire;
using FastIot.Kafka.Wire.Compression;

namespace FastIot.Bench;

/// <summary>
/// Reads gzip, or deflate without a frame, by the framework's zlib-ng with a state that is kept: what <see cref="Inflate"/> is measured against,
/// and in the tests judged by.
/// </summary>
internal sealed unsafe partial class ZlibDecompressor : IDisposable
{
    public const int Gzip = 31;
    public const int Raw = -15;

    private const int StreamEnd = 1;
    private const int BufferError = -5;
    private const int NoFlush = 0;
    private const string Library = "libSystem.IO.Compression.Native";

    private readonly int _window;
    private Zlib.State* _state = (Zlib.State*)NativeMemory.AllocZeroed((nuint)sizeof(Zlib.State));

    public ZlibDecompressor(int window = Gzip)
    {
        _window = window;
        int error = CompressionNative_InflateInit2_(_state, window);
        if (error != Zlib.Ok) throw new OutOfMemoryException($"zlib cannot start: {error}");
    }

    /// <summary>Bytes of the last source that were used.</summary>
    public int Used { get; private set; }

    /// <exception cref="CompressionException">Damaged, or larger than <paramref name="most"/>.</exception>
    public int Decompress(byte* source, int length, ByteBuffer destination, int most)
    {
        _ = CompressionNative_InflateReset2_(_state, _window);
        _state->NextIn = source;
        _state->AvailableIn = (uint)length;
        destination.Reserve(_window == Gzip ? Guess(source, length, most) : 1);
        for (int written = 0; ;)
        {
            int room = Math.Min(destination.Capacity, most) - written;
            _state->NextOut = destination.Pointer + written;
            _state->AvailableOut = (uint)room;
            int status = CompressionNative_Inflate(_state, NoFlush);
            written += room - (int)_state->AvailableOut;
            Used = length - (int)_state->AvailableIn;
            if (status == StreamEnd) return written;
            if (status is not (Zlib.Ok or BufferError) || _state->AvailableOut != 0) throw new CompressionException($"gzip: damaged ({status})");
            if (written == most) throw new CompressionException($"gzip: more than {most} bytes");
            destination.Reserve(Math.Min(most, Math.Max(written * 2, 1 << 16)), written);
        }
    }

    public void Dispose()
    {
        if (_state == null) return;
        _ = CompressionNative_InflateEnd(_state);
        NativeMemory.Free(_state);
        _state = null;
    }

    private static int Guess(byte* source, int length, int most)
    {
        if (length < sizeof(uint)) return 1;
        uint said = BinaryPrimitives.ReadUInt32LittleEndian(new ReadOnlySpan<byte>(source + length - sizeof(uint), sizeof(uint)));
        return (int)Math.Min(Math.Min(said, (long)length * 1032 + 64), most) + 1;
    }

    [LibraryImport(Library)]
    private static partial int CompressionNative_InflateInit2_(Zlib.State* state, int windowBits);

    [LibraryImport(Library)]
    private static partial int CompressionNative_Inflate(Zlib.State* state, int flush);

    [LibraryImport(Library)]
    private static partial int CompressionNative_InflateReset2_(Zlib.State* state, int windowBits);

    [LibraryImport(Library)]
    private static partial int CompressionNative_InflateEnd(Zlib.State* state);
}
