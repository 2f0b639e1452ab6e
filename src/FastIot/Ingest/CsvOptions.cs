namespace FastIot.Ingest;

/// <summary>How to read CSV files. What is not given is told by the header's names.</summary>
public sealed record CsvOptions
{
    private static readonly string[] s_sensorNames = ["sensor_id", "sensor", "device_id", "device"];
    private static readonly string[] s_timeNames = ["timestamp", "datetime", "time", "date", "ts"];
    private static readonly string[] s_labelNames = ["anomaly", "changepoint", "label", "is_anomaly", "anomaly_type"];

    /// <summary>Column with the sensor's id; without one it is the file's name.</summary>
    public string? SensorColumn { get; init; }

    public string? TimestampColumn { get; init; }

    /// <summary>Column with the metric's name; without one each value column is a metric of its name.</summary>
    public string? MetricColumn { get; init; }

    /// <summary>Value columns; without any: "value", or all that are nothing else.</summary>
    public IReadOnlyList<string> ValueColumns { get; init; } = [];

    /// <summary>
    /// Column whose cells tell an anomaly: a kind's name, or anything but empty, 0, 0.0, false and none. It goes into the readings' meta, for
    /// evaluation. Null: labels are left out.
    /// </summary>
    public string? LabelColumn { get; init; }

    /// <summary>Null: the first of ; tab , that the header has.</summary>
    public char? Separator { get; init; }

    internal char SeparatorOf(string header) => Separator ?? (header.Contains(';') ? ';' : header.Contains('\t') ? '\t' : ',');

    /// <exception cref="IngestException">A column is missing; the message names the file's columns.</exception>
    internal CsvColumns Resolve(string path, IReadOnlyList<string> header)
    {
        int time = Find(path, header, TimestampColumn, s_timeNames);
        if (time < 0) throw Missing(path, header, "a timestamp column: name it with --csv-timestamp");
        int sensor = Find(path, header, SensorColumn, s_sensorNames), metric = Find(path, header, MetricColumn, ["metric"]);
        int label = LabelColumn == null ? -1 : Find(path, header, LabelColumn, []);
        int[] values = [.. ValueColumns.Select(name => Find(path, header, name, []))];
        if (values.Length == 0 && Find(path, header, null, ["value"]) is >= 0 and int value) values = [value];
        if (values.Length == 0)
            values = [.. Enumerable.Range(0, header.Count).Where(i => i != time && i != sensor && i != metric && i != label && !s_labelNames.Contains(header[i], StringComparer.OrdinalIgnoreCase))];
        if (values.Length == 0) throw Missing(path, header, "a value column: name it with --csv-value");
        return new CsvColumns(time, sensor, metric, label, values);
    }

    private static int Find(string path, IReadOnlyList<string> header, string? wanted, string[] usual)
    {
        for (int i = 0; i < header.Count; i++)
        {
            if (wanted != null ? header[i] == wanted : usual.Contains(header[i], StringComparer.OrdinalIgnoreCase)) return i;
        }

        return wanted == null ? -1 : throw Missing(path, header, $"the column \"{wanted}\"");
    }

    private static IngestException Missing(string path, IReadOnlyList<string> header, string what) =>
        new($"{path} has not {what}; its columns are {string.Join(", ", header)}");
}

/// <summary>Places of the columns; −1 where there is none.</summary>
internal sealed record CsvColumns(int Time, int Sensor, int Metric, int Label, int[] Values);
