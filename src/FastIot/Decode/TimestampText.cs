namespace FastIot.Decode;

/// <summary>Event times as they are written: ISO 8601, or a number since 1970.</summary>
internal static unsafe class TimestampText
{
    private const long SecondUs = 1_000_000;
    private const int MaxDigits = 19;

    /// <summary>
    /// <c>YYYY-MM-DDThh:mm:ss[.0–9 digits][Z|±hh[:]mm|±hh]</c>, the T may be a t or a space; without a zone it is UTC. Finer digits than µs
    /// are cut.
    /// </summary>
    public static bool TryIso(ReadOnlySpan<byte> text, out long us)
    {
        us = 0;
        if (text.Length < 19 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':' || text[10] is not ((byte)'T' or (byte)'t' or (byte)' ')) return false;
        int year = Two(text, 0) * 100 + Two(text, 2), month = Two(text, 5), day = Two(text, 8), hour = Two(text, 11), minute = Two(text, 14), second = Two(text, 17);
        // A pair that is no number is far below zero.
        if (year < 1 || month < 1 || month > 12 || day < 1 || hour is < 0 or > 23 || minute is < 0 or > 59 || second is < 0 or > 59) return false;
        if (day > DateTime.DaysInMonth(year, month)) return false;
        int at = 19;
        if (!Fraction(text, ref at, out long fractionUs) || !Zone(text[at..], out long offsetUs)) return false;
        us = ((DaysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60 * SecondUs + second * SecondUs + fractionUs - offsetUs;
        return us is >= Limits.MinTimeUs and <= Limits.MaxTimeUs;
    }

    /// <summary>A JSON number; scaled in whole numbers, never by way of a double.</summary>
    public static bool TryNumber(ReadOnlySpan<byte> text, TimestampUnit unit, out long us)
    {
        us = 0;
        bool negative = text[0] == '-';
        int at = negative ? 1 : 0;
        ulong digits = 0;
        int significant = 0, exponent = 0;
        bool fraction = false, cut = false;
        for (; at < text.Length && text[at] is not ((byte)'e' or (byte)'E'); at++)
        {
            if (text[at] == '.')
            {
                fraction = true;
                continue;
            }

            if (significant < MaxDigits)
            {
                digits = digits * 10 + (uint)(text[at] - '0');
                if (digits != 0) significant++;
                if (fraction) exponent--;
            }
            else
            {
                cut |= text[at] != '0';
                if (!fraction) exponent++;
            }
        }

        if (at < text.Length) exponent += Exponent(text[(at + 1)..]);
        if (digits == 0) return true;
        if (negative) return false;
        exponent += UnitExponent(unit, digits, exponent);
        // 19 digits and more than 18 tens are beyond any time there is; fewer than none of 19 are below a µs.
        if (exponent > 18) return false;
        if (exponent < -MaxDigits) return true;
        UInt128 scaled = exponent >= 0 ? (UInt128)digits * PowerOfTen(exponent) : digits / PowerOfTen(-exponent);
        us = scaled <= (UInt128)Limits.MaxTimeUs ? (long)scaled : -1;
        return us >= Limits.MinTimeUs;
    }

    private static int UnitExponent(TimestampUnit unit, ulong digits, int exponent)
    {
        if (unit == TimestampUnit.Auto)
        {
            int magnitude = Digits(digits) + exponent;
            unit = magnitude <= 11 ? TimestampUnit.Seconds : magnitude <= 14 ? TimestampUnit.Milliseconds : magnitude <= 17 ? TimestampUnit.Microseconds : TimestampUnit.Nanoseconds;
        }

        return unit switch { TimestampUnit.Seconds => 6, TimestampUnit.Milliseconds => 3, TimestampUnit.Microseconds => 0, _ => -3 };
    }

    private static int Digits(ulong value)
    {
        int count = 0;
        for (; value != 0; value /= 10) count++;
        return count;
    }

    private static UInt128 PowerOfTen(int exponent)
    {
        UInt128 power = 1;
        for (int i = 0; i < exponent; i++) power *= 10;
        return power;
    }

    /// <summary>Clamped: a million tens more or less make no difference.</summary>
    private static int Exponent(ReadOnlySpan<byte> text)
    {
        bool negative = text[0] == '-';
        int value = 0;
        foreach (byte b in text)
        {
            if (b is (byte)'+' or (byte)'-') continue;
            value = Math.Min(value * 10 + (b - '0'), 1_000_000);
        }

        return negative ? -value : value;
    }

    private static bool Fraction(ReadOnlySpan<byte> text, ref int at, out long us)
    {
        us = 0;
        if (at == text.Length || text[at] != '.') return true;
        int first = ++at;
        long scale = SecondUs;
        for (; at < text.Length && (uint)(text[at] - '0') <= 9; at++)
        {
            scale /= 10;
            us += (text[at] - '0') * scale;
        }

        return at - first <= 9;
    }

    private static bool Zone(ReadOnlySpan<byte> text, out long us)
    {
        us = 0;
        if (text.IsEmpty || text.Length == 1 && (text[0] | 0x20) == 'z') return true;
        if (text[0] is not ((byte)'+' or (byte)'-')) return false;
        int minutes;
        switch (text.Length)
        {
            case 3: minutes = 0; break;
            case 5: minutes = Two(text, 3); break;
            case 6 when text[3] == ':': minutes = Two(text, 4); break;
            default: return false;
        }

        int hours = Two(text, 1);
        if (hours is < 0 or > 23 || minutes is < 0 or > 59) return false;
        us = (hours * 60L + minutes) * 60 * SecondUs * (text[0] == '-' ? -1 : 1);
        return true;
    }

    /// <summary>Two digits; far below zero where they are none.</summary>
    private static int Two(ReadOnlySpan<byte> text, int at)
    {
        uint tens = (uint)(text[at] - '0'), ones = (uint)(text[at + 1] - '0');
        return tens <= 9 && ones <= 9 ? (int)(tens * 10 + ones) : -100_000;
    }

    /// <summary>Proleptic Gregorian calendar, years counted from March so that the leap day is a year's last.</summary>
    private static long DaysSince1970(int year, int month, int day)
    {
        if (month <= 2) year--;
        int era = year / 400, yearOfEra = year - era * 400;
        int dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        return era * 146097L + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719468;
    }
}
