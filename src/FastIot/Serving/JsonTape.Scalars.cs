using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace FastIot.Serving;

/// <content>Strings and numbers.</content>
internal sealed unsafe partial class JsonTape
{
    private static readonly SearchValues<byte> s_special = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(c => (byte)c), (byte)'"', (byte)'\\']);

    private static readonly double[] s_powers =
    [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];

    private void ParseString()
    {
        byte* from = ++_at;
        bool escaped = false;
        while (true)
        {
            int run = new ReadOnlySpan<byte>(_at, (int)(_end - _at)).IndexOfAny(s_special);
            _at = run < 0 ? _end : _at + run;
            if (_at >= _end || *_at == 0) throw Fault("Missing a closing quotation mark in string.");
            if (*_at == (byte)'"') break;
            if (*_at < 0x20) throw Fault("Invalid encoding in string.");
            escaped = true;
            SkipEscape();
        }

        Add(escaped ? JsonKind.EscapedString : JsonKind.String, (int)(from - _text)).Count = (int)(_at - from);
        _at++;
    }

    private void SkipEscape()
    {
        switch (_at[1])
        {
            case (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t':
                _at += 2;
                return;
            case (byte)'u':
                uint unit = HexUnit(_at + 2);
                if (unit is >= 0xDC00 and < 0xE000) throw Fault("The surrogate pair in string is invalid.");
                if (unit is >= 0xD800 and < 0xDC00)
                {
                    if (_at[6] != (byte)'\\' || _at[7] != (byte)'u') throw Fault("The surrogate pair in string is invalid.");
                    if (HexUnit(_at + 8) is not (>= 0xDC00 and < 0xE000)) throw Fault("The surrogate pair in string is invalid.");
                    _at += 6;
                }

                _at += 6;
                return;
            default:
                throw Fault("Invalid escape character in string.");
        }
    }

    private uint HexUnit(byte* digits)
    {
        uint unit = 0;
        for (int i = 0; i < 4; i++)
        {
            // A text that ends here has its zero here: no digit.
            if (!char.IsAsciiHexDigit((char)digits[i])) throw Fault("Incorrect hex digit after \\u escape in string.");
            unit = unit << 4 | (uint)Convert.FromHexString([(char)'0', (char)digits[i]])[0];
        }

        return unit;
    }

    /// <summary>Escapes were checked when the text was parsed.</summary>
    private static byte[] Unescape(ReadOnlySpan<byte> raw)
    {
        byte[] text = new byte[raw.Length];
        int length = 0;
        for (int i = 0; i < raw.Length; i++)
        {
            if (raw[i] != (byte)'\\')
            {
                text[length++] = raw[i];
                continue;
            }

            byte escape = raw[++i];
            if (escape != (byte)'u')
            {
                text[length++] = escape switch { (byte)'b' => (byte)'\b', (byte)'f' => (byte)'\f', (byte)'n' => (byte)'\n', (byte)'r' => (byte)'\r', (byte)'t' => (byte)'\t', _ => escape };
                continue;
            }

            Span<char> units = [Unit(raw, i + 1), '\0'];
            i += 4;
            bool pair = char.IsHighSurrogate(units[0]);
            if (pair)
            {
                units[1] = Unit(raw, i + 3);
                i += 6;
            }

            length += Encoding.UTF8.GetBytes(units[..(pair ? 2 : 1)], text.AsSpan(length));
        }

        return text[..length];
    }

    private static char Unit(ReadOnlySpan<byte> raw, int at) => (char)ushort.Parse(raw.Slice(at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    /// <summary>
    /// A number, NaN or Infinity. Up to 19 digits and exponents within ±22 are exact by one multiplication or division of doubles (Clinger's
    /// fast path, where the digits fit 53 bits); the others go to the framework's parser.
    /// </summary>
    private void ParseNumber()
    {
        byte* from = _at;
        byte* p = _at;
        bool negative = *p == (byte)'-';
        if (negative) p++;
        if ((uint)(*p - '0') > 9)
        {
            ParseNamedNumber(p, negative);
            return;
        }

        ulong digits = 0;
        byte* first = p;
        if (*p == (byte)'0') p++;
        else while ((uint)(*p - '0') <= 9) digits = digits * 10 + (uint)(*p++ - '0');
        int count = (int)(p - first);
        bool real = false;
        int exponent = 0;
        if (*p == (byte)'.')
        {
            real = true;
            byte* fraction = ++p;
            while ((uint)(*p - '0') <= 9) digits = digits * 10 + (uint)(*p++ - '0');
            exponent = -(int)(p - fraction);
            count -= exponent;
            if (exponent == 0)
            {
                _at = p;
                throw Fault("Miss fraction part in number.");
            }
        }

        if ((*p | 0x20) == 'e')
        {
            real = true;
            exponent += Exponent(ref p);
        }

        _at = p;
        Store(from, digits, count, exponent, negative, real);
    }

    private int Exponent(ref byte* p)
    {
        p++;
        bool negative = *p == (byte)'-';
        if (*p is (byte)'-' or (byte)'+') p++;
        if ((uint)(*p - '0') > 9)
        {
            _at = p;
            throw Fault("Miss exponent in number.");
        }

        int exponent = 0;
        for (; (uint)(*p - '0') <= 9; p++) exponent = Math.Min(exponent * 10 + (*p - '0'), 100_000);
        return negative ? -exponent : exponent;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Store(byte* from, ulong digits, int count, int exponent, bool negative, bool real)
    {
        int offset = (int)(from - _text);
        if (!real && count <= 19 && (digits <= long.MaxValue || negative && digits == 1UL << 63))
        {
            // RapidJSON reads -0 as a double too: its sign is kept.
            if (digits == 0 && negative) Real(offset, -0.0);
            else Add(JsonKind.Integer, offset).Integer = negative ? -(long)digits : (long)digits;
        }
        else if (count <= 19 && digits <= 1UL << 53 && (uint)(exponent + 22) <= 44)
        {
            double value = exponent < 0 ? digits / s_powers[-exponent] : digits * s_powers[exponent];
            Real(offset, negative ? -value : value);
        }
        else
        {
            StoreSlowly(from, offset, negative, real);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void StoreSlowly(byte* from, int offset, bool negative, bool real)
    {
        var text = new ReadOnlySpan<byte>(from, (int)(_at - from));
        if (!real && !negative && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong whole))
        {
            Add(JsonKind.Unsigned, offset).Integer = (long)whole;
            return;
        }

        double value = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        if (double.IsInfinity(value))
        {
            _at = from;
            throw Fault("Number too big to be stored in double.");
        }

        Real(offset, value);
    }

    private void Real(int offset, double value) => Add(JsonKind.Real, offset).Real = value;

    /// <summary>NaN, Inf, Infinity, each perhaps with a minus.</summary>
    private void ParseNamedNumber(byte* p, bool negative)
    {
        int offset = (int)(_at - _text);
        if (p[0] == (byte)'N' && p[1] == (byte)'a' && p[2] == (byte)'N')
        {
            _at = p + 3;
            Real(offset, double.NaN);
            return;
        }

        if (p[0] != (byte)'I' || p[1] != (byte)'n' || p[2] != (byte)'f')
        {
            _at = p;
            throw Fault("Invalid value.");
        }

        _at = p + 3;
        if (*_at == (byte)'i')
        {
            foreach (byte letter in "inity"u8)
            {
                if (*_at != letter) throw Fault("Invalid value.");
                _at++;
            }
        }

        Real(offset, negative ? double.NegativeInfinity : double.PositiveInfinity);
    }
}
