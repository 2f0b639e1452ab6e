using System.Numerics;

namespace FastIot.Tests.Windows;

/// <summary>The oracle: mean and sample variance in exact rational arithmetic over the doubles' own values.</summary>
internal static class ExactStatistics
{
    // Every finite double is an integer multiple of 2^-1074.
    private const int Scale = 1074;

    public static (double Mean, double StdDev) Of(IReadOnlyCollection<double> values)
    {
        BigInteger sum = 0, sumSq = 0;
        foreach (double value in values)
        {
            BigInteger x = Exact(value);
            sum += x;
            sumSq += x * x;
        }

        int n = values.Count;
        double mean = Ratio(sum, (BigInteger)n << Scale);
        if (n == 1) return (mean, double.NaN);

        // n Σx² − (Σx)² over n (n − 1), in units of 2^-2148.
        double variance = Ratio(n * sumSq - sum * sum, ((BigInteger)n * (n - 1)) << (2 * Scale));
        return (mean, Math.Sqrt(variance));
    }

    private static BigInteger Exact(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)((bits >> 52) & 0x7FF);
        long mantissa = bits & 0xFFFFFFFFFFFFFL;
        if (exponent == 0) exponent = 1;
        else mantissa |= 1L << 52;
        BigInteger exact = (BigInteger)mantissa << (exponent - 1);
        return value < 0 ? -exact : exact;
    }

    /// <summary>The quotient to 64 significant bits, then rounded to a double: off by one in the last place at most.</summary>
    private static double Ratio(BigInteger numerator, BigInteger denominator)
    {
        if (numerator.IsZero) return 0;
        long shift = 64 - ((long)BigInteger.Abs(numerator).GetBitLength() - (long)denominator.GetBitLength());
        BigInteger quotient = shift >= 0 ? (numerator << (int)shift) / denominator : numerator / (denominator << (int)-shift);
        return Math.ScaleB((double)quotient, (int)-shift);
    }
}
