using Apache.Arrow;
using FastIot.Ingest;
using FastIot.Series;
using FastIot.Windows;
using ParquetSharp;
using FileReader = ParquetSharp.Arrow.FileReader;

namespace FastIot.Evaluation;

/// <summary>
/// The feature files of <c>run</c> and <c>replay</c>, read back window by window: what the pipeline has published, whoever computed it.
/// Partition by partition, in order of time. Differences between readings are not in the files: those columns are zero.
/// </summary>
internal sealed class FeatureFolder : IDisposable
{
    private readonly WindowBatch _batch = new();
    private readonly IWindowObserver _observer;
    private SeriesTable _series = new(Limits.MaxSeriesPerPartition);
    private long _rows;

    private FeatureFolder(IWindowObserver observer) => _observer = observer;

    /// <returns>Rows read.</returns>
    /// <exception cref="IngestException">There are no files, or one is not what it should be; the message says which.</exception>
    public static long Read(string folder, IWindowObserver observer, Action<double>? progress = null, CancellationToken cancellation = default)
    {
        if (!Directory.Exists(folder)) throw new IngestException($"the folder {folder} does not exist");
        var partitions = Directory.EnumerateFiles(folder, "p*.parquet", SearchOption.AllDirectories)
            .GroupBy(f => Path.GetFileName(f).Split('-')[0]).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => g.OrderBy(f => Path.GetFileName(f), StringComparer.Ordinal).ToArray()).ToList();
        if (partitions.Count == 0) throw new IngestException($"there are no feature files (p*.parquet) below {folder}: replay or run writes them there with --out");
        using var reading = new FeatureFolder(observer);
        int files = partitions.Sum(p => p.Length), done = 0;
        foreach (string[] partition in partitions)
        {
            reading.BeginPartition();
            foreach (string file in partition)
            {
                cancellation.ThrowIfCancellationRequested();
                reading.ReadFile(file);
                progress?.Invoke((double)++done / files);
            }

            reading.EndWindow();
        }

        return reading._rows;
    }

    /// <summary>"name:version" of the model that scored the first file that names one; null where none does.</summary>
    public static string? ModelOf(string folder)
    {
        if (!Directory.Exists(folder)) return null;
        foreach (string file in Directory.EnumerateFiles(folder, "p*.parquet", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string? model = null;
            ForEach(file, batch =>
            {
                var names = new NameColumn(batch, "model");
                for (int i = 0; i < batch.Length && model == null; i++)
                {
                    if (!names.IsNull(i)) model = System.Text.Encoding.UTF8.GetString(names[i]);
                }
            });
            if (model != null) return model;
        }

        return null;
    }

    public void Dispose()
    {
        _batch.Dispose();
        _series.Dispose();
    }

    private void BeginPartition()
    {
        _series.Dispose();
        _series = new SeriesTable(Limits.MaxSeriesPerPartition);
        _batch.Count = 0;
        _batch.WindowEndUs = long.MinValue;
    }

    private void ReadFile(string file) => ForEach(file, Take);

    private static void ForEach(string file, Action<RecordBatch> take)
    {
        try
        {
            using var reader = new FileReader(file);
            using Apache.Arrow.Ipc.IArrowArrayStream stream = reader.GetRecordBatchReader();
            // The call completes synchronously: the file is local.
            while (stream.ReadNextRecordBatchAsync().AsTask().GetAwaiter().GetResult() is { } batch)
            {
                using (batch) take(batch);
            }
        }
        catch (Exception e) when (e is ParquetException or IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new IngestException($"{file} cannot be read: {e.Message}", e);
        }
    }

    private void Take(RecordBatch from)
    {
        var sensors = new NameColumn(from, "sensor_id");
        var metrics = new NameColumn(from, "metric");
        var ends = Column<TimestampArray>(from, "window_end");
        DoubleArray mean = Column<DoubleArray>(from, "mean"), stddev = Column<DoubleArray>(from, "stddev"), min = Column<DoubleArray>(from, "min");
        DoubleArray max = Column<DoubleArray>(from, "max"), range = Column<DoubleArray>(from, "range");
        Int64Array count = Column<Int64Array>(from, "count");
        FloatArray score = Column<FloatArray>(from, "anomaly_score"), error = Column<FloatArray>(from, "reconstruction_error");
        BooleanArray alarm = Column<BooleanArray>(from, "is_anomaly");
        for (int i = 0; i < from.Length; i++)
        {
            long end = ends.GetValue(i)!.Value;
            if (end != _batch.WindowEndUs) BeginWindow(end);
            int row = _batch.Count++;
            _batch.EnsureCapacity(Math.Max(64, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)_batch.Count)));
            _batch.Slot[row] = Slot(sensors[i], metrics[i]);
            _batch.Mean[row] = mean.GetValue(i)!.Value;
            _batch.StdDev[row] = stddev.GetValue(i) ?? double.NaN;
            _batch.Min[row] = min.GetValue(i)!.Value;
            _batch.Max[row] = max.GetValue(i)!.Value;
            _batch.Range[row] = range.GetValue(i)!.Value;
            _batch.ReadingCount[row] = (int)count.GetValue(i)!.Value;
            _batch.AnomalyScore[row] = score.GetValue(i) ?? float.NaN;
            _batch.ReconstructionError[row] = error.GetValue(i) ?? float.NaN;
            _batch.IsAnomaly[row] = alarm.GetValue(i) == true ? (byte)1 : (byte)0;
            (_batch.SumSqDiff[row], _batch.MaxDiff[row], _batch.MaxHampel[row], _batch.ZeroDiffs[row]) = (0, 0, 0, 0);
            _rows++;
        }
    }

    private void BeginWindow(long end)
    {
        if (end < _batch.WindowEndUs) throw new InvalidDataException($"a window that ends at {end} µs comes behind one that ends at {_batch.WindowEndUs} µs");
        EndWindow();
        _batch.WindowEndUs = end;
    }

    private void EndWindow()
    {
        if (_batch.Count > 0) _observer.Window(_batch, _series);
        _batch.Count = 0;
    }

    private unsafe int Slot(ReadOnlySpan<byte> sensor, ReadOnlySpan<byte> metric)
    {
        fixed (byte* s = sensor, m = metric)
        {
            var reading = new Reading { SensorId = s, SensorIdLength = sensor.Length, Metric = m, MetricLength = metric.Length };
            int slot = _series.FindOrAdd(in reading);
            return slot >= 0 ? slot : throw new InvalidDataException($"there are more than {Limits.MaxSeriesPerPartition} series");
        }
    }

    private static T Column<T>(RecordBatch batch, string name) where T : class, IArrowArray
    {
        int index = batch.Schema.GetFieldIndex(name, StringComparer.Ordinal);
        if (index < 0) throw new InvalidDataException($"it has no column {name}");
        return batch.Column(index) as T ?? throw new InvalidDataException($"its column {name} is {batch.Schema.FieldsList[index].DataType.Name}, not what feature files have");
    }

    /// <summary>Strings, plain or by dictionary.</summary>
    private readonly ref struct NameColumn
    {
        private readonly StringArray _strings;
        private readonly Int32Array? _codes;

        public NameColumn(RecordBatch batch, string name)
        {
            IArrowArray column = Column<IArrowArray>(batch, name);
            _codes = column is DictionaryArray d ? d.Indices as Int32Array : null;
            _strings = (column is DictionaryArray dictionary ? dictionary.Dictionary : column) as StringArray ?? throw new InvalidDataException($"its column {name} holds no strings");
        }

        public bool IsNull(int row) => _codes?.IsNull(row) ?? _strings.IsNull(row);

        public ReadOnlySpan<byte> this[int row] => _strings.GetBytes(_codes?.GetValue(row) ?? row);
    }
}
