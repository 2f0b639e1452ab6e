using System.Runtime.CompilerServices;
using FastIot.Decode;
using FastIot.Emit;
using FastIot.Features;
using FastIot.Ingest;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot;

/// <summary>
/// One partition of the topic, from a record's bytes to closed windows. Everything it holds is a function of its log: no clock, no thread,
/// no other partition. Its worker calls it; what it finds goes to the worker's <see cref="PartitionOutputs"/>.
/// </summary>
internal sealed unsafe class Partition : IDisposable
{
    private readonly WindowSpec _spec;
    private readonly ReadingDecoder _decoder;
    private readonly SeriesTable _series;
    private readonly FeatureState _features;
    private readonly PaneRing _panes;
    private readonly PartitionOutputs _outputs;
    private readonly WindowCloser _closer;
    private readonly Evaluation.LabelMatch? _labels;
    private readonly ReplayOffsets _replay;
    private Watermark _watermark;

    // The pane of the last reading: the next one is nearly always in it, which saves a division.
    private long _paneStartUs = long.MinValue;
    private long _pane;
    private long _closedUs = Watermark.None;
    private long _newestPane = long.MinValue;
    private long _sideOutputsFrom;
    private long _committedPosition = -1;
    private long _committedStoredUs = long.MinValue;

    public Partition(int number, PipelineOptions options, WindowCloser closer, OutputChannels channels)
    {
        Number = number;
        _spec = options.Windows;
        _decoder = new ReadingDecoder(options.Decode);
        _series = new SeriesTable(options.MaxSeriesPerPartition);
        _features = new FeatureState(_series.Capacity, options.Features);
        _panes = new PaneRing(_spec.RingPanes, _series.Capacity, betweenReadings: true);
        _closer = closer;
        _labels = options.Labels == null ? null : new Evaluation.LabelMatch(options.Labels, options.Windows.WindowUs);
        _outputs = new PartitionOutputs(number, options, _series, _features, _panes, channels, Statistics = new PartitionStatistics(number)) { Labels = _labels };
        _replay = new ReplayOffsets(_spec);
        _watermark = new Watermark(_spec);
    }

    public int Number { get; }

    public PartitionStatistics Statistics { get; }

    /// <summary>Next offset to be read.</summary>
    public long Position { get; private set; }

    public PartitionOutputs Outputs => _outputs;

    /// <summary>
    /// Takes up the partition where it was left. The watermark begins one slide before the last window end that is safe, so that the
    /// pane before it is there as context.
    /// </summary>
    public void Begin(long startOffset, CommitMetadata? committed)
    {
        Position = startOffset;
        if (committed is not { } at)
        {
            _sideOutputsFrom = startOffset;
            return;
        }

        _sideOutputsFrom = at.Position;
        _outputs.Resume(at);
        if (at.SnapshotUs == long.MinValue) return;
        _watermark.Advance(at.SnapshotUs - _spec.SlideUs);
        _closedUs = _watermark.ClosedUs;
    }

    /// <summary>Takes one record: every reading in it counts by itself.</summary>
    public void Ingest(in Record record)
    {
        Statistics.Records++;
        Position = record.Offset + 1;
        bool isNew = record.Offset >= _sideOutputsFrom;
        if (!isNew) Statistics.Replayed++;
        if (record.Key == null || record.ValueLength > Limits.MaxRecordBytes)
        {
            Reject(in record, record.Key == null ? Rejection.MissingKey : Rejection.TooLarge, record.ValueSpan, 0, isNew);
            return;
        }

        _decoder.Open(record.Value, record.ValueLength);
        while (_decoder.Next(out Reading reading, out Rejection rejection))
        {
            if (rejection == Rejection.None) rejection = Place(in reading, in record, isNew);
            if (rejection != Rejection.None) Reject(in record, rejection, _decoder.Current, _decoder.Index, isNew);
        }
    }

    /// <summary>Ends the input: closes every window that has a reading, as if a later one had arrived.</summary>
    public void CloseAll()
    {
        if (_newestPane == long.MinValue) return;
        if (_watermark.Advance(_newestPane * _spec.SlideUs + _spec.WindowUs)) CloseWindows(0);
        _outputs.EndInput();
    }

    /// <summary>What a commit now says: the replay offset and the state of the outputs.</summary>
    /// <returns>False when nothing has changed since the last one.</returns>
    public bool TryCommit(string configHash, out PartitionCommit commit)
    {
        long stored = _outputs.StoredUs(_closedUs);
        commit = default;
        if (Position == _committedPosition && stored == _committedStoredUs) return false;
        _committedPosition = Position;
        _committedStoredUs = stored;
        long safe = stored == long.MinValue ? long.MinValue : stored - _spec.SlideUs;
        var metadata = new CommitMetadata(Position, _closedUs, stored, stored, configHash);
        commit = new PartitionCommit(Number, _replay.OffsetAfter(safe, Position), metadata.ToString());
        return true;
    }

    public void UpdateStatistics(long highOffset)
    {
        Statistics.Position = Position;
        if (highOffset >= 0) Statistics.HighOffset = highOffset;
        Statistics.Series = _series.Count;
        Statistics.WatermarkUs = _watermark.Us;
        Statistics.EmittedUpToUs = _closedUs;
        Statistics.StoredUpToUs = _outputs.StoredUs(_closedUs);
        Statistics.StateBytes = _series.Bytes + _features.Bytes + _panes.Bytes;
    }

    public void Dispose()
    {
        Statistics.Assigned = false;
        _outputs.Dispose();
        _decoder.Dispose();
        _series.Dispose();
        _features.Dispose();
        _panes.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Rejection Place(in Reading reading, in Record record, bool isNew)
    {
        if (reading.TimeUs - record.TimestampMs * 1000 > _spec.MaxFutureUs && record.TimestampMs >= 0) return Rejection.FutureTimestamp;
        if (_watermark.IsLate(reading.TimeUs))
        {
            Late(in record, isNew);
            return Rejection.None;
        }

        int slot = _series.FindOrAdd(in reading);
        if (slot >= _panes.Slots) Grow();
        if (slot < 0) return Rejection.TooManySeries;
        long watermarkUs = _watermark.After(reading.TimeUs);
        if (watermarkUs > _watermark.Us) Advance(watermarkUs, reading.TimeUs);

        if ((ulong)(reading.TimeUs - _paneStartUs) >= (ulong)_spec.SlideUs) EnterPane(reading.TimeUs);
        if (_panes.Place(_pane, slot, reading.Value, record.Offset)) _replay.Add(_paneStartUs, record.Offset);
        Statistics.Readings++;
        _labels?.Reading(slot, reading.TimeUs, _decoder.Current);
        return Rejection.None;
    }

    private void Advance(long watermarkUs, long timeUs)
    {
        bool closes = _watermark.Advance(watermarkUs);
        if (closes) CloseWindows(timeUs);
        else if (_closedUs == Watermark.None) _closedUs = _watermark.ClosedUs;
    }

    /// <param name="causeUs">Event time of the reading that closes them, from which their latency counts; 0 = none.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CloseWindows(long causeUs)
    {
        for (long end = _closedUs + _spec.SlideUs; end <= _watermark.ClosedUs; end += _spec.SlideUs)
        {
            // Behind the last pane with readings there is nothing to close, however far event time has jumped.
            if (end >= _newestPane * _spec.SlideUs + _spec.WindowUs + _spec.SlideUs) break;
            _closer.Close(end, _panes, _series, _features, _outputs, causeUs);
        }

        _closedUs = _watermark.ClosedUs;
        _outputs.ClosedUpTo(_closedUs);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterPane(long timeUs)
    {
        _pane = timeUs / _spec.SlideUs;
        _paneStartUs = _pane * _spec.SlideUs;
        _newestPane = Math.Max(_newestPane, _pane);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow()
    {
        _panes.Grow(_series.Capacity);
        _features.Grow(_series.Capacity);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Late(in Record record, bool isNew)
    {
        Statistics.Late++;
        if (isNew) _outputs.Late(in record, _decoder.Current, _decoder.Index);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Reject(in Record record, Rejection reason, ReadOnlySpan<byte> reading, int index, bool isNew)
    {
        Statistics.RejectedReadings++;
        Statistics.RejectedByReason[(int)reason]++;
        if (isNew) _outputs.DeadLetter(in record, reason, reading, index);
    }
}
