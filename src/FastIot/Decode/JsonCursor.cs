using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastIot.Decode;

internal enum JsonKind : byte
{
    Missing,
    Null,
    String,
    Number,
    Other,
}

/// <summary>A value where it lies: strings without their quotes.</summary>
internal unsafe struct JsonToken
{
    public byte* Start;
    public int Length;
    public JsonKind Kind;
    public bool Escaped;

    public readonly ReadOnlySpan<byte> Span => new(Start, Length);
}

/// <summary>
/// Walks over JSON by RFC 8259, as strictly as System.Text.Json does, and notes bytes that are not UTF-8. Never reads at or behind
/// <see cref="End"/>; every method leaves <see cref="At"/> behind what it took, or returns false with <see cref="Failure"/> set.
/// </summary>
internal unsafe struct JsonCursor
{
    public byte* At;
    public byte* End;
    public Rejection Failure;

    /// <summary>A string had bytes that are not UTF-8. The walk goes on: the structure around is still good.</summary>
    public bool InvalidUtf8;

    public void SkipWhite()
    {
        while (At < End && *At <= 0x20 && IsWhite(*At)) At++;
    }

    public static bool IsWhite(byte b) => b is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t';

    public bool Take(byte expected)
    {
        if (At == End || *At != expected) return Fail();
        At++;
        return true;
    }

    /// <summary>Takes exactly these bytes, or nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(byte* expected, int length)
    {
        if (End - At < length || !new ReadOnlySpan<byte>(At, length).SequenceEqual(new ReadOnlySpan<byte>(expected, length))) return false;
        At += length;
        return true;
    }

    /// <summary>Any value. Objects and arrays are walked over without recursion.</summary>
    /// <param name="depth">Objects and arrays around it.</param>
    public bool Value(int depth, out JsonToken token)
    {
        token = default;
        if (At == End) return Fail();
        token.Start = At;
        switch (*At)
        {
            case (byte)'"':
                return String(out token);
            case (byte)'{' or (byte)'[':
                token.Kind = JsonKind.Other;
                return Container(depth);
            case (byte)'n':
                token.Kind = JsonKind.Null;
                return Literal("null"u8);
            case (byte)'t':
                token.Kind = JsonKind.Other;
                return Literal("true"u8);
            case (byte)'f':
                token.Kind = JsonKind.Other;
                return Literal("false"u8);
            default:
                token.Kind = JsonKind.Number;
                if (!Number()) return false;
                token.Length = (int)(At - token.Start);
                return true;
        }
    }

    /// <summary>A string, the cursor at its opening quote.</summary>
    public bool String(out JsonToken token)
    {
        token = new JsonToken { Kind = JsonKind.String };
        if (At == End || *At != '"') return Fail();
        byte* p = At + 1;
        token.Start = p;
        while (true)
        {
            p = FindSpecial(p, End);
            if (p == End) return Fail();
            byte b = *p;
            if (b == '"') break;
            if (b == '\\')
            {
                token.Escaped = true;
                if (!Escape(ref p)) return Fail();
            }
            else if (b < 0x20) return Fail();
            else p += Utf8Sequence(p);
        }

        token.Length = (int)(p - token.Start);
        At = p + 1;
        return true;
    }

    public bool Fail(Rejection reason = Rejection.MalformedJson)
    {
        Failure = reason;
        return false;
    }

    /// <summary>Next quote, backslash, control character or byte beyond ASCII.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* FindSpecial(byte* p, byte* end)
    {
        if (Vector128.IsHardwareAccelerated)
        {
            for (; end - p >= 16; p += 16)
            {
                Vector128<byte> bytes = Vector128.Load(p);
                // As signed numbers, control characters and everything beyond ASCII lie below the space.
                Vector128<byte> special = Vector128.Equals(bytes, Vector128.Create((byte)'"')) | Vector128.Equals(bytes, Vector128.Create((byte)'\\'))
                    | Vector128.LessThan(bytes.AsSByte(), Vector128.Create((sbyte)0x20)).AsByte();
                uint mask = special.ExtractMostSignificantBits();
                if (mask != 0) return p + BitOperations.TrailingZeroCount(mask);
            }
        }

        while (p < end && *p != '"' && *p != '\\' && (sbyte)*p >= 0x20) p++;
        return p;
    }

    private readonly bool Escape(ref byte* p)
    {
        if (End - p < 2) return false;
        if (p[1] != 'u')
        {
            if (!"\"\\/bfnrt"u8.Contains(p[1])) return false;
            p += 2;
            return true;
        }

        if (End - p < 6) return false;
        for (int i = 2; i < 6; i++)
        {
            if (!char.IsAsciiHexDigit((char)p[i])) return false;
        }

        p += 6;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Utf8Sequence(byte* p)
    {
        if (System.Text.Rune.DecodeFromUtf8(new ReadOnlySpan<byte>(p, (int)Math.Min(End - p, 4)), out _, out int length) == System.Buffers.OperationStatus.Done) return length;
        InvalidUtf8 = true;
        return 1;
    }

    private bool Literal(ReadOnlySpan<byte> text)
    {
        if (End - At < text.Length || !new ReadOnlySpan<byte>(At, text.Length).SequenceEqual(text)) return Fail();
        At += text.Length;
        return true;
    }

    /// <summary>A number, the cursor at its first character, which there must be.</summary>
    public bool Number()
    {
        byte* p = At;
        if (*p == '-') p++;
        byte* digits = p;
        p = Digits(p);
        if (p == digits || *digits == '0' && p - digits > 1) return Fail();
        if (p < End && *p == '.')
        {
            byte* fraction = ++p;
            p = Digits(p);
            if (p == fraction) return Fail();
        }

        if (p < End && (*p | 0x20) == 'e')
        {
            p++;
            if (p < End && *p is (byte)'+' or (byte)'-') p++;
            byte* exponent = p;
            p = Digits(p);
            if (p == exponent) return Fail();
        }

        At = p;
        return true;
    }

    private readonly byte* Digits(byte* p)
    {
        while (p < End && (uint)(*p - '0') <= 9) p++;
        return p;
    }

    /// <summary>An object or array; what is open lies in the bits of one number, a set bit for an object.</summary>
    private bool Container(int depth)
    {
        ulong open = 0;
        int inner = 0;
        while (true)
        {
            // The cursor is at the start of a value.
            bool isObject = *At == '{';
            if (isObject || *At == '[')
            {
                if (depth + ++inner > Limits.MaxNesting) return Fail(Rejection.TooDeep);
                open = open << 1 | (isObject ? 1UL : 0);
                At++;
                SkipWhite();
                if (At == End) return Fail();
                if (*At != (isObject ? '}' : ']'))
                {
                    if (isObject && !Name()) return false;
                    if (At == End) return Fail();
                    continue;
                }

                At++;
                inner--;
                open >>= 1;
            }
            else if (!Value(depth + inner, out _)) return false;

            // Behind a value: close what ends here, go to the next one.
            while (true)
            {
                if (inner == 0) return true;
                SkipWhite();
                if (At == End) return Fail();
                if (*At == ((open & 1) != 0 ? '}' : ']'))
                {
                    At++;
                    inner--;
                    open >>= 1;
                    continue;
                }

                if (*At++ != ',') return Fail();
                SkipWhite();
                if ((open & 1) != 0 && !Name()) return false;
                if (At == End) return Fail();
                break;
            }
        }
    }

    /// <summary>A member's name and colon; leaves the cursor at its value.</summary>
    private bool Name()
    {
        if (!String(out _)) return false;
        SkipWhite();
        if (!Take((byte)':')) return false;
        SkipWhite();
        return true;
    }
}
