using System.Numerics;
using System.Runtime.InteropServices;

namespace FastIot.Kafka.Wire.Compression;

/// <summary>
/// Tables that a deflate block's symbols are looked up in: of literals and lengths, and behind it that of distances, so that one register holds both.
/// </summary>
/// <remarks>
/// <code>
///  31       30 ... 16   15       14        13    11 ... 8            7 ... 0
/// +--------+-----------+--------+---------+-----+-------------------+------------------------------------+
/// |literal | value     | special| subtable| end | bits of the code  | bits to consume: code and extra    |
/// +--------+-----------+--------+---------+-----+-------------------+------------------------------------+
/// </code>
/// The value is the literal, or what the extra bits are added to. Special are the end of the block, codes that may not be used, literals of
/// the fixed code that have nine bits, and codes longer than the table's index: of these the value is where the subtable begins, and bits 11 to 8
/// are the bits of its index.
/// </remarks>
internal static unsafe class InflateCode
{
    public const uint Literal = 1u << 31;
    public const uint Special = 1u << 15;
    public const uint Subtable = 1u << 14;
    public const uint EndOfBlock = 1u << 13;
    public const int ValueShift = 16;
    public const int CodeShift = 8;
    public const uint CodeMask = 15;

    /// <summary>In the fixed code: what the entries of literals of eight bits have in common.</summary>
    public const uint FixedLiteral = Literal | 8;

    public const uint FixedLiteralMask = Literal | 0xFF;

    public const int MostCodeBits = 15;
    public const int LengthSymbols = 288;
    public const int DistanceSymbols = 32;
    public const int EndSymbol = 256;
    public const int LengthBits = 10;
    public const int DistanceBits = 8;

    /// <summary>
    /// A subtable whose index has k bits holds at least k + 1 codes: 288 codes make at most 288 * 32 / 6 = 1536 entries of subtables of
    /// five bits, 32 codes at most 32 * 128 / 8 = 512 of seven.
    /// </summary>
    public const int DistanceTable = (1 << LengthBits) + 1536;

    public const int TableLength = DistanceTable + (1 << DistanceBits) + 512;

    private const int FirstLongLiteral = 144;
    private const int FirstShortLength = 280;
    private const int LastLiteral = 255;

    private static readonly uint* LengthEntries = Describe();

    /// <summary>Entry of each distance symbol, but for the bits of its code.</summary>
    private static readonly uint* DistanceEntries = LengthEntries + LengthSymbols;

    /// <summary>Tables of the code that RFC 1951 fixes (3.2.6).</summary>
    public static readonly uint* Fixed = BuildFixed();

    private static ReadOnlySpan<ushort> LengthBases => [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];

    private static ReadOnlySpan<byte> LengthExtraBits => [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    /// <summary>Builds the table of literals and lengths.</summary>
    /// <returns>Whether the lengths are those of a code.</returns>
    public static bool BuildLengths(uint* table, byte* lengths, int count) => Build(table, LengthBits, lengths, count, LengthEntries, mayBeIncomplete: true);

    /// <summary>Builds the table of distances, behind that of lengths.</summary>
    public static bool BuildDistances(uint* table, byte* lengths, int count) => Build(table + DistanceTable, DistanceBits, lengths, count, DistanceEntries, mayBeIncomplete: true);

    /// <param name="entries">Of each symbol, but for the bits of its code.</param>
    /// <param name="mayBeIncomplete">Whether one code of one bit, or none at all, is enough; what is missing is then invalid.</param>
    public static bool Build(uint* table, int indexBits, byte* lengths, int count, uint* entries, bool mayBeIncomplete)
    {
        int* counts = stackalloc int[MostCodeBits + 1];
        ushort* sorted = stackalloc ushort[LengthSymbols];
        new Span<int>(counts, MostCodeBits + 1).Clear();
        for (int symbol = 0; symbol < count; symbol++) counts[lengths[symbol]]++;
        int longest = MostCodeBits;
        while (longest > 0 && counts[longest] == 0) longest--;
        int left = 1;
        for (int bits = 1; bits <= MostCodeBits; bits++)
        {
            left = (left << 1) - counts[bits];
            if (left < 0) return false;
        }

        if (left > 0)
        {
            if (!mayBeIncomplete || longest > 1) return false;
            new Span<uint>(table, 1 << indexBits).Fill(Special | 1);
        }

        Sort(sorted, counts, lengths, count);
        if (left == 0) Fill(table, indexBits, sorted, counts, longest, entries);
        else if (longest == 1) for (int i = 0; i < 1 << indexBits; i += 2) table[i] = Entry(entries[sorted[0]], 1);
        return true;
    }

    /// <summary>Symbols by the length of their code, and then as they come.</summary>
    private static void Sort(ushort* sorted, int* counts, byte* lengths, int count)
    {
        int* next = stackalloc int[MostCodeBits + 1];
        next[1] = 0;
        for (int bits = 1; bits < MostCodeBits; bits++) next[bits + 1] = next[bits] + counts[bits];
        for (int symbol = 0; symbol < count; symbol++)
            if (lengths[symbol] != 0) sorted[next[lengths[symbol]]++] = (ushort)symbol;
    }

    /// <summary>
    /// Codes come first bit first, so the index is the code reversed. The table is filled for codes of one bit, doubled for those of two, and
    /// so on: an entry is written once, and copied by vectors.
    /// </summary>
    private static void Fill(uint* table, int indexBits, ushort* sorted, int* counts, int longest, uint* entries)
    {
        uint reversed = 0;
        for (int bits = 1; bits <= indexBits; bits++)
        {
            int half = 1 << (bits - 1);
            if (bits > 1) new Span<uint>(table, half).CopyTo(new Span<uint>(table + half, half));
            for (int n = counts[bits]; n > 0; n--)
            {
                table[reversed] = Entry(entries[*sorted++], bits);
                reversed = Next(reversed, bits);
            }
        }

        uint* subtable = table + (1 << indexBits);
        uint mask = (1u << indexBits) - 1, prefix = uint.MaxValue;
        for (int bits = indexBits + 1, subtableBits = 0; bits <= longest; bits++)
        {
            for (int n = counts[bits]; n > 0; n--)
            {
                if ((reversed & mask) != prefix)
                {
                    if (prefix != uint.MaxValue) subtable += 1 << subtableBits;
                    prefix = reversed & mask;
                    subtableBits = SubtableBits(counts, bits, n, indexBits);
                    table[prefix] = (uint)(subtable - table) << ValueShift | Special | Subtable | (uint)subtableBits << CodeShift | (uint)indexBits;
                }

                uint entry = Entry(entries[*sorted++], bits - indexBits);
                for (uint i = reversed >> indexBits; i < 1u << subtableBits; i += 1u << (bits - indexBits)) subtable[i] = entry;
                reversed = Next(reversed, bits);
            }
        }
    }

    /// <summary>As many bits as it takes that the codes to come, of <paramref name="bits"/> bits and longer, fill the subtable.</summary>
    private static int SubtableBits(int* counts, int bits, int remaining, int indexBits)
    {
        int index = bits - indexBits;
        for (int room = (1 << index) - remaining; room > 0;)
        {
            index++;
            room = (room << 1) - counts[index + indexBits];
        }

        return index;
    }

    private static uint Entry(uint symbol, int bits) => symbol + ((uint)bits << CodeShift | (uint)bits);

    /// <summary>The reversed code that follows: one is added at its highest bit, and carried downwards. After the last one it is without meaning.</summary>
    private static uint Next(uint reversed, int bits)
    {
        uint zeros = ~reversed & ((1u << bits) - 1);
        if (zeros == 0) return 0;
        uint highest = 1u << BitOperations.Log2(zeros);
        return reversed & (highest - 1) | highest;
    }

    private static uint* Describe()
    {
        uint* lengths = (uint*)NativeMemory.AllocZeroed(LengthSymbols + DistanceSymbols, sizeof(uint)), distances = lengths + LengthSymbols;
        for (int i = 0; i <= LastLiteral; i++) lengths[i] = Literal | (uint)i << ValueShift;
        lengths[EndSymbol] = Special | EndOfBlock;
        for (int i = 0; i < LengthBases.Length; i++) lengths[EndSymbol + 1 + i] = (uint)LengthBases[i] << ValueShift | LengthExtraBits[i];
        for (int i = EndSymbol + 1 + LengthBases.Length; i < LengthSymbols; i++) lengths[i] = Special;
        uint distance = 1;
        for (int i = 0; i < DistanceSymbols - 2; i++)
        {
            uint extra = (uint)Math.Max(0, i / 2 - 1);
            distances[i] = distance << ValueShift | extra;
            distance += 1u << (int)extra;
        }

        for (int i = DistanceSymbols - 2; i < DistanceSymbols; i++) distances[i] = Special;
        return lengths;
    }

    private static uint* BuildFixed()
    {
        uint* table = (uint*)NativeMemory.AlignedAlloc(TableLength * sizeof(uint), 64);
        byte* lengths = stackalloc byte[LengthSymbols];
        for (int i = 0; i < LengthSymbols; i++) lengths[i] = (byte)(i < FirstLongLiteral ? 8 : i <= LastLiteral ? 9 : i < FirstShortLength ? 7 : 8);
        BuildLengths(table, lengths, LengthSymbols);
        for (int i = 0; i < 1 << LengthBits; i++)
            if ((table[i] & Literal) != 0 && (table[i] & FixedLiteralMask) != FixedLiteral) table[i] |= Special;
        new Span<byte>(lengths, DistanceSymbols).Fill(5);
        BuildDistances(table, lengths, DistanceSymbols);
        return table;
    }
}
