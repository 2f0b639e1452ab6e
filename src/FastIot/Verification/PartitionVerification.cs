using System.Globalization;
using Confluent.Kafka;
using FastIot.Emit;

namespace FastIot.Verification;

/// <summary>What is known of a partition before its log is read.</summary>
/// <param name="SkipUs">Window ends up to here are not checked: their readings may lie before <paramref name="From"/>.</param>
internal sealed record PartitionRange(int Partition, long From, long To, bool FromBegin, CommitMetadata Committed, long FromUs, long ToUs);

/// <summary>One partition: reads its log, recomputes its windows, and compares each with its rows and anomalies as it closes.</summary>
internal sealed class PartitionVerification
{
    private const string Row = "row", Anomaly = "anomaly";

    /// <summary>Where reading does not start at the log's begin, the newest event time among so many readings stands for all before.</summary>
    private const int Probe = 1000;

    private readonly VerifyOptions _options;
    private readonly VerifyReport _report;
    private readonly PartitionRange _range;
    private readonly StoredWindows _stored;
    private readonly ILookup<long, SeenAnomaly> _anomalies;
    private readonly SeenReadings _deadLetters;
    private readonly SeenReadings? _late;
    private readonly PlainReadings _reader;
    private readonly PlainWindows _windows;
    private readonly HashSet<long> _visited = [];
    private readonly long _rowsToUs, _emittedToUs;
    private long _checkFromUs;
    private int _decided;
    private long _probed;
    private long _windowCount;

    public PartitionVerification(VerifyOptions options, VerifyReport report, PartitionRange range, StoredWindows stored, ILookup<long, SeenAnomaly> anomalies, SeenReadings deadLetters, SeenReadings? late)
    {
        (_options, _report, _range, _stored, _anomalies, _deadLetters, _late) = (options, report, range, stored, anomalies, deadLetters, late);
        _reader = new PlainReadings(options.Decode);
        _windows = new PlainWindows(options.Windows, options.MaxSeries, Closed);
        _rowsToUs = Math.Min(range.ToUs, range.Committed.StoredUs);
        _emittedToUs = Math.Min(range.ToUs, range.Committed.EmittedUs);
        _checkFromUs = range.FromUs;
    }

    /// <param name="progress">Told how many offsets have been passed since the last call.</param>
    public void Run(PlainLog log, Action<long> progress, CancellationToken cancellation)
    {
        long records = 0, readings = 0, passed = _range.From;
        foreach (ConsumeResult<byte[]?, byte[]?> record in log.Read(_options.Kafka.RawTopic, _range.Partition, _range.From, _range.To, cancellation))
        {
            records++;
            DecideUpTo(record.Offset.Value);
            readings += Take(record);
            if (record.Offset.Value - passed < 1000) continue;
            progress(record.Offset.Value - passed);
            passed = record.Offset.Value;
        }

        DecideUpTo(_range.To);
        progress(_range.To - passed);
        _report.Read(records, readings, _windowCount);
        End();
    }

    /// <summary>Idle advances are no functions of the log: those that are committed before this offset are made.</summary>
    private void DecideUpTo(long offset)
    {
        for (; _decided < _range.Committed.Idle.Count && _range.Committed.Idle[_decided].Position <= offset; _decided++) _windows.AdvanceTo(_range.Committed.Idle[_decided].WindowEndUs);
    }

    private int Take(ConsumeResult<byte[]?, byte[]?> record)
    {
        long offset = record.Offset.Value, timestampMs = record.Message.Timestamp.Type == TimestampType.NotAvailable ? -1 : record.Message.Timestamp.UnixTimestampMs;
        byte[]? value = record.Message.Value;
        if (record.Message.Key == null || value?.Length > Limits.MaxRecordBytes)
        {
            _deadLetters.Expect(_range.Partition, offset, 0, Rejections.Name(record.Message.Key == null ? Rejection.MissingKey : Rejection.TooLarge));
            return 0;
        }

        List<PlainReading> readings = _reader.Of(value ?? []);
        for (int i = 0; i < readings.Count; i++)
        {
            PlainReading r = readings[i];
            if (r.Rejection != Rejection.None)
            {
                _deadLetters.Expect(_range.Partition, offset, i, Rejections.Name(r.Rejection));
                continue;
            }

            switch (_windows.Add(r.Sensor, r.Metric, r.TimeUs, r.Value, offset, timestampMs))
            {
                case Placed.InWindows:
                    Probed(r.TimeUs);
                    break;
                case Placed.Late:
                    _late?.Expect(_range.Partition, offset, i, "late");
                    break;
                case Placed.TooFarAhead:
                    _deadLetters.Expect(_range.Partition, offset, i, Rejections.Name(Rejection.FutureTimestamp));
                    break;
                default:
                    _deadLetters.Expect(_range.Partition, offset, i, Rejections.Name(Rejection.TooManySeries));
                    break;
            }
        }

        return readings.Count;
    }

    /// <summary>Begun in the middle of the log, a window is whole once it begins behind everything that was read first.</summary>
    private void Probed(long timeUs)
    {
        if (_range.FromBegin || _probed++ >= Probe) return;
        _checkFromUs = Math.Max(_checkFromUs, timeUs + _options.Windows.WindowUs);
    }

    private void Closed(long endUs, Dictionary<(string Sensor, string Metric), PlainFeatures> features)
    {
        List<(StoredRow Row, string File)> stored = _stored.Of(endUs, (file, why) => _report.Different(_report.Rows, Row, _range.Partition, file, why));
        if (endUs <= _checkFromUs || endUs > _range.ToUs) return;
        _visited.Add(endUs);
        _windowCount += features.Count;
        ILookup<(string, string), (StoredRow Row, string File)> rows = stored.ToLookup(r => (r.Row.Sensor, r.Row.Metric));
        if (endUs <= _rowsToUs) CheckRows(endUs, features, rows);
        if (endUs <= _emittedToUs) CheckAnomalies(endUs, features, rows);
    }

    private void CheckRows(long endUs, Dictionary<(string Sensor, string Metric), PlainFeatures> features, ILookup<(string Sensor, string Metric), (StoredRow Row, string File)> rows)
    {
        foreach (((string Sensor, string Metric) series, PlainFeatures must) in features)
        {
            Interlocked.Increment(ref _report.Rows.CheckedCount);
            (StoredRow Row, string File)[] found = [.. rows[series]];
            string where = Where(series, endUs);
            if (found.Length == 0) _report.Missing(_report.Rows, Row, _range.Partition, where, $"{must.Count} readings, mean {must.Mean}");
            if (found.Length > 1) _report.Duplicate(_report.Rows, Row, _range.Partition, where, string.Join(", ", found.Select(f => f.File)));
            foreach ((StoredRow row, string file) in found)
            {
                if (WindowCheck.Row(must, _options.Windows.WindowUs, row) is { } difference) _report.Different(_report.Rows, Row, _range.Partition, where, $"{difference}, in {file}");
            }
        }

        foreach (IGrouping<(string, string), (StoredRow Row, string File)> more in rows.Where(r => !features.ContainsKey(r.Key)))
            _report.Unexpected(_report.Rows, Row, _range.Partition, Where(more.Key, endUs), $"the log has no reading of it, in {more.First().File}");
    }

    private void CheckAnomalies(long endUs, Dictionary<(string Sensor, string Metric), PlainFeatures> features, ILookup<(string, string), (StoredRow Row, string File)> rows)
    {
        ILookup<(string, string), SeenAnomaly> seen = _anomalies[endUs].ToLookup(a => (a.Sensor, a.Metric));
        foreach (IGrouping<(string, string), SeenAnomaly> group in seen)
        {
            SeenAnomaly first = group.First();
            string where = Where(group.Key, endUs);
            if (group.Count() > 1) _report.Duplicate(_report.Anomalies, Anomaly, _range.Partition, where, string.Join(", ", group.Select(a => a.Where)));
            if (!features.TryGetValue(group.Key, out PlainFeatures must))
            {
                _report.Unexpected(_report.Anomalies, Anomaly, _range.Partition, where, $"the log has no reading of it, in {first.Where}");
                continue;
            }

            StoredRow? row = endUs <= _rowsToUs ? rows[group.Key].Select(r => r.Row).FirstOrDefault() : null;
            if (row is { IsAnomaly: false }) _report.Unexpected(_report.Anomalies, Anomaly, _range.Partition, where, $"its row says that it is none, in {first.Where}");
            else if ((WindowCheck.Anomaly(must, _options.Windows.WindowUs, first) ?? (row == null ? null : WindowCheck.Anomaly(row, first))) is { } difference)
                _report.Different(_report.Anomalies, Anomaly, _range.Partition, where, $"{difference}, in {first.Where}");
            // Of a window that is not in a file yet only its anomaly says that there must be one.
            if (row == null) Interlocked.Increment(ref _report.Anomalies.CheckedCount);
        }

        if (endUs > _rowsToUs) return;
        foreach (IGrouping<(string, string), (StoredRow Row, string File)> row in rows.Where(r => r.First().Row.IsAnomaly))
        {
            Interlocked.Increment(ref _report.Anomalies.CheckedCount);
            if (!seen.Contains(row.Key)) _report.Missing(_report.Anomalies, Anomaly, _range.Partition, Where(row.Key, endUs), $"its row says that it is one, in {row.First().File}");
        }
    }

    private void End()
    {
        _deadLetters.End(_range.Partition, _range.From, _range.To);
        _late?.End(_range.Partition, _range.From, _range.To);
        foreach (IGrouping<long, SeenAnomaly> window in _anomalies)
        {
            if (window.Key <= _checkFromUs || window.Key > _emittedToUs || _visited.Contains(window.Key)) continue;
            foreach (SeenAnomaly a in window) _report.Unexpected(_report.Anomalies, Anomaly, _range.Partition, Where((a.Sensor, a.Metric), a.WindowEndUs), $"the log has no such window, in {a.Where}");
        }

        if (_range.To == _range.Committed.Position && _windows.ClosedUs is { } closed && closed != _range.Committed.EmittedUs)
            _report.Commit(_range.Partition, $"offset {_range.To}", $"windows are committed as emitted up to {Text(_range.Committed.EmittedUs)}, the log up to there closes them up to {Text(closed)}");
        string? note = _range.FromBegin ? null : "begins in the middle of the log: the first windows are not checked";
        _report.Add(new PartitionReport(_range.Partition, _range.From, _range.To, _checkFromUs == long.MinValue ? null : Text(_checkFromUs), Text(_emittedToUs), Text(_rowsToUs), note));
    }

    private static string Where((string Sensor, string Metric) series, long endUs) => $"{series.Sensor}{(series.Metric.Length > 0 ? "/" + series.Metric : "")} {Text(endUs)}";

    internal static string Text(long us) => us == long.MinValue ? "none" : us == long.MaxValue ? "all" : DateTime.UnixEpoch.AddTicks(us * TimeSpan.TicksPerMicrosecond).ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);
}
