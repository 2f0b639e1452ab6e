using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace FastIot.Kafka.Wire.Compression;

/// <summary>
/// LZ4 blocks within LZ4 frames (lz4_Frame_format.md): written as independent blocks of 64 KiB without checksums, which all clients read; read
/// as anybody writes them, except with a dictionary. Checksums within the frame are passed over: the batch's own covers them.
/// </summary>
internal readonly unsafe struct Lz4 : ILzFormat
{
    private const uint Magic = 0x184D2204;
    private const uint Stored = 0x80000000;
    private const int Long = 15;

    /// <summary>Magic, version 1 with independent blocks, blocks of 64 KiB, checksum of these two bytes.</summary>
    private static ReadOnlySpan<byte> Header => [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x82];

    public static int Bound(int length) => length + length / 255 + 16 + Header.Length + (length / LzMatcher.BlockBytes + 2) * sizeof(int);

    public static int Compress(byte* source, int length, byte* destination, ushort* table)
    {
        Header.CopyTo(new Span<byte>(destination, Header.Length));
        byte* to = destination + Header.Length;
        for (int at = 0; at < length; at += LzMatcher.BlockBytes)
        {
            int block = Math.Min(length - at, LzMatcher.BlockBytes);
            int size = (int)(LzMatcher.Compress<Lz4>(source + at, block, to + sizeof(int), table) - to - sizeof(int));
            if (size >= block)
            {
                size = block;
                Unsafe.CopyBlockUnaligned(to + sizeof(int), source + at, (uint)block);
                BinaryPrimitives.WriteUInt32LittleEndian(new Span<byte>(to, sizeof(int)), (uint)size | Stored);
            }
            else
            {
                BinaryPrimitives.WriteInt32LittleEndian(new Span<byte>(to, sizeof(int)), size);
            }

            to += sizeof(int) + size;
        }

        BinaryPrimitives.WriteInt32LittleEndian(new Span<byte>(to, sizeof(int)), 0);
        return (int)(to + sizeof(int) - destination);
    }

    /// <exception cref="CompressionException">Not an LZ4 frame, damaged, or larger than <paramref name="most"/>.</exception>
    public static int Decompress(byte* source, int length, ByteBuffer destination, int most)
    {
        byte* at = source, end = source + length;
        (int blockBytes, bool blockChecksums) = ReadHeader(ref at, end);
        int written = 0;
        while (true)
        {
            if (end - at < sizeof(uint)) throw new CompressionException("lz4: the frame has no end");
            uint size = *(uint*)at;
            at += sizeof(uint);
            if (size == 0) return written;
            bool stored = (size & Stored) != 0;
            size &= ~Stored;
            if (size > end - at || size > blockBytes) throw new CompressionException($"lz4: a block of {size} bytes, {end - at} are there, {blockBytes} are allowed");
            destination.Reserve(written + blockBytes, written);
            byte* to = destination.Pointer + written;
            if (stored) Unsafe.CopyBlockUnaligned(to, at, size);
            int made = stored ? (int)size : DecodeBlock(at, at + size, destination.Pointer, to, to + blockBytes);
            if (made < 0) throw new CompressionException("lz4: a damaged block");
            written += made;
            if (written > most) throw new CompressionException($"lz4: more than {most} bytes");
            at += size + (blockChecksums ? sizeof(uint) : 0);
        }
    }

    /// <summary>Decodes one block; matches may reach back to <paramref name="history"/>. Reads nothing past its end, writes up to 15 bytes past <paramref name="toEnd"/>.</summary>
    /// <returns>Bytes made; −1 where the block is damaged.</returns>
    internal static int DecodeBlock(byte* at, byte* end, byte* history, byte* to, byte* toEnd)
    {
        byte* start = to;
        while (at < end)
        {
            uint token = *at++;
            long literals = token >> 4;
            if (literals == Long && !Extend(ref at, end, ref literals)) return -1;
            if (literals > end - at || literals > toEnd - to) return -1;
            LzCopy.Literals(at, end, to, literals);
            at += literals;
            to += literals;
            if (at == end) return (int)(to - start);
            if (end - at < sizeof(ushort)) return -1;
            int offset = *(ushort*)at;
            at += sizeof(ushort);
            long match = token & Long;
            if (match == Long && !Extend(ref at, end, ref match)) return -1;
            match += LzMatcher.ShortestMatch;
            if (offset == 0 || offset > to - history || match > toEnd - to) return -1;
            LzCopy.Match(to, offset, match);
            to += match;
        }

        // A block ends with literals.
        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Sequence(byte* to, byte* literals, int literalLength, int offset, int matchLength)
    {
        byte* token = to++;
        to = Text(to, literals, literalLength, token);
        *(ushort*)to = (ushort)offset;
        to += sizeof(ushort);
        int match = matchLength - LzMatcher.ShortestMatch;
        if (match < Long)
        {
            *token |= (byte)match;
            return to;
        }

        *token |= Long;
        return Extension(to, match - Long);
    }

    public static byte* Last(byte* to, byte* literals, int literalLength) => Text(to + 1, literals, literalLength, to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Text(byte* to, byte* literals, int length, byte* token)
    {
        *token = (byte)(Math.Min(length, Long) << 4);
        if (length >= Long) to = Extension(to, length - Long);
        LzCopy.Wild(literals, to, length);
        return to + length;
    }

    private static byte* Extension(byte* to, int rest)
    {
        for (; rest >= 255; rest -= 255) *to++ = 255;
        *to++ = (byte)rest;
        return to;
    }

    private static bool Extend(ref byte* at, byte* end, ref long length)
    {
        byte more;
        do
        {
            if (at == end) return false;
            more = *at++;
            length += more;
        }
        while (more == 255);
        return true;
    }

    private static (int BlockBytes, bool BlockChecksums) ReadHeader(ref byte* at, byte* end)
    {
        if (end - at < Header.Length || *(uint*)at != Magic) throw new CompressionException("lz4: no frame");
        int flags = at[4], sizes = at[5] >> 4 & 7;
        at += 6;
        if (flags >> 6 != 1) throw new CompressionException($"lz4: version {flags >> 6} of the frame format");
        if (sizes < 4) throw new CompressionException($"lz4: block size {sizes} is not defined");
        if ((flags & 1) != 0) throw new CompressionException("lz4: needs a dictionary");
        // The content's size, which may lie, and the header's checksum.
        at += ((flags & 8) != 0 ? sizeof(long) : 0) + 1;
        return (1 << (8 + 2 * sizes), (flags & 16) != 0);
    }
}
