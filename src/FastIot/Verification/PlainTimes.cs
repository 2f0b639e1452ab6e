using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using FastIot.Decode;

namespace FastIot.Verification;

/// <summary>Event times in µs since 1970, by the framework's own calendar and exact whole numbers; null = none, or out of range.</summary>
internal static partial class PlainTimes
{
    /// <summary>Numbers are multiplied by ten to this power: far below it, nothing is left of a µs.</summary>
    private const int Digits = 400;

    public static long? OfText(string text)
    {
        Match match = Iso().Match(text);
        if (!match.Success) return null;
        string local = $"{match.Groups["date"].Value} {match.Groups["time"].Value}";
        if (!DateTime.TryParseExact(local, "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTime time)) return null;
        long us = (time - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond + long.Parse(match.Groups["fraction"].Value.PadRight(6, '0')[..6], CultureInfo.InvariantCulture);
        if (match.Groups["sign"].Success)
        {
            int hours = int.Parse(match.Groups["hours"].Value, CultureInfo.InvariantCulture);
            int minutes = match.Groups["minutes"].Success ? int.Parse(match.Groups["minutes"].Value, CultureInfo.InvariantCulture) : 0;
            if (hours > 23 || minutes > 59) return null;
            us -= (match.Groups["sign"].Value == "-" ? -1 : 1) * (hours * 60 + minutes) * 60_000_000L;
        }

        return InRange(us);
    }

    public static long? OfNumber(string text, TimestampUnit unit)
    {
        int e = text.IndexOfAny(['e', 'E']);
        string mantissa = e < 0 ? text : text[..e];
        int exponent = e < 0 ? 0 : (int)Math.Clamp(double.Parse(text[(e + 1)..], CultureInfo.InvariantCulture), -1_000_000, 1_000_000);
        int point = mantissa.IndexOf('.');
        if (point >= 0) exponent -= mantissa.Length - point - 1;
        BigInteger digits = BigInteger.Parse(mantissa.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        if (digits.IsZero) return 0;
        if (digits.Sign < 0 || exponent > 60) return null;
        if (exponent < -Digits) return 0;
        BigInteger exact = digits * BigInteger.Pow(10, exponent + Digits), one = BigInteger.Pow(10, Digits);
        int shift = unit switch
        {
            TimestampUnit.Seconds => 6,
            TimestampUnit.Milliseconds => 3,
            TimestampUnit.Microseconds => 0,
            TimestampUnit.Nanoseconds => -3,
            _ => exact < one * 100_000_000_000 ? 6 : exact < one * 100_000_000_000_000 ? 3 : exact < one * 100_000_000_000_000_000 ? 0 : -3,
        };
        BigInteger us = shift >= 0 ? exact * BigInteger.Pow(10, shift) / one : exact / (one * 1000);
        return us > Limits.MaxTimeUs ? null : InRange((long)us);
    }

    private static long? InRange(long us) => us is >= Limits.MinTimeUs and <= Limits.MaxTimeUs ? us : null;

    [GeneratedRegex(@"^(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(\.(?<fraction>[0-9]{0,9}))?([Zz]|(?<sign>[+-])(?<hours>[0-9]{2})(:?(?<minutes>[0-9]{2}))?)?\z")]
    private static partial Regex Iso();
}
