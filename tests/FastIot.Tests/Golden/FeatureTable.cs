using DuckDB.NET.Data;

namespace FastIot.Tests.Golden;

/// <summary>A feature row as DuckDB reads it from the files.</summary>
internal sealed record FeatureRow(
    string Sensor, string Metric, long WindowStartUs, long WindowEndUs, double Mean, double? StdDev, double Min, double Max, double Range, long Count);

internal static class FeatureTable
{
    /// <summary>Every row of every feature file below the folder, in no particular order.</summary>
    public static List<FeatureRow> Read(string folder) =>
        Query(folder, """sensor_id, metric, epoch_us(window_start), epoch_us(window_end), mean, stddev, "min", "max", "range", "count" """, "", reader =>
            new FeatureRow(reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetDouble(4),
                reader.IsDBNull(5) ? null : reader.GetDouble(5), reader.GetDouble(6), reader.GetDouble(7), reader.GetDouble(8), reader.GetInt64(9)));

    /// <summary>These columns of every row of every feature file below the folder.</summary>
    /// <param name="order">An ORDER BY clause; empty = in no particular order.</param>
    public static List<T> Query<T>(string folder, string columns, string order, Func<DuckDBDataReader, T> row)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using DuckDBCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT {columns} FROM read_parquet('{folder.Replace("'", "''")}/features/*/*/*.parquet', hive_partitioning = false) {order}";
        using DuckDBDataReader reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(row(reader));
        return rows;
    }
}
