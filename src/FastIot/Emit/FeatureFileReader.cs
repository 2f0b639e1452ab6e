using Apache.Arrow;
using Apache.Arrow.Ipc;
using ParquetSharp.Arrow;
using ParquetSharp.IO;

namespace FastIot.Emit;

/// <summary>One row of a feature file (DESIGN section 2). NaN stands for null.</summary>
internal sealed record StoredRow
{
    public required string Sensor { get; init; }

    public required string Metric { get; init; }

    public required long WindowStartUs { get; init; }

    public required long WindowEndUs { get; init; }

    public required double Mean { get; init; }

    public required double StdDev { get; init; }

    public required double Min { get; init; }

    public required double Max { get; init; }

    public required double Range { get; init; }

    public required long Count { get; init; }

    public required float AnomalyScore { get; init; }

    public required float ReconstructionError { get; init; }

    public required bool IsAnomaly { get; init; }

    public required string? Kind { get; init; }

    public required string? Model { get; init; }
}

/// <summary>Reads feature files back, for comparing them: rows as objects, slowly.</summary>
internal static unsafe class FeatureFileReader
{
    /// <exception cref="InvalidDataException">Not a feature file; the message says what is wrong with it.</exception>
    public static List<StoredRow> Read(byte[] content)
    {
        try
        {
            fixed (byte* data = content)
            {
                using var buffer = new ParquetSharp.IO.Buffer((nint)data, content.Length);
                using var file = new BufferReader(buffer);
                using var reader = new FileReader(file);
                using IArrowArrayStream batches = reader.GetRecordBatchReader();
                var rows = new List<StoredRow>();
                while (batches.ReadNextRecordBatchAsync().AsTask().GetAwaiter().GetResult() is { } batch)
                {
                    using (batch) Append(batch, rows);
                }

                return rows;
            }
        }
        catch (Exception e) when (e is ParquetSharp.ParquetException or InvalidCastException or ArgumentException)
        {
            throw new InvalidDataException($"no feature file: {e.Message}", e);
        }
    }

    private static void Append(RecordBatch batch, List<StoredRow> rows)
    {
        Func<int, string?> sensor = Strings(batch.Column("sensor_id")), metric = Strings(batch.Column("metric")), kind = Strings(batch.Column("kind")), model = Strings(batch.Column("model"));
        var start = (TimestampArray)batch.Column("window_start");
        var end = (TimestampArray)batch.Column("window_end");
        var count = (Int64Array)batch.Column("count");
        var isAnomaly = (BooleanArray)batch.Column("is_anomaly");
        DoubleArray mean = Doubles(batch, "mean"), stddev = Doubles(batch, "stddev"), min = Doubles(batch, "min"), max = Doubles(batch, "max"), range = Doubles(batch, "range");
        var score = (FloatArray)batch.Column("anomaly_score");
        var error = (FloatArray)batch.Column("reconstruction_error");
        for (int i = 0; i < batch.Length; i++)
        {
            rows.Add(new StoredRow
            {
                Sensor = sensor(i)!,
                Metric = metric(i)!,
                WindowStartUs = start.GetValue(i)!.Value,
                WindowEndUs = end.GetValue(i)!.Value,
                Mean = mean.GetValue(i)!.Value,
                StdDev = stddev.GetValue(i) ?? double.NaN,
                Min = min.GetValue(i)!.Value,
                Max = max.GetValue(i)!.Value,
                Range = range.GetValue(i)!.Value,
                Count = count.GetValue(i)!.Value,
                AnomalyScore = score.GetValue(i) ?? float.NaN,
                ReconstructionError = error.GetValue(i) ?? float.NaN,
                IsAnomaly = isAnomaly.GetValue(i)!.Value,
                Kind = kind(i),
                Model = model(i),
            });
        }
    }

    private static DoubleArray Doubles(RecordBatch batch, string name) => (DoubleArray)batch.Column(name);

    /// <summary>Dictionaries come back as such, or as plain strings: that is the reader's choice.</summary>
    private static Func<int, string?> Strings(IArrowArray column)
    {
        if (column is StringArray plain) return i => plain.GetString(i);
        var coded = (DictionaryArray)column;
        var names = (StringArray)coded.Dictionary;
        var codes = (Int32Array)coded.Indices;
        return i => codes.GetValue(i) is { } code ? names.GetString(code) : null;
    }
}
