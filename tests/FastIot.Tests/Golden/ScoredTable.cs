using DuckDB.NET.Data;

namespace FastIot.Tests.Golden;

/// <summary>A row's statistics and what the model says of them, as DuckDB reads it from the files.</summary>
internal sealed record ScoredRow(
    string Sensor, string Metric, long WindowEndUs, double[] Statistics, float? Score, float? Error, bool IsAnomaly, string? Kind, string? Model);

internal static class ScoredTable
{
    /// <summary>Every row below the folder, by series and window; statistics are mean, stddev (0 for null), min, max, count, range.</summary>
    public static List<ScoredRow> Read(string folder) =>
        FeatureTable.Query(folder,
            """sensor_id, metric, epoch_us(window_end), mean, coalesce(stddev, 0), "min", "max", "count", "range", anomaly_score, reconstruction_error, is_anomaly, kind, model""",
            "ORDER BY 1, 2, 3", Row);

    private static ScoredRow Row(DuckDBDataReader reader)
    {
        double[] statistics = [reader.GetDouble(3), reader.GetDouble(4), reader.GetDouble(5), reader.GetDouble(6), reader.GetInt64(7), reader.GetDouble(8)];
        return new ScoredRow(reader.GetString(0), reader.GetString(1), reader.GetInt64(2), statistics, reader.IsDBNull(9) ? null : reader.GetFloat(9),
            reader.IsDBNull(10) ? null : reader.GetFloat(10), reader.GetBoolean(11), reader.IsDBNull(12) ? null : reader.GetString(12), reader.IsDBNull(13) ? null : reader.GetString(13));
    }
}
