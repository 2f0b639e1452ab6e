using System.Runtime.CompilerServices;
using FastIot.Decode;
using FastIot.Emit;
using FastIot.Features;
using FastIot.Ingest;
using FastIot.Recovery;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot;

/// <summary>
/// One partition of the topic, from a record's bytes to closed windows. Everything it holds is a function of its log and of the decisions
/// committed beside it: no clock, no thread, no other partition. Its worker calls it; what it finds goes to its <see cref="PartitionOutputs"/>.
/// </summary>
internal sealed unsafe class Partition : IDisposable
{
    private const int LargeSeries = 16_384;

    private readonly WindowSpec _spec;
    private readonly ReadingDecoder _decoder;
    private readonly RecordShapes _shapes;
    private readonly SeriesTable _series;
    private readonly FeatureState _features;
    private readonly PaneRing _panes;
    private readonly PartitionOutputs _outputs;
    private readonly WindowCloser _closer;
    private readonly Evaluation.LabelMatch? _labels;
    private readonly ProtocolFault _fault;
    private Watermark _watermark;

    // The pane of the last reading: the next one is nearly always in it, which saves a division.
    private long _paneStartUs = long.MinValue;
    private long _pane;
    private long _closedUs = Watermark.None;
    private long _newestPane = long.MinValue;
    private long _sideOutputsFrom;

    public Partition(int number, PipelineOptions options, string configHash, WindowCloser closer, OutputChannels channels, PartitionStatistics? statistics = null)
    {
        Number = number;
        _spec = options.Windows;
        _fault = options.Fault;
        _decoder = new ReadingDecoder(options.Decode);
        _series = new SeriesTable(options.MaxSeriesPerPartition);
        _shapes = new RecordShapes(_series, options.Decode.TimestampUnit);
        _features = new FeatureState(_series.Capacity, options.Features);
        _panes = new PaneRing(_spec.RingPanes, _series.Capacity, options.Features.BetweenReadings);
        _closer = closer;
        Statistics = statistics ?? new PartitionStatistics(number);
        _labels = options.Labels == null ? null : new Evaluation.LabelMatch(options.Labels, options.Windows.WindowUs);
        _outputs = new PartitionOutputs(number, options, configHash, _series, _features, _panes, channels, Statistics) { Labels = _labels };
        _watermark = new Watermark(_spec);
        Progress = new PartitionProgress(this, options, configHash);
    }

    public int Number { get; }

    public PartitionStatistics Statistics { get; }

    /// <summary>Next offset to be read.</summary>
    public long Position { get; private set; }

    /// <summary>Last window end closed; <see cref="Watermark.None"/> before the first reading.</summary>
    public long ClosedUs => _closedUs;

    /// <summary>Window end by which every window that has a reading is closed; <see cref="Watermark.None"/> without readings.</summary>
    public long LastWindowEndUs => _newestPane == long.MinValue ? Watermark.None : _newestPane * _spec.SlideUs + _spec.WindowUs;

    public long WatermarkUs => _watermark.Us;

    public PartitionOutputs Outputs => _outputs;

    /// <summary>What is committed, and what the next commit says.</summary>
    public PartitionProgress Progress { get; }

    /// <summary>Whether its worker has said that the store does not take its files.</summary>
    public bool WaitsForStore { get; set; }

    /// <summary>Model in force; changed by <see cref="PartitionProgress"/> only, after the change is committed.</summary>
    public ModelInForce Model { get; set; }

    /// <summary>
    /// Takes up the partition where it was left. The watermark begins one slide before the snapshot, so that the pane before is there as
    /// context of the features between readings.
    /// </summary>
    public void Begin(in StartState start)
    {
        Position = start.Offset;
        Progress.Begin(in start, _closer.Scorers.Current);
        if (start.Committed is not { } at)
        {
            _sideOutputsFrom = start.Offset;
            return;
        }

        _sideOutputsFrom = _fault == ProtocolFault.NoPosition ? 0 : at.Position;
        _outputs.Resume(at);
        long from = _fault switch
        {
            ProtocolFault.WatermarkAtEmitted => at.EmittedUs,
            ProtocolFault.NoPreroll => at.SnapshotUs,
            _ => at.SnapshotUs == CommitMetadata.None ? CommitMetadata.None : at.SnapshotUs - _spec.SlideUs,
        };
        if (from == CommitMetadata.None) return;
        _watermark.Advance(Watermark.Floor(from, _spec.SlideUs));
        _closedUs = _watermark.ClosedUs;
    }

    /// <summary>Takes over the slow state that was committed, before the first record.</summary>
    /// <exception cref="InvalidDataException">It cannot be used: the partition must be discarded.</exception>
    public void Load(ReadOnlySpan<byte> snapshot, PipelineOptions options, CommitMetadata committed)
    {
        if (_fault != ProtocolFault.NoSnapshot) SlowStateSnapshot.Read(snapshot, options, Number, committed, _series, _features, Grow);
    }

    /// <summary>So many series that what a reading touches is rarely in the cache by itself.</summary>
    public bool IsLarge => _series.Count > LargeSeries;

    /// <summary>First of two fetches ahead: the sensor's entry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchSensor(in Record record)
    {
        if (record.Value != null) _shapes.Prefetch(record.Value, record.ValueLength);
    }

    /// <summary>Second: by the entry, which should be there by now, the series' place in the pane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchPane(in Record record)
    {
        if (record.Value != null && _shapes.Foretell(record.Value, record.ValueLength) is >= 0 and int slot) _panes.Prefetch(_pane, slot);
    }

    /// <summary>Takes one record: every reading in it counts by itself.</summary>
    /// <returns>False when it cannot be taken yet: an idle advance before it is to be settled first, see <see cref="PartitionProgress"/>.</returns>
    public bool Ingest(in Record record)
    {
        if (record.Offset >= Progress.HoldFrom && !Progress.MayTake(record.Offset)) return false;
        Statistics.Records++;
        Position = record.Offset + 1;
        bool isNew = record.Offset >= _sideOutputsFrom;
        if (!isNew)
        {
            Statistics.Replayed++;
            FaultPoint.Hit(FaultPoint.Replay);
        }

        if (record.Key == null || record.ValueLength > Limits.MaxRecordBytes)
        {
            Reject(in record, record.Key == null ? Rejection.MissingKey : Rejection.TooLarge, record.ValueSpan, 0, isNew);
            return true;
        }

        if (record.ValueLength > 0 && _shapes.TryRead(record.Value, record.ValueLength, out int slot, out long timeUs, out double value))
        {
            if (MayPlace(timeUs, in record, record.ValueSpan, 0, isNew, out Rejection rejection)) Place(slot, timeUs, value, in record, record.ValueSpan);
            else if (rejection != Rejection.None) Reject(in record, rejection, record.ValueSpan, 0, isNew);
            return true;
        }

        Decode(in record, isNew);
        return true;
    }

    /// <summary>Closes all windows up to this end, which was decided and not read: what comes for them later is late.</summary>
    public void AdvanceTo(long windowEndUs)
    {
        if (_watermark.Advance(windowEndUs)) CloseWindows(0);
        else if (_closedUs == Watermark.None) _closedUs = _watermark.ClosedUs;
    }

    /// <summary>Ends the input: closes every window that has a reading, as if a later one had arrived.</summary>
    public void CloseAll()
    {
        if (LastWindowEndUs == Watermark.None) return;
        if (_watermark.Advance(LastWindowEndUs)) CloseWindows(0);
        _outputs.EndInput();
    }

    public void UpdateStatistics(long highOffset)
    {
        Statistics.Position = Position;
        if (highOffset >= 0) Statistics.HighOffset = highOffset;
        Statistics.Series = _series.Count;
        Statistics.WatermarkUs = _watermark.Us;
        Statistics.EmittedUpToUs = _closedUs;
        Statistics.StoredUpToUs = _outputs.StoredUs(_closedUs);
        Statistics.StateBytes = _series.Bytes + _features.Bytes + _panes.Bytes + _shapes.Bytes;
    }

    public void Dispose()
    {
        Statistics.Assigned = false;
        _outputs.Dispose();
        _decoder.Dispose();
        _shapes.Dispose();
        _series.Dispose();
        _features.Dispose();
        _panes.Dispose();
    }

    /// <summary>The long way: every reading that is in the record.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Decode(in Record record, bool isNew)
    {
        _decoder.Open(record.Value, record.ValueLength);
        while (_decoder.Next(out Reading reading, out Rejection rejection))
        {
            if (rejection == Rejection.None) rejection = Place(in reading, in record, isNew);
            if (rejection != Rejection.None) Reject(in record, rejection, _decoder.Current, _decoder.Index, isNew);
        }
    }

    private Rejection Place(in Reading reading, in Record record, bool isNew)
    {
        // A reading that is not taken makes no series.
        if (!MayPlace(reading.TimeUs, in record, _decoder.Current, _decoder.Index, isNew, out Rejection rejection)) return rejection;
        int slot = _series.FindOrAdd(in reading);
        if (slot >= _panes.Slots) Grow();
        if (slot < 0) return Rejection.TooManySeries;
        if (_shapes.WantsToLearn && _decoder.IsWhole) _shapes.Learn(record.Value, record.ValueLength, in reading, slot, in _decoder.Time, in _decoder.Value, Statistics.Readings);
        Place(slot, reading.TimeUs, reading.Value, in record, _decoder.Current);
        return Rejection.None;
    }

    /// <summary>Whether a window still takes a reading of this time; what comes too late is dealt with here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MayPlace(long timeUs, in Record record, ReadOnlySpan<byte> reading, int index, bool isNew, out Rejection rejection)
    {
        rejection = timeUs - record.TimestampMs * 1000 > _spec.MaxFutureUs && record.TimestampMs >= 0 ? Rejection.FutureTimestamp : Rejection.None;
        if (rejection != Rejection.None) return false;
        if (!_watermark.IsLate(timeUs)) return true;
        Late(in record, reading, index, isNew);
        return false;
    }

    /// <summary>A reading of a known series takes its place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Place(int slot, long timeUs, double value, in Record record, ReadOnlySpan<byte> reading)
    {
        long watermarkUs = _watermark.After(timeUs);
        if (watermarkUs > _watermark.Us) Advance(watermarkUs, timeUs);
        if ((ulong)(timeUs - _paneStartUs) >= (ulong)_spec.SlideUs) EnterPane(timeUs);
        if (_panes.Place(_pane, slot, value, record.Offset)) Progress.FirstOf(_paneStartUs, record.Offset);
        Statistics.Readings++;
        _labels?.Reading(slot, timeUs, reading);
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
            _closer.Close(end, Model.At(end), _panes, _series, _features, _outputs, causeUs);
            _closedUs = end;
            _outputs.ClosedUpTo(end);
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
    private void Late(in Record record, ReadOnlySpan<byte> reading, int index, bool isNew)
    {
        Statistics.Late++;
        if (isNew) _outputs.Late(in record, reading, index);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Reject(in Record record, Rejection reason, ReadOnlySpan<byte> reading, int index, bool isNew)
    {
        Statistics.RejectedReadings++;
        Statistics.RejectedByReason[(int)reason]++;
        if (isNew) _outputs.DeadLetter(in record, reason, reading, index);
    }
}
