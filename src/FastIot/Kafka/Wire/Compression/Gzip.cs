using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FastIot.Kafka.Wire.Compression;

/// <summary>
/// Writes by the zlib-ng that every .NET program brings along, through the entry points of the framework's own streams: these would allocate a
/// state per batch, which is kept here. The native binary has it linked in. What it writes is read by <see cref="Inflate"/>.
/// </summary>
internal static unsafe partial class Zlib
{
    public const int Ok = 0;
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

/// <summary>Reads the first gzip member (RFC 1952) and leaves out what follows it, as zlib does. One thread.</summary>
internal sealed unsafe class GzipDecompressor : IDisposable
{
    private const int HeaderBytes = 10;
    private const int TrailerBytes = 8;
    private const byte Deflated = 8;

    private readonly Inflate _inflate = new();

    [Flags]
    private enum HeaderFlags
    {
        Checksum = 2,
        Extra = 4,
        Name = 8,
        Comment = 16,
        Reserved = 0xE0,
    }

    /// <exception cref="CompressionException">Not gzip's, damaged, or larger than <paramref name="most"/>.</exception>
    public int Decompress(byte* source, int length, ByteBuffer destination, int most)
    {
        int header = Header(new ReadOnlySpan<byte>(source, length));
        int written = _inflate.Read(source + header, length - header, destination, Guess(source, length, most), most);
        ReadOnlySpan<byte> trailer = _inflate.Rest;
        if (trailer.Length < TrailerBytes) throw Inflate.Damaged("it ends too early");
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != _inflate.Checksum) throw Inflate.Damaged("incorrect data check");
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer[sizeof(uint)..]) != (uint)written) throw Inflate.Damaged("incorrect length check");
        return written;
    }

    public void Dispose() => _inflate.Dispose();

    /// <summary>Checks the header.</summary>
    /// <returns>Its length: at least <see cref="HeaderBytes"/>.</returns>
    private static int Header(ReadOnlySpan<byte> source)
    {
        if (source.Length < HeaderBytes) throw Inflate.Damaged("it ends too early");
        if (source[0] != 0x1F || source[1] != 0x8B) throw Inflate.Damaged("incorrect header check");
        if (source[2] != Deflated) throw Inflate.Damaged("unknown compression method");
        var flags = (HeaderFlags)source[3];
        if ((flags & HeaderFlags.Reserved) != 0) throw Inflate.Damaged("unknown header flags set");
        int at = HeaderBytes;
        if ((flags & HeaderFlags.Extra) != 0)
        {
            int bytes = source.Length - at < sizeof(ushort) ? source.Length : BinaryPrimitives.ReadUInt16LittleEndian(source[at..]);
            at += sizeof(ushort) + bytes;
        }

        if ((flags & HeaderFlags.Name) != 0) at = TextEnd(source, at);
        if ((flags & HeaderFlags.Comment) != 0) at = TextEnd(source, at);
        if ((flags & HeaderFlags.Checksum) != 0)
        {
            if (source.Length - at < sizeof(ushort)) throw Inflate.Damaged("it ends too early");
            fixed (byte* bytes = source)
            {
                if ((ushort)Zlib.CompressionNative_Crc32(0, bytes, at) != BinaryPrimitives.ReadUInt16LittleEndian(source[at..])) throw Inflate.Damaged("header crc mismatch");
            }

            at += sizeof(ushort);
        }

        return at <= source.Length ? at : throw Inflate.Damaged("it ends too early");
    }

    /// <summary>Behind a text that ends with a zero.</summary>
    private static int TextEnd(ReadOnlySpan<byte> source, int at)
    {
        int length = at <= source.Length ? source[at..].IndexOf((byte)0) : -1;
        return length >= 0 ? at + length + 1 : throw Inflate.Damaged("it ends too early");
    }

    /// <summary>The last four bytes say how much comes out. They may lie: believed within deflate's own limit of about 1,032 to 1.</summary>
    private static int Guess(byte* source, int length, int most)
    {
        uint said = BinaryPrimitives.ReadUInt32LittleEndian(new ReadOnlySpan<byte>(source + length - sizeof(uint), sizeof(uint)));
        return (int)Math.Min(Math.Min(said, (long)length * 1032 + 64), most);
    }
}
