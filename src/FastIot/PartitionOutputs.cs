using System.Diagnostics;
using System.Text;
using FastIot.Emit;
using FastIot.Features;
using FastIot.Ingest;
using FastIot.Recovery;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot;

/// <summary>
/// What one partition sends out: anomalies and dead letters at once, feature rows file by file, slow state behind the files. Knows what was
/// out before a restart, and sends nothing twice that the commit says is out.
/// </summary>
internal sealed class PartitionOutputs : IDisposable
{
    /// <summary>Bytes of snapshots per second of event time, at most: larger states are stored less often.</summary>
    private const long SnapshotBytesPerSecond = 4 << 20;

    private static readonly byte[][] s_reasonNames = [.. Enumerable.Range(0, Rejections.Count).Select(r => Encoding.UTF8.GetBytes(Rejections.Name((Rejection)r)))];
    private static readonly long s_processStart = Stopwatch.GetTimestamp();

    private readonly int _partition;
    private readonly WindowSpec _spec;
    private readonly PipelineOptions _options;
    private readonly string _configHash;
    private readonly OutputChannels _channels;
    private readonly PartitionStatistics _statistics;
    private readonly SeriesTable _series;
    private readonly FeatureState _features;
    private readonly AnomalyComposer _composer;
    private readonly FileProgress _progress;
    private readonly Queue<FileJob> _waiting = new();
    private FeatureRows? _rows;
    private long _fileStartUs = CommitMetadata.None;
    private long _emittedUs = CommitMetadata.None;
    private long _storedUs = CommitMetadata.None;
    private long _takenUs = CommitMetadata.None;
    private long _confirmedUs = CommitMetadata.None;
    private long _lastRowsUs = CommitMetadata.None;
    private StoredSnapshot? _snapshot;
    private StoredSnapshot? _swept;
    private StoredSnapshot? _ahead;

    public PartitionOutputs(int partition, PipelineOptions options, string configHash, SeriesTable series, FeatureState features, PaneRing panes,
        OutputChannels channels, PartitionStatistics statistics)
    {
        _partition = partition;
        _spec = options.Windows;
        _options = options;
        _configHash = configHash;
        _series = series;
        _features = features;
        _channels = channels;
        _statistics = statistics;
        _progress = new FileProgress(partition);
        _composer = new AnomalyComposer(partition, options, series, features, panes);
        if (!channels.IsShared || options.Fault == ProtocolFault.PutBeforeCommit) _confirmedUs = long.MaxValue;
    }

    public int Partition => _partition;

    /// <summary>Compares the partition's alarms with its labels; null = nobody asked.</summary>
    public Evaluation.LabelMatch? Labels { get; init; }

    /// <summary>
    /// Whether slow state is kept in the store: else a restart begins without any, behind the last file. Only a member of a group is ever
    /// restarted from what it has committed.
    /// </summary>
    public bool KeepsSnapshots => _channels.Files != null && _channels.IsShared && _options.SnapshotUs > 0;

    /// <summary>Jobs that wait because the writer's queue is full. The worker pauses the partition while there are any.</summary>
    public bool HasWaitingFiles { get; private set; }

    /// <summary>
    /// Jobs that wait for a commit: what is put is first known to be judged by the partition's owner. A worker that has lost the partition
    /// without knowing may have read on without an idle decision that its successor has taken; it can commit nothing, and so puts nothing.
    /// </summary>
    public bool HasUnconfirmedFiles => _waiting.Count > 0 && !HasWaitingFiles;

    /// <summary>Takes up what the commit says is out.</summary>
    public void Resume(CommitMetadata committed)
    {
        _emittedUs = committed.EmittedUs;
        _storedUs = _fileStartUs = committed.StoredUs;
        _takenUs = committed.SnapshotUs;
        _confirmedUs = Math.Max(_confirmedUs, committed.EmittedUs);
        if (committed.SnapshotUs != CommitMetadata.None) _snapshot = new StoredSnapshot(committed.SnapshotUs, committed.SnapshotHash);
    }

    /// <summary>Whether the window is to be scored at all: up to the snapshot, windows are only closed as context of later ones.</summary>
    public bool Wants(long endUs) => _snapshot == null || endUs > _snapshot.WindowEndUs;

    /// <summary>Whether the window's alarms were not out before: else this is a replay.</summary>
    public bool IsNew(long endUs) => endUs > _emittedUs;

    /// <summary>A window has been scored: its alarms go out, its rows into the file they belong to.</summary>
    public void Window(WindowBatch batch, int model, long causeUs)
    {
        _lastRowsUs = batch.WindowEndUs;
        _statistics.WindowEnds++;
        _statistics.Windows += batch.Count;
        _statistics.Scored += batch.Scored;
        Labels?.Window(batch);
        if (_options.Fault != ProtocolFault.NoEmitted && batch.WindowEndUs <= _emittedUs && batch.WindowEndUs <= _storedUs) return;
        _composer.Model = _channels.ModelLabel(model);
        if (IsNew(batch.WindowEndUs) || _options.Fault == ProtocolFault.NoEmitted) EmitAnomalies(batch, causeUs);
        if (_channels.Files != null && batch.WindowEndUs > _storedUs) Append(batch);
    }

    /// <summary>
    /// All windows up to here are closed, with or without rows: files that end by then are complete, and a snapshot of the state as it is now
    /// may follow.
    /// </summary>
    public void ClosedUpTo(long closedUs)
    {
        if (_channels.Files == null) return;
        long boundary = Watermark.Floor(closedUs, _spec.FlushUs);
        if (boundary > _fileStartUs) EndFile(boundary);
        if (boundary > _takenUs && IsSnapshotDue(boundary)) TakeSnapshot(boundary);
    }

    /// <summary>The windows up to an idle advance are closed: the last file ends there, and the snapshot is of that end.</summary>
    public void Settle(long endUs)
    {
        if (_channels.Files == null) return;
        _confirmedUs = Math.Max(_confirmedUs, endUs);
        ClosedUpTo(endUs);
        if (endUs > _fileStartUs) EndFile(endUs);
        if (KeepsSnapshots && _options.Fault != ProtocolFault.IdleWithoutSnapshot && endUs > _takenUs) TakeSnapshot(endUs);
    }

    /// <summary>No window will close any more: the last file ends with the last window.</summary>
    public void EndInput()
    {
        if (_rows is { Count: > 0 } rows) EndFile(rows.LastWindowEndUs);
    }

    /// <summary>Last window end up to which every row is in the store; <see cref="CommitMetadata.None"/> = none yet.</summary>
    public long StoredUs(long closedUs)
    {
        // Without files nothing waits to be stored: whatever is closed is as safe as it gets.
        if (_channels.Files == null) return closedUs;
        if (_options.Fault == ProtocolFault.CommitBeforePut) return Math.Max(_storedUs, _fileStartUs);
        return Math.Max(_storedUs, _progress.StoredUs);
    }

    /// <summary>The last snapshot that is in the store, and thereby the files up to it; null = none. Without snapshots, the last file.</summary>
    public StoredSnapshot? Snapshot(long storedUs)
    {
        if (!KeepsSnapshots) return storedUs == CommitMetadata.None ? null : new StoredSnapshot(storedUs, "");
        if (_options.Fault == ProtocolFault.SnapshotAhead && _ahead != null) return _ahead;
        return _progress.Snapshot ?? _snapshot;
    }

    /// <summary>A commit is done: files up to what it calls emitted may go; snapshots before the one it names are of no use to anybody.</summary>
    public void Committed(long emittedUs, StoredSnapshot? snapshot)
    {
        _confirmedUs = Math.Max(_confirmedUs, emittedUs);
        HandOverWaiting();
        if (!KeepsSnapshots || snapshot == null || snapshot == _swept || HasWaitingFiles) return;
        if (_channels.Files!.TryEnqueue(new SweepJob(_progress, Prefix, Name(snapshot.WindowEndUs)))) _swept = snapshot;
    }

    public void DeadLetter(in Record record, Rejection reason, ReadOnlySpan<byte> reading, int index) =>
        WriteReading(OutputTopic.DeadLetters, s_reasonNames[(int)reason], in record, reading, index);

    public void Late(in Record record, ReadOnlySpan<byte> reading, int index) =>
        WriteReading(OutputTopic.LateReadings, "late"u8, in record, reading, index);

    /// <summary>Hands over what had to wait, in order, as far as the writer takes it.</summary>
    public void HandOverWaiting()
    {
        HasWaitingFiles = false;
        while (_waiting.TryPeek(out FileJob? job) && job.UpToUs <= _confirmedUs)
        {
            if (HasWaitingFiles = !_channels.Files!.TryEnqueue(job)) return;
            _waiting.Dequeue();
        }
    }

    public void Dispose()
    {
        _progress.Abandoned = true;
        foreach (FileJob job in _waiting) job.Release(_channels.Files!);
        _waiting.Clear();
        _rows?.Dispose();
    }

    private string Prefix => SlowStateSnapshot.Prefix(_options, _partition);

    private string Name(long endUs) => SlowStateSnapshot.Name(_options, _partition, endUs, _configHash);

    private bool IsSnapshotDue(long boundaryUs)
    {
        // The state is that of the boundary only while no later window has been learnt.
        if (!KeepsSnapshots || _lastRowsUs > boundaryUs) return false;
        if (_takenUs == CommitMetadata.None) return true;

        // Which of the possible snapshots there are changes no result: the interval may follow the size.
        long interval = Math.Max(_options.SnapshotUs, SlowStateSnapshot.Bytes(_series, _features) * 1_000_000 / SnapshotBytesPerSecond);
        return boundaryUs - _takenUs >= interval && !HasWaitingFiles;
    }

    private void TakeSnapshot(long endUs)
    {
        long started = Stopwatch.GetTimestamp();
        NativeArray<byte> content = _channels.Files!.RentBytes();
        int length = SlowStateSnapshot.Write(_series, _features, _options, _partition, endUs, _configHash, content);
        var job = new SnapshotJob(_progress, content, length, endUs, Name(endUs));
        if (_options.Fault == ProtocolFault.SnapshotAhead) StoreAhead(job);
        _takenUs = endUs;
        HandOver(job);
        _channels.Statistics.Snapshots++;
        _channels.Statistics.SnapshotTicks += Stopwatch.GetTimestamp() - started;
    }

    /// <summary>The fault that the simulation must find: the snapshot goes before its files.</summary>
    private unsafe void StoreAhead(SnapshotJob job)
    {
        job.Hash = SlowStateSnapshot.Seal(new Span<byte>(job.Content.Pointer, job.Length));
        try
        {
            _channels.Files!.Store.PutAsync(job.Name, new ReadOnlySpan<byte>(job.Content.Pointer, job.Length).ToArray(), CancellationToken.None).GetAwaiter().GetResult();
            _ahead = new StoredSnapshot(job.UpToUs, job.Hash);
        }
        catch (ObjectStoreException)
        {
            // Then the next one does.
        }
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
            FaultPoint.Hit(FaultPoint.AnomalyQueued);
            _channels.Uncommitted++;
            _statistics.Anomalies++;
            _channels.Statistics.AnomaliesByKind[batch.Kind[row]]++;
        }
    }

    private void Append(WindowBatch batch)
    {
        if (_fileStartUs == CommitMetadata.None) _fileStartUs = Watermark.Floor(batch.WindowEndUs - 1, _spec.FlushUs);
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
        rows.Model.Span.Slice(at, count).Fill(ModelIndex(rows));
        for (int row = 0; row < count; row++) rows.ReadingCount[at + row] = batch.ReadingCount[row];
        rows.Count = at + count;
    }

    private sbyte ModelIndex(FeatureRows rows)
    {
        if (_composer.Model is not { } model) return -1;
        int index = rows.Models.IndexOf(model);
        if (index >= 0) return (sbyte)index;
        rows.Models.Add(model);
        return (sbyte)(rows.Models.Count - 1);
    }

    private void EndFile(long upToUs)
    {
        FeatureRows rows = _rows ?? _channels.Files!.Rent(0);
        _rows = null;
        rows.Partition = _partition;
        rows.UpToUs = upToUs;
        if (rows.Count > 0) rows.Names = _series.Names();
        _fileStartUs = upToUs;
        HandOver(new RowsJob(_progress, rows));
    }

    private void HandOver(FileJob job)
    {
        _waiting.Enqueue(job);
        HandOverWaiting();
    }

    private void WriteReading(OutputTopic topic, ReadOnlySpan<byte> reason, in Record record, ReadOnlySpan<byte> reading, int index)
    {
        var provenance = new Provenance { Reason = reason, Partition = _partition, Offset = record.Offset, Index = index };
        while (!_channels.Records.TryWriteReading(topic, record.KeySpan, reading, in provenance)) _channels.Records.Flush(_channels.Timeout);
        _channels.Uncommitted++;
    }
}
