using System.Globalization;
using System.Text;

namespace FastIot.Decode;

/// <summary>What JSON texts stand for. Callers pass only what <see cref="JsonCursor"/> has let through.</summary>
internal static unsafe class JsonText
{
    /// <summary>All powers that are exact doubles.</summary>
    public static readonly double[] PowersOfTen = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

    /// <summary>The double nearest to the number; infinite where it is beyond one.</summary>
    public static double Number(byte* p, int length)
    {
        byte* end = p + length;
        bool negative = *p == '-';
        byte* at = negative ? p + 1 : p;
        ulong digits = 0;
        int count = 0, exponent = 0;
        for (; at < end && (uint)(*at - '0') <= 9; at++, count++) digits = digits * 10 + (uint)(*at - '0');
        if (at < end && *at == '.')
        {
            byte* fraction = ++at;
            for (; at < end && (uint)(*at - '0') <= 9; at++, count++) digits = digits * 10 + (uint)(*at - '0');
            exponent = (int)(fraction - at);
        }

        // Clinger's fast path: both factors are exact doubles, so that the one rounding is the right one.
        if (at == end && count <= 19 && digits <= 1UL << 53 && exponent >= -22)
        {
            double value = digits / PowersOfTen[-exponent];
            return negative ? -value : value;
        }

        return double.Parse(new ReadOnlySpan<byte>(p, length), NumberStyles.Float, CultureInfo.InvariantCulture);
    }

    /// <summary>Resolves escapes.</summary>
    /// <returns>Bytes written; −1 when there are more than <paramref name="room"/>, or half a surrogate pair stands alone.</returns>
    public static int Unescape(in JsonToken text, byte* destination, int room)
    {
        byte* p = text.Start, end = p + text.Length;
        int written = 0;
        while (p < end)
        {
            if (*p != '\\')
            {
                if (written == room) return -1;
                destination[written++] = *p++;
                continue;
            }

            if (!TryRune(ref p, out Rune rune)) return -1;
            if (room - written < rune.Utf8SequenceLength) return -1;
            written += rune.EncodeToUtf8(new Span<byte>(destination + written, room - written));
        }

        return written;
    }

    private static bool TryRune(ref byte* p, out Rune rune)
    {
        byte kind = p[1];
        if (kind != 'u')
        {
            p += 2;
            rune = new Rune(kind switch { (byte)'b' => '\b', (byte)'f' => '\f', (byte)'n' => '\n', (byte)'r' => '\r', (byte)'t' => '\t', _ => (char)kind });
            return true;
        }

        char first = Hex(p + 2);
        p += 6;
        if (!char.IsSurrogate(first)) return Rune.TryCreate(first, out rune);
        rune = default;
        // What follows a whole escape lies within the string or is its closing quote: never out of bounds.
        if (!char.IsHighSurrogate(first) || p[0] != '\\' || p[1] != 'u') return false;
        char second = Hex(p + 2);
        p += 6;
        return Rune.TryCreate(first, second, out rune);
    }

    private static char Hex(byte* p)
    {
        int value = 0;
        for (int i = 0; i < 4; i++) value = value << 4 | (p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
        return (char)value;
    }
}
