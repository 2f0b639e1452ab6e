using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace FastIot.Kafka.Wire.Compression;

/// <summary>
/// Snappy (format_description.txt): written as one plain block, as librdkafka does; read plain, or in the chunks that Java's SnappyOutputStream
/// writes (8 bytes of magic, two versions, then blocks with their sizes).
/// </summary>
internal readonly unsafe struct Snappy : ILzFormat
{
    private const int JavaHeaderBytes = 16;
    private const int LongestCopy = 64;

    private static ReadOnlySpan<byte> JavaMagic => [0x82, (byte)'S', (byte)'N', (byte)'A', (byte)'P', (byte)'P', (byte)'Y', 0];

    public static int Bound(int length) => 32 + length + length / 6;

    public static int Compress(byte* source, int length, byte* destination, ushort* table)
    {
        byte* to = destination;
        uint rest = (uint)length;
        for (; rest >= 0x80; rest >>= 7) *to++ = (byte)(rest | 0x80);
        *to++ = (byte)rest;
        for (int at = 0; at < length; at += LzMatcher.BlockBytes)
        {
            to = LzMatcher.Compress<Snappy>(source + at, Math.Min(length - at, LzMatcher.BlockBytes), to, table);
        }

        return (int)(to - destination);
    }

    /// <exception cref="CompressionException">Not snappy's, damaged, or larger than <paramref name="most"/>.</exception>
    public static int Decompress(byte* source, int length, ByteBuffer destination, int most)
    {
        if (length < JavaHeaderBytes || !new ReadOnlySpan<byte>(source, JavaMagic.Length).SequenceEqual(JavaMagic)) return Block(source, length, destination, 0, most);
        byte* end = source + length;
        int written = 0;
        for (byte* at = source + JavaHeaderBytes; at < end;)
        {
            int size = end - at < sizeof(int) ? -1 : BinaryPrimitives.ReadInt32BigEndian(new ReadOnlySpan<byte>(at, sizeof(int)));
            at += sizeof(int);
            if (size < 0 || size > end - at) throw new CompressionException($"snappy: a chunk of {size} bytes, {end - at} are there");
            written = Block(at, size, destination, written, most);
            at += size;
        }

        return written;
    }

    private static int Block(byte* at, int size, ByteBuffer destination, int written, int most)
    {
        byte* end = at + size;
        ulong length = 0;
        for (int shift = 0; ; shift += 7)
        {
            if (at == end || shift > 28) throw new CompressionException("snappy: no length");
            length |= (ulong)(*at & 0x7F) << shift;
            if (*at++ < 0x80) break;
        }

        if (length > (ulong)(most - written)) throw new CompressionException($"snappy: more than {most} bytes");
        destination.Reserve(written + (int)length, written);
        byte* to = destination.Pointer + written;
        if (!DecodeBlock(at, end, to, to + length)) throw new CompressionException("snappy: a damaged block");
        return written + (int)length;
    }

    /// <summary>Decodes the elements of one block of known length. Reads nothing past its end, writes up to 15 bytes past <paramref name="toEnd"/>.</summary>
    internal static bool DecodeBlock(byte* at, byte* end, byte* to, byte* toEnd)
    {
        byte* history = to;
        while (at < end)
        {
            uint tag = *at++;
            if ((tag & 3) == 0)
            {
                long literals = (tag >> 2) + 1;
                int extra = (int)literals - 60;
                if (extra > 0)
                {
                    if (extra > end - at) return false;
                    literals = Little(at, extra) + 1;
                    at += extra;
                }

                if (literals > end - at || literals > toEnd - to) return false;
                LzCopy.Literals(at, end, to, literals);
                at += literals;
                to += literals;
                continue;
            }

            int bytes = (tag & 3) == 3 ? 4 : (int)(tag & 3);
            if (bytes > end - at) return false;
            long offset = Little(at, bytes) | (bytes == 1 ? (tag & 0xE0) << 3 : 0);
            int match = bytes == 1 ? (int)(tag >> 2 & 7) + 4 : (int)(tag >> 2) + 1;
            at += bytes;
            if (offset == 0 || offset > to - history || match > toEnd - to) return false;
            LzCopy.Match(to, (int)offset, match);
            to += match;
        }

        return to == toEnd;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Sequence(byte* to, byte* literals, int literalLength, int offset, int matchLength)
    {
        if (literalLength > 0) to = Last(to, literals, literalLength);
        for (; matchLength >= LongestCopy + LzMatcher.ShortestMatch; matchLength -= LongestCopy) to = Copy(to, offset, LongestCopy);
        // So that at least four are left for the last one.
        if (matchLength > LongestCopy)
        {
            to = Copy(to, offset, LongestCopy - LzMatcher.ShortestMatch);
            matchLength -= LongestCopy - LzMatcher.ShortestMatch;
        }

        return Copy(to, offset, matchLength);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Last(byte* to, byte* literals, int length)
    {
        if (length == 0) return to;
        uint less = (uint)length - 1;
        if (less < 60)
        {
            *to++ = (byte)(less << 2);
        }
        else
        {
            byte* tag = to++;
            int bytes = 0;
            for (uint rest = less; rest > 0; rest >>= 8, bytes++) *to++ = (byte)rest;
            *tag = (byte)((59 + bytes) << 2);
        }

        LzCopy.Wild(literals, to, length);
        return to + length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Copy(byte* to, int offset, int length)
    {
        if (length < 12 && offset < 2048)
        {
            to[0] = (byte)(1 | (length - 4) << 2 | offset >> 8 << 5);
            to[1] = (byte)offset;
            return to + 2;
        }

        to[0] = (byte)(2 | (length - 1) << 2);
        *(ushort*)(to + 1) = (ushort)offset;
        return to + 3;
    }

    private static long Little(byte* at, int bytes)
    {
        long value = 0;
        for (int i = 0; i < bytes; i++) value |= (long)at[i] << 8 * i;
        return value;
    }
}
