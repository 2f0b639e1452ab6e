using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FastIot.Kafka.Wire.Compression;

/// <summary>
/// Gzip by the zlib-ng that every .NET program brings along, through the entry points of the framework's own streams: these would allocate a
/// state per batch, which is kept here. The native binary has it linked in.
/// </summary>
internal static unsafe partial class Zlib
{
    public const int Ok = 0;
    public const int StreamEnd = 1;
    public const int BufferError = -5;
    public const int NoFlush = 0;
    public const int FullFlush = 3;

    private const string Library = "libSystem.IO.Compression.Native";

    /// <summary>PAL_ZStream of the framework's pal_zlib.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct State
    {
        public byte* NextIn;
        public byte* NextOut;
        public byte* Message;
        public void* Internal;
        public uint AvailableIn;
        public uint AvailableOut;
    }

    [LibraryImport(Library)]
    public static partial int CompressionNative_DeflateInit2_(State* state, int level, int method, int windowBits, int memoryLevel, int strategy);

    [LibraryImport(Library)]
    public static partial int CompressionNative_Deflate(State* state, int flush);

    [LibraryImport(Library)]
    public static partial int CompressionNative_DeflateEnd(State* state);

    [LibraryImport(Library)]
    public static partial uint CompressionNative_Crc32(uint crc, byte* bytes, int length);

    [LibraryImport(Library)]
    public static partial int CompressionNative_InflateInit2_(State* state, int windowBits);

    [LibraryImport(Library)]
    public static partial int CompressionNative_Inflate(State* state, int flush);

    [LibraryImport(Library)]
    public static partial int CompressionNative_InflateReset2_(State* state, int windowBits);

    [LibraryImport(Library)]
    public static partial int CompressionNative_InflateEnd(State* state);
}

/// <summary>Writes gzip members. One thread.</summary>
internal sealed unsafe class GzipCompressor : IDisposable
{
    private const int Deflated = 8;
    private const int RawWindow = -15;
    private const int MemoryLevel = 8;
    private const int TrailerBytes = 8;

    private Zlib.State* _state = (Zlib.State*)NativeMemory.AllocZeroed((nuint)sizeof(Zlib.State));

    public GzipCompressor(int level)
    {
        int error = Zlib.CompressionNative_DeflateInit2_(_state, level, Deflated, RawWindow, MemoryLevel, strategy: 0);
        if (error != Zlib.Ok) throw new OutOfMemoryException($"zlib cannot start: {error}");
    }

    /// <summary>Magic, deflate, no flags, no time, fastest, unknown system.</summary>
    private static ReadOnlySpan<byte> Header => [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 0xFF];

    /// <summary>A last block with nothing in it, in fixed codes.</summary>
    private static ReadOnlySpan<byte> EmptyBlock => [0x03, 0x00];

    public static int Bound(int length) => length + length / 8 + 256;

    /// <summary>
    /// One stream goes on for ever, since the framework exports no reset for it: after a full flush nothing refers to what was before, and an
    /// empty last block makes the piece complete.
    /// </summary>
    public int Compress(byte* source, int length, byte* destination, int room)
    {
        Header.CopyTo(new Span<byte>(destination, Header.Length));
        byte* end = destination + room - TrailerBytes - EmptyBlock.Length;
        _state->NextIn = source;
        _state->AvailableIn = (uint)length;
        _state->NextOut = destination + Header.Length;
        _state->AvailableOut = (uint)(end - _state->NextOut);
        int error = Zlib.CompressionNative_Deflate(_state, Zlib.FullFlush);
        if (error != Zlib.Ok || _state->AvailableIn != 0 || _state->AvailableOut == 0) throw new CompressionException($"gzip: {length} bytes do not fit into {room} ({error})");
        byte* to = _state->NextOut;
        EmptyBlock.CopyTo(new Span<byte>(to, EmptyBlock.Length));
        to += EmptyBlock.Length;
        BinaryPrimitives.WriteUInt32LittleEndian(new Span<byte>(to, sizeof(uint)), Zlib.CompressionNative_Crc32(0, source, length));
        BinaryPrimitives.WriteInt32LittleEndian(new Span<byte>(to + sizeof(uint), sizeof(int)), length);
        return (int)(to + TrailerBytes - destination);
    }

    public void Dispose()
    {
        if (_state == null) return;
        Zlib.CompressionNative_DeflateEnd(_state);
        NativeMemory.Free(_state);
        _state = null;
        GC.SuppressFinalize(this);
    }

    ~GzipCompressor() => Dispose();
}

/// <summary>Reads gzip members. One thread.</summary>
internal sealed unsafe class GzipDecompressor : IDisposable
{
    private const int GzipWindow = 31;

    private Zlib.State* _state = (Zlib.State*)NativeMemory.AllocZeroed((nuint)sizeof(Zlib.State));

    public GzipDecompressor()
    {
        int error = Zlib.CompressionNative_InflateInit2_(_state, GzipWindow);
        if (error != Zlib.Ok) throw new OutOfMemoryException($"zlib cannot start: {error}");
    }

    /// <exception cref="CompressionException">Not gzip's, damaged, or larger than <paramref name="most"/>.</exception>
    public int Decompress(byte* source, int length, ByteBuffer destination, int most)
    {
        Zlib.CompressionNative_InflateReset2_(_state, GzipWindow);
        _state->NextIn = source;
        _state->AvailableIn = (uint)length;
        destination.Reserve(Guess(source, length, most));
        for (int written = 0; ;)
        {
            int room = Math.Min(destination.Capacity, most) - written;
            _state->NextOut = destination.Pointer + written;
            _state->AvailableOut = (uint)room;
            int status = Zlib.CompressionNative_Inflate(_state, Zlib.NoFlush);
            written += room - (int)_state->AvailableOut;
            if (status == Zlib.StreamEnd) return written;
            if (status is not (Zlib.Ok or Zlib.BufferError) || _state->AvailableOut != 0) throw new CompressionException($"gzip: damaged ({(_state->Message == null ? $"error {status}" : Marshal.PtrToStringUTF8((nint)_state->Message))})");
            if (written == most) throw new CompressionException($"gzip: more than {most} bytes");
            destination.Reserve(Math.Min(most, Math.Max(written * 2, 1 << 16)), written);
        }
    }

    public void Dispose()
    {
        if (_state == null) return;
        Zlib.CompressionNative_InflateEnd(_state);
        NativeMemory.Free(_state);
        _state = null;
        GC.SuppressFinalize(this);
    }

    ~GzipDecompressor() => Dispose();

    /// <summary>The last four bytes say how much comes out. They may lie: believed within deflate's own limit of about 1,032 to 1.</summary>
    private static int Guess(byte* source, int length, int most)
    {
        if (length < sizeof(uint)) return 1;
        uint said = BinaryPrimitives.ReadUInt32LittleEndian(new ReadOnlySpan<byte>(source + length - sizeof(uint), sizeof(uint)));
        return (int)Math.Min(Math.Min(said, (long)length * 1032 + 64), most) + 1;
    }
}
