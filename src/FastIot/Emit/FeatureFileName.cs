using System.Globalization;

namespace FastIot.Emit;

/// <summary>Object names of feature files: a function of partition, windows and configuration, so that a replay rewrites and never duplicates.</summary>
internal static class FeatureFileName
{
    /// <summary>
    /// <c>features/date=2026-11-01/hour=00/p00003-20261101T000010Z-20261101T000100Z-1a2b3c4d.parquet</c>; date and hour are those of the
    /// last window end's minute, so that midnight's windows lie with the day they describe.
    /// </summary>
    public static string Of(FeatureRows rows, string configHash)
    {
        DateTime day = Time(rows.LastWindowEndUs - 1);
        return string.Create(CultureInfo.InvariantCulture,
            $"features/date={day:yyyy-MM-dd}/hour={day:HH}/p{rows.Partition:D5}-{Text(rows.FirstWindowEndUs)}-{Text(rows.LastWindowEndUs)}-{configHash}.parquet");
    }

    private static DateTime Time(long us) => DateTime.UnixEpoch.AddTicks(us * TimeSpan.TicksPerMicrosecond);

    private static string Text(long us) =>
        Time(us).ToString(us % 1_000_000 == 0 ? "yyyyMMdd'T'HHmmss'Z'" : "yyyyMMdd'T'HHmmss'.'ffffff'Z'", CultureInfo.InvariantCulture);
}
