using System.Numerics;
using System.Runtime.CompilerServices;

namespace FastIot.Kafka.Wire.Compression;

/// <summary>How a format writes what the matcher finds.</summary>
internal unsafe interface ILzFormat
{
    /// <summary>Writes literals, then a match of at least <see cref="LzMatcher.ShortestMatch"/> bytes.</summary>
    /// <returns>Where the next one goes.</returns>
    static abstract byte* Sequence(byte* destination, byte* literals, int literalLength, int offset, int matchLength);

    /// <summary>Writes the literals at the end of a block.</summary>
    static abstract byte* Last(byte* destination, byte* literals, int literalLength);
}

/// <summary>
/// Finds repetitions greedily by a hash of five bytes, one candidate each, faster over data that has none: what LZ4 and Snappy share. A
/// block has at most 64 KiB, so that positions fit 16 bits and the table the first-level cache.
/// </summary>
internal static unsafe class LzMatcher
{
    public const int BlockBytes = 1 << 16;
    public const int TableLength = 1 << TableBits;
    public const int ShortestMatch = 4;

    private const int TableBits = 13;
    private const ulong Multiplier = 0x9E3779B97F4A7C15;

    /// <summary>LZ4's rules for the end of a block: the last match begins this many bytes before it at least,</summary>
    private const int LastMatch = 12;

    /// <summary>and this many bytes are literals.</summary>
    private const int LastLiterals = 5;

    /// <summary>Misses until the search makes larger steps.</summary>
    private const int Patience = 64;

    /// <summary>Compresses one block. Reads up to 16 bytes past its end, writes up to 32 past what it returns.</summary>
    /// <param name="table">Scratch of <see cref="TableLength"/>.</param>
    /// <returns>End of what was written.</returns>
    public static byte* Compress<TFormat>(byte* source, int length, byte* destination, ushort* table) where TFormat : struct, ILzFormat
    {
        byte* anchor = source;
        if (length > LastMatch)
        {
            new Span<ushort>(table, TableLength).Clear();
            byte* end = source + length, matchEnd = end - LastLiterals, startEnd = end - LastMatch, at = source + 1;
            while (at <= startEnd && Find(source, ref at, startEnd, table, out byte* match))
            {
                while (at > anchor && match > source && at[-1] == match[-1])
                {
                    at--;
                    match--;
                }

                int matchLength = ShortestMatch + Common(at + ShortestMatch, match + ShortestMatch, matchEnd);
                destination = TFormat.Sequence(destination, anchor, (int)(at - anchor), (int)(at - match), matchLength);
                at += matchLength;
                anchor = at;
                table[Hash(*(ulong*)(at - 2))] = (ushort)(at - 2 - source);
            }
        }

        return TFormat.Last(destination, anchor, (int)(source + length - anchor));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Find(byte* source, ref byte* at, byte* startEnd, ushort* table, out byte* match)
    {
        byte* here = at;
        int steps = Patience;
        do
        {
            ulong word = *(ulong*)here;
            ushort* entry = table + Hash(word);
            match = source + *entry;
            *entry = (ushort)(here - source);
            if (*(uint*)match == (uint)word)
            {
                at = here;
                return true;
            }

            here += steps++ / Patience;
        }
        while (here <= startEnd);
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Hash(ulong word) => (uint)((word << 24) * Multiplier >> (64 - TableBits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Common(byte* at, byte* match, byte* end)
    {
        byte* start = at;
        while (at + sizeof(ulong) <= end)
        {
            ulong differ = *(ulong*)at ^ *(ulong*)match;
            if (differ != 0) return (int)(at - start) + BitOperations.TrailingZeroCount(differ) / 8;
            at += sizeof(ulong);
            match += sizeof(ulong);
        }

        while (at < end && *at == *match)
        {
            at++;
            match++;
        }

        return (int)(at - start);
    }
}
