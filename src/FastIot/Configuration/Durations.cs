using System.Globalization;

namespace FastIot.Configuration;

/// <summary>Lengths of time as people write them: <c>60s</c>, <c>60 seconds</c>, <c>1m30s</c>, <c>250ms</c>, <c>0</c>. Kept in µs.</summary>
public static class Durations
{
    private static readonly (string[] Names, long Us)[] s_units =
    [
        (["us", "µs", "microsecond", "microseconds"], 1),
        (["ms", "millisecond", "milliseconds"], 1_000),
        (["s", "sec", "second", "seconds"], 1_000_000),
        (["m", "min", "minute", "minutes"], 60_000_000),
        (["h", "hour", "hours"], 3_600_000_000),
        (["d", "day", "days"], 86_400_000_000),
    ];

    /// <exception cref="FormatException">Not a duration; the message says what is missing.</exception>
    public static long ParseUs(string text)
    {
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        if (rest is "0") return 0;
        if (rest.IsEmpty) throw new FormatException("a duration such as 60s is expected");
        decimal total = 0;
        while (!rest.IsEmpty)
        {
            int digits = Length(rest, c => char.IsAsciiDigit(c) || c == '.');
            if (digits == 0 || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number))
            {
                throw new FormatException($"\"{text}\" is not a duration such as 60s, 1m30s or 250ms");
            }

            rest = rest[digits..].TrimStart();
            int letters = Length(rest, char.IsLetter);
            if (letters == 0) throw new FormatException($"\"{text}\" has no unit: write {number}s for seconds (us, ms, s, m, h and d are known)");
            total += number * UnitUs(rest[..letters], text);
            if (total > TimeSpan.FromDays(3650).Ticks / 10) throw new FormatException($"\"{text}\" is more than ten years");
            rest = rest[letters..].TrimStart();
        }

        return total == decimal.Truncate(total) ? (long)total : throw new FormatException($"\"{text}\" is finer than a microsecond");
    }

    public static TimeSpan Parse(string text) => TimeSpan.FromMicroseconds(ParseUs(text));

    private static long UnitUs(ReadOnlySpan<char> unit, string text)
    {
        foreach ((string[] names, long us) in s_units)
        {
            foreach (string name in names)
            {
                if (unit.Equals(name, StringComparison.OrdinalIgnoreCase)) return us;
            }
        }

        throw new FormatException($"\"{unit}\" in \"{text}\" is not a unit of time: us, ms, s, m, h and d are known");
    }

    private static int Length(ReadOnlySpan<char> text, Func<char, bool> belongs)
    {
        int length = 0;
        while (length < text.Length && belongs(text[length])) length++;
        return length;
    }
}
