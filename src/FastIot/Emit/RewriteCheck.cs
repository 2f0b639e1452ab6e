using System.Globalization;

namespace FastIot.Emit;

/// <summary>
/// Whether a file that is written again says what the one in the store says: features bit by bit, scores to 1e-4 (another execution provider
/// or machine may differ in the last digits). What is in the store stays: somebody may have read it.
/// </summary>
internal static class RewriteCheck
{
    public const float ScoreTolerance = 1e-4f;

    /// <returns>Null where they agree; else the first difference.</returns>
    public static string? Difference(ReadOnlySpan<byte> stored, ReadOnlySpan<byte> written)
    {
        List<StoredRow> there, ours;
        try
        {
            there = FeatureFileReader.Read(stored.ToArray());
        }
        catch (InvalidDataException e)
        {
            return $"what is in the store is {e.Message}";
        }

        ours = FeatureFileReader.Read(written.ToArray());
        if (there.Count != ours.Count) return $"{there.Count} rows are in the store, {ours.Count} are written";
        for (int i = 0; i < ours.Count; i++)
        {
            if (Difference(there[i], ours[i]) is { } difference) return difference;
        }

        return null;
    }

    private static string? Difference(StoredRow there, StoredRow ours)
    {
        // Scores apart, a record's own equality is bit by bit (NaN equals NaN, and stands for null).
        StoredRow alike = ours with { AnomalyScore = there.AnomalyScore, ReconstructionError = there.ReconstructionError };
        if (alike == there && Near(there.AnomalyScore, ours.AnomalyScore) && Near(there.ReconstructionError, ours.ReconstructionError)) return null;
        return string.Create(CultureInfo.InvariantCulture, $"{ours.Sensor}/{ours.Metric}, window end {DateTime.UnixEpoch.AddTicks(ours.WindowEndUs * TimeSpan.TicksPerMicrosecond):yyyy-MM-dd'T'HH:mm:ss'Z'}: {there} is in the store, {ours} is written");
    }

    private static bool Near(float a, float b) => a.Equals(b) || Math.Abs(a - b) <= ScoreTolerance * Math.Max(1, Math.Abs(a));
}
