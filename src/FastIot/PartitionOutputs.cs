using System.Diagnostics;
using System.Text;
using FastIot.Emit;
using FastIot.Features;
using FastIot.Ingest;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot;

/// <summary>
/// What one partition sends out: anomalies and dead letters at once, feature rows file by file. Knows what was out before a restart, and
/// sends nothing twice that the commit says is out.
/// </summary>
internal sealed class PartitionOutputs : IDisposable
{
    private static readonly byte[][] s_reasonNames = [.. Enumerable.Range(0, Rejections.Count).Select(r => Encoding.UTF8.GetBytes(Rejections.Name((Rejection)r)))];
    private static readonly long s_processStart = Stopwatch.GetTimestamp();

    private readonly int _partition;
    private readonly WindowSpec _spec;
    private readonly OutputChannels _channels;
    private readonly PartitionStatistics _statistics;
    private readonly SeriesTable _series;
    private readonly AnomalyComposer _composer;
    private readonly Queue<FeatureRows> _waiting = new();
    private FeatureRows? _rows;
    private long _fileStartUs = long.MinValue;
    private long _emittedUs = long.MinValue;
    private long _storedUs = long.MinValue;
    private long _snapshotUs = long.MinValue;

    public PartitionOutputs(int partition, PipelineOptions options, SeriesTable series, FeatureState features, PaneRing panes,
        OutputChannels channels, PartitionStatistics statistics)
    {
        _partition = partition;
        _spec = options.Windows;
        _series = series;
        _channels = channels;
        _statistics = statistics;
        _composer = new AnomalyComposer(partition, options, series, features, panes, channels.Model);
    }

    public int Partition => _partition;

    /// <summary>Compares the partition's alarms with its labels; null = nobody asked.</summary>
    public Evaluation.LabelMatch? Labels { get; init; }

    /// <summary>Files that wait because the writer's queue is full. The worker pauses the partition while there are any.</summary>
    public bool HasWaitingFiles => _waiting.Count > 0;

    public void Resume(CommitMetadata committed)
    {
        _emittedUs = committed.EmittedUs;
        _storedUs = _fileStartUs = committed.StoredUs;
        _snapshotUs = committed.SnapshotUs;
    }

    /// <summary>Whether the window is to be scored at all: up to the snapshot, windows are only closed as context of later ones.</summary>
    public bool Wants(long endUs) => endUs > _snapshotUs;

    /// <summary>A window has been scored: its alarms go out, its rows into the file they belong to.</summary>
    public void Window(WindowBatch batch, long causeUs)
    {
        Labels?.Window(batch);
        _statistics.WindowEnds++;
        _statistics.Windows += batch.Count;
        _statistics.Scored += batch.Scored;
        if (batch.WindowEndUs > _emittedUs) EmitAnomalies(batch, causeUs);
        if (_channels.Files != null && batch.WindowEndUs > _storedUs) Append(batch);
    }

    /// <summary>All windows up to here are closed: files that end by then are complete.</summary>
    public void ClosedUpTo(long closedUs)
    {
        long boundary = Watermark.Floor(closedUs, _spec.FlushUs);
        if (_channels.Files != null && boundary > _fileStartUs) EndFile(boundary);
    }

    /// <summary>No window will close any more: the last file ends with the last window.</summary>
    public void EndInput()
    {
        if (_rows is { Count: > 0 } rows) EndFile(rows.LastWindowEndUs);
    }

    /// <summary>Last window end up to which every row is in the store; <see cref="long.MinValue"/> = none yet.</summary>
    public long StoredUs(long closedUs)
    {
        // Without files nothing waits to be stored: whatever is closed is as safe as it gets.
        if (_channels.Files == null) return closedUs;
        return Math.Max(_storedUs, _channels.Files.StoredUpToUs(_partition));
    }

    public void DeadLetter(in Record record, Rejection reason, ReadOnlySpan<byte> reading, int index) =>
        WriteReading(OutputTopic.DeadLetters, s_reasonNames[(int)reason], in record, reading, index);

    public void Late(in Record record, ReadOnlySpan<byte> reading, int index) =>
        WriteReading(OutputTopic.LateReadings, "late"u8, in record, reading, index);

    /// <summary>Hands over files that had to wait, in order, as far as the writer takes them.</summary>
    public void HandOverWaiting()
    {
        while (_waiting.TryPeek(out FeatureRows? rows) && _channels.Files!.TryEnqueue(rows)) _waiting.Dequeue();
    }

    public void Dispose()
    {
        foreach (FeatureRows rows in _waiting) rows.Dispose();
        _waiting.Clear();
        _rows?.Dispose();
    }

    private void EmitAnomalies(WindowBatch batch, long causeUs)
    {
        // No latency without a cause, for what was never due (a demo's history), nor for what was due before this process was there.
        long bornTicks = causeUs == 0 || _channels.Clock.Precedes(causeUs) ? 0 : _channels.Clock.DueTicks(causeUs);
        if (bornTicks < s_processStart) bornTicks = 0;
        for (int row = 0; row < batch.Count; row++)
        {
            if (batch.IsAnomaly[row] == 0) continue;
            ReadOnlySpan<byte> key = _series.SensorId(batch.Slot[row]);
            ReadOnlySpan<byte> value = _composer.Compose(batch, row);
            while (!_channels.Records.TryWriteAnomaly(key, value, bornTicks)) _channels.Records.Flush(_channels.Timeout);
            _statistics.Anomalies++;
            _channels.Statistics.AnomaliesByKind[batch.Kind[row]]++;
        }
    }

    private void Append(WindowBatch batch)
    {
        long fileEnd = Watermark.Floor(batch.WindowEndUs - 1, _spec.FlushUs) + _spec.FlushUs;
        if (_rows is { Count: > 0 } && _rows.LastWindowEndUs <= fileEnd - _spec.FlushUs) EndFile(fileEnd - _spec.FlushUs);
        FeatureRows rows = _rows ??= _channels.Files!.Rent(batch.Count * (int)Math.Min(_spec.FlushUs / _spec.SlideUs, 64));
        int at = rows.Count;
        int count = batch.Count;
        rows.EnsureCapacity(at + count);
        batch.Slot.Span[..count].CopyTo(rows.Slot.Span[at..]);
        batch.Mean.Span[..count].CopyTo(rows.Mean.Span[at..]);
        batch.StdDev.Span[..count].CopyTo(rows.StdDev.Span[at..]);
        batch.Min.Span[..count].CopyTo(rows.Min.Span[at..]);
        batch.Max.Span[..count].CopyTo(rows.Max.Span[at..]);
        batch.Range.Span[..count].CopyTo(rows.Range.Span[at..]);
        batch.AnomalyScore.Span[..count].CopyTo(rows.AnomalyScore.Span[at..]);
        batch.ReconstructionError.Span[..count].CopyTo(rows.ReconstructionError.Span[at..]);
        batch.IsAnomaly.Span[..count].CopyTo(rows.IsAnomaly.Span[at..]);
        batch.Kind.Span[..count].CopyTo(rows.Kind.Span[at..]);
        rows.WindowEndUs.Span.Slice(at, count).Fill(batch.WindowEndUs);
        rows.Model.Span.Slice(at, count).Fill(_composer.Model != null ? (sbyte)0 : (sbyte)-1);
        for (int row = 0; row < count; row++) rows.ReadingCount[at + row] = batch.ReadingCount[row];
        rows.Count = at + count;
    }

    private void EndFile(long upToUs)
    {
        FeatureRows rows = _rows ?? _channels.Files!.Rent(0);
        _rows = null;
        rows.Partition = _partition;
        rows.AfterUs = _fileStartUs;
        rows.UpToUs = upToUs;
        rows.Names = _series.Names();
        if (_composer.Model is { } model) rows.Models.Add(model);
        _fileStartUs = upToUs;
        if (_waiting.Count > 0 || !_channels.Files!.TryEnqueue(rows)) _waiting.Enqueue(rows);
    }

    private void WriteReading(OutputTopic topic, ReadOnlySpan<byte> reason, in Record record, ReadOnlySpan<byte> reading, int index)
    {
        var provenance = new Provenance { Reason = reason, Partition = _partition, Offset = record.Offset, Index = index };
        while (!_channels.Records.TryWriteReading(topic, record.KeySpan, reading, in provenance)) _channels.Records.Flush(_channels.Timeout);
    }
}
