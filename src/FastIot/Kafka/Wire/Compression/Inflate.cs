using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace FastIot.Kafka.Wire.Compression;

/// <summary>
/// Reads deflate (RFC 1951) where all of it is in memory and all that comes out stays there: no window, no state between calls. What limits
/// it is the chain from one symbol to where the next one begins, and branches that are guessed wrong; so each symbol with its extra bits is one
/// look-up, the next one is begun before the match is copied, and most matches are copied without a branch on their length. One thread.
/// </summary>
internal sealed unsafe partial class Inflate : IDisposable
{
    /// <summary>
    /// Bytes of input that a turn of the loop may load: it consumes at most 68 bits (two literals of ten, a length of 20, a distance of 28), keeps
    /// at most 63, and loads eight bytes at a time, which makes 25.
    /// </summary>
    private const int InputSlack = 32;

    /// <summary>Bytes that a turn of the loop may write, not counting <see cref="ByteBuffer.Slack"/>: literals and the longest match.</summary>
    private const int OutputSlack = 2 + 258;

    /// <summary>So much is checksummed at a time, while it is in the second-level cache.</summary>
    private const int ChecksumBytes = 1 << 16;

    private const int TailBytes = 128;
    private const int RewindBytes = 8;

    private readonly NativeArray<uint> _table = new(InflateCode.TableLength);
    private readonly NativeArray<byte> _tail = new(TailBytes);
    private uint* _codes;
    private ulong _bits;
    private uint _count;
    private byte* _in;
    private byte* _inEnd;
    private bool _inTail;
    private ByteBuffer _to = null!;
    private byte* _out;
    private byte* _outStart;
    private byte* _outLimit;
    private int _most;
    private int _checked;
    private uint _checksum;

    /// <summary>Which of the two codes a block is in: the loop is compiled for each.</summary>
    private interface ICode
    {
        static abstract bool IsFixed { get; }
    }

    /// <summary>What follows the last block.</summary>
    public ReadOnlySpan<byte> Rest => new(_in, (int)(_inEnd - _in));

    /// <summary>CRC-32 of what came out.</summary>
    public uint Checksum => _checksum;

    /// <summary>Reads blocks up to the last one.</summary>
    /// <param name="source">At least <see cref="RewindBytes"/> readable bytes are before it.</param>
    /// <param name="expected">Bytes that probably come out.</param>
    /// <param name="most">Bytes that may come out.</param>
    /// <returns>Bytes in <paramref name="destination"/>.</returns>
    /// <exception cref="CompressionException">Damaged, cut off, or larger than allowed.</exception>
    public int Read(byte* source, int length, ByteBuffer destination, int expected, int most)
    {
        _in = source;
        _inEnd = source + length;
        _inTail = false;
        _bits = 0;
        _count = 0;
        _to = destination;
        _most = most;
        _checked = 0;
        _checksum = 0;
        destination.Reserve(Math.Min(expected, most) + OutputSlack + 1);
        Place(0);
        bool last;
        do
        {
            last = Take(1) != 0;
            switch (Take(2))
            {
                case 0:
                    Stored();
                    break;
                case 1:
                    _codes = InflateCode.Fixed;
                    Symbols<FixedCode>();
                    break;
                case 2:
                    ReadCodes();
                    _codes = _table.Pointer;
                    Symbols<OwnCode>();
                    break;
                default:
                    throw Damaged("invalid block type");
            }
        }
        while (!last);
        ToByte();
        Check();
        int written = (int)(_out - _outStart);
        if (written > most) ThrowTooLarge();
        return written;
    }

    public void Dispose()
    {
        _table.Dispose();
        _tail.Dispose();
    }

    internal static CompressionException Damaged(string how) => new($"gzip: damaged ({how})");

    [DoesNotReturn]
    private static void ThrowDamaged(string how) => throw Damaged(how);

    [DoesNotReturn]
    private void ThrowTooLarge() => throw new CompressionException($"gzip: more than {_most} bytes");

    /// <summary>Symbols of a block up to its end: the fast loop where there is room on both sides, else one by one.</summary>
    private void Symbols<TCode>()
        where TCode : struct, ICode
    {
        while (true)
        {
            byte* outFast = _outLimit - OutputSlack, checkAt = _outStart + _checked + ChecksumBytes;
            if (!_inTail && _in <= _inEnd - InputSlack && _out <= outFast)
            {
                if (Fast<TCode>(_inEnd - InputSlack, checkAt < outFast ? checkAt : outFast)) return;
                if (_out > checkAt) Check();
            }
            else if (Symbol())
            {
                return;
            }
        }
    }

    /// <summary>
    /// From <paramref name="inLast"/> and <paramref name="outLast"/> on no turn is begun. Fifty-six bits are there after a refill: enough for three
    /// literals out of the table itself, or a length and a distance out of the tables themselves with the next index. Behind a subtable another
    /// refill makes up for the longer code.
    /// </summary>
    /// <returns>Whether the block has ended.</returns>
    private bool Fast<TCode>(byte* inLast, byte* outLast)
        where TCode : struct, ICode
    {
        const uint LengthMask = (1u << InflateCode.LengthBits) - 1, DistanceMask = (1u << InflateCode.DistanceBits) - 1;
        uint* codes = _codes;
        byte* from = _in, to = _out, start = _outStart;
        ulong bits = _bits;
        uint count = _count;
        bool ended = false;
        Refill(ref bits, ref count, ref from);
        uint entry = codes[(uint)bits & LengthMask];
        do
        {
            Refill(ref bits, ref count, ref from);
            if (IsLiteral<TCode>(entry))
            {
                *to++ = (byte)(entry >> InflateCode.ValueShift);
                Consume(ref bits, ref count, TCode.IsFixed ? InflateCode.FixedLiteral : entry);
                entry = codes[(uint)bits & LengthMask];
                if (IsLiteral<TCode>(entry))
                {
                    *to++ = (byte)(entry >> InflateCode.ValueShift);
                    Consume(ref bits, ref count, TCode.IsFixed ? InflateCode.FixedLiteral : entry);
                    entry = codes[(uint)bits & LengthMask];
                    if (IsLiteral<TCode>(entry))
                    {
                        *to++ = (byte)(entry >> InflateCode.ValueShift);
                        Consume(ref bits, ref count, TCode.IsFixed ? InflateCode.FixedLiteral : entry);
                        entry = codes[(uint)bits & LengthMask];
                        continue;
                    }
                }

                Refill(ref bits, ref count, ref from);
            }

            if ((entry & InflateCode.Special) != 0)
            {
                if ((entry & InflateCode.Subtable) != 0)
                {
                    entry = InSubtable(codes, ref bits, ref count, entry);
                    Refill(ref bits, ref count, ref from);
                }

                if ((int)entry < 0)
                {
                    *to++ = (byte)(entry >> InflateCode.ValueShift);
                    Consume(ref bits, ref count, entry);
                    entry = codes[(uint)bits & LengthMask];
                    continue;
                }

                if ((entry & InflateCode.Special) != 0)
                {
                    if ((entry & InflateCode.EndOfBlock) == 0) ThrowDamaged("invalid literal/length code");
                    Consume(ref bits, ref count, entry);
                    ended = true;
                    break;
                }
            }

            uint length = Value(bits, entry);
            Consume(ref bits, ref count, entry);
            entry = codes[InflateCode.DistanceTable + ((uint)bits & DistanceMask)];
            if ((entry & InflateCode.Special) != 0)
            {
                if ((entry & InflateCode.Subtable) != 0) entry = InSubtable(codes + InflateCode.DistanceTable, ref bits, ref count, entry);
                if ((entry & InflateCode.Special) != 0) ThrowDamaged("invalid distance code");
                Refill(ref bits, ref count, ref from);
            }

            uint distance = Value(bits, entry);
            Consume(ref bits, ref count, entry);
            if (distance > to - start) ThrowDamaged("invalid distance too far back");
            entry = codes[(uint)bits & LengthMask];
            InflateCopy.Match(to, distance, length);
            to += length;
        }
        while (from <= inLast && to <= outLast);

        _in = from;
        _out = to;
        _bits = bits;
        _count = (byte)count;
        return ended;
    }

    /// <summary>
    /// In the fixed code ASCII has eight bits. To ask for these, and not only for a literal, lets the processor guess the length with the branch:
    /// the next look-up does not wait for this one, 6 % faster. In other codes literals differ in length, and the guess costs more than it saves.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsLiteral<TCode>(uint entry)
        where TCode : struct, ICode => TCode.IsFixed ? (entry & InflateCode.FixedLiteralMask) == InflateCode.FixedLiteral : (int)entry < 0;

    /// <summary>Fills up the bits without a branch: those of a byte that is not whole yet are loaded once more, and are the same.</summary>
    /// <param name="count">Bits that are there, in the lowest byte; what is above it has no meaning, which saves its masking at each symbol.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Refill(ref ulong bits, ref uint count, ref byte* from)
    {
        bits |= Unsafe.ReadUnaligned<ulong>(from) << (int)count;
        from = from + 7 - (count >> 3 & 7);
        count |= 56;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Consume(ref ulong bits, ref uint count, uint entry)
    {
        // The shift takes the lowest six bits of the entry, and no entry consumes more than 28.
        bits >>= (int)entry;
        count -= entry;
    }

    /// <summary>The entry's value with the extra bits, which follow the code.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Value(ulong bits, uint entry)
    {
        ulong code = Bmi2.X64.IsSupported ? Bmi2.X64.ZeroHighBits(bits, entry) : bits & ((1UL << (int)entry) - 1);
        return (entry >> InflateCode.ValueShift) + (uint)(code >> (int)(entry >> InflateCode.CodeShift));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint InSubtable(uint* table, ref ulong bits, ref uint count, uint entry)
    {
        Consume(ref bits, ref count, entry);
        uint mask = (1u << (int)(entry >> InflateCode.CodeShift & InflateCode.CodeMask)) - 1;
        return table[(entry >> InflateCode.ValueShift) + ((uint)bits & mask)];
    }

    private struct FixedCode : ICode
    {
        public static bool IsFixed => true;
    }

    private struct OwnCode : ICode
    {
        public static bool IsFixed => false;
    }
}
