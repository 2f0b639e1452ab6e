using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FastIot.Decode;

/// <summary>Decimal numbers of at most 16 characters without an exponent, in one register: nearly all that sensors send.</summary>
internal static unsafe class ShortNumber
{
    private const int Width = 16;

    /// <summary>Reads up to 16 bytes before the number's end, which must be readable, and none behind it.</summary>
    /// <returns>False where the text is no such number, or the processor has no such instructions.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead(byte* text, int length, out double value)
    {
        value = 0;
        if (!Sse41.IsSupported || length > Width) return false;
        byte* end = text + length;
        bool negative = *text == '-';
        if (negative)
        {
            text++;
            length--;
        }

        // Right-aligned, with zeros before it.
        Vector128<byte> characters = Vector128.Load(end - Width);
        Vector128<byte> inside = Vector128.GreaterThanOrEqual(Vector128<byte>.Indices, Vector128.Create((byte)(Width - length)));
        Vector128<byte> digits = (characters - Vector128.Create((byte)'0')) & inside;
        uint points = (Vector128.Equals(characters, Vector128.Create((byte)'.')) & inside).ExtractMostSignificantBits();
        uint others = Vector128.GreaterThan(digits, Vector128.Create((byte)9)).ExtractMostSignificantBits();
        int point = points == 0 ? Width : BitOperations.TrailingZeroCount(points);

        // One point at most, none at either end; nothing but digits beside it; no zero that leads other digits.
        if (others != points || (points & points - 1) != 0 || length == 0 || point == Width - length || point == Width - 1) return false;
        if (*text == '0' && length > 1 && text[1] != '.') return false;

        // What stands before the point moves up by one, over it.
        if (points != 0)
        {
            Vector128<byte> before = Vector128.LessThanOrEqual(Vector128<byte>.Indices, Vector128.Create((byte)point));
            digits = Ssse3.Shuffle(digits, Vector128<byte>.Indices + before);
        }

        Vector128<short> pairs = Ssse3.MultiplyAddAdjacent(digits, Vector128.Create(0x010A010A010A010A).AsSByte());
        Vector128<int> fours = Sse2.MultiplyAddAdjacent(pairs, Vector128.Create(0x0001006400010064).AsInt16());
        Vector128<short> packed = Sse41.PackUnsignedSaturate(fours, fours).AsInt16();
        ulong eights = Sse2.MultiplyAddAdjacent(packed, Vector128.Create(0x0001271000012710).AsInt16()).AsUInt64().ToScalar();
        ulong number = (eights & uint.MaxValue) * 100_000_000 + (eights >> 32);
        if (number > 1UL << 53) return false;

        // Both factors are exact: the one rounding is the right one (Clinger).
        double read = points == 0 ? number : number / JsonText.PowersOfTen[Width - 1 - point];
        value = negative ? -read : read;
        return true;
    }
}
