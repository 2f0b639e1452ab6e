using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Recovery;
using FastIot.Windows;

namespace FastIot;

/// <summary>
/// The recovery protocol of one partition (DESIGN section 4): what is committed, what the next commit says, and the decisions that are not
/// functions of the log, each committed before it acts.
/// </summary>
/// <remarks>
/// <code>
///  snapshot ≤ stored ≤ emitted:  files are in the store before a commit says so, a snapshot only behind the files up to it
///  replay offset:                first reading of any window that ends after snapshot − one slide; it never goes back
///  idle advance:                 decided (committed) → applied: closed, files and snapshot handed over → settled (stored and committed)
/// </code>
/// </remarks>
internal sealed class PartitionProgress(Partition partition, PipelineOptions options, string configHash)
{
    private readonly WindowSpec _spec = options.Windows;
    private readonly ReplayOffsets _replay = new(options.Windows);
    private CommitMetadata? _committed;
    private (PartitionCommit Commit, CommitMetadata Metadata, StoredSnapshot? Snapshot) _prepared;
    private IdleDecisions _idle;
    private int _applied;
    private long _settleUs = CommitMetadata.None;
    private int _model;
    private long _quietSince;
    private long _quietWatermarkUs = Watermark.None;

    /// <summary>Offset from which no record may be taken before <see cref="MayTake"/> has been asked.</summary>
    public long HoldFrom { get; private set; } = long.MaxValue;

    /// <summary>Partitions of the topic when this one was taken over; 0 = unknown.</summary>
    public int PartitionCount { get; private set; }

    /// <summary>An idle advance is applied and not yet stored and committed: no record may be judged by what might be undone.</summary>
    public bool IsSettling => _settleUs != CommitMetadata.None;

    /// <summary>Whether everything up to the idle advance is in the store: now a commit settles it.</summary>
    public bool CanSettle
    {
        get
        {
            if (!IsSettling) return false;
            long stored = partition.Outputs.StoredUs(partition.ClosedUs);
            if (stored < _settleUs) return false;
            return options.Fault == ProtocolFault.IdleWithoutSnapshot || partition.Outputs.Snapshot(stored)?.WindowEndUs >= _settleUs;
        }
    }

    /// <summary>Whether everything was read that anybody has read of this partition, and every committed decision is applied.</summary>
    public bool HasCaughtUp => !IsSettling && _applied == _idle.Count && partition.Position >= (_committed?.Position ?? 0);

    /// <summary>Another model than the one in force is to score: a change must be committed first.</summary>
    public bool WantsModelChange => partition.Model.Latest != _model && !partition.Model.IsChanging && HasCaughtUp;

    public void Begin(in StartState start, int model)
    {
        partition.Statistics.GapRecords += start.Gap;
        _committed = start.Committed;
        PartitionCount = start.Partitions;
        _model = model;
        _replay.Begin(start.Offset);
        partition.Model = start.Committed?.Model ?? new ModelInForce(model);
        if (_committed == null) return;
        if (options.Fault == ProtocolFault.ModelUndecided) partition.Model = new ModelInForce(model);
        _idle = _committed.Idle;
        HoldNext();
    }

    /// <summary>Another version of the model is to score from now on: as soon as a commit says from which window end.</summary>
    public void UseModel(int version) => _model = version;

    /// <summary>A pane's first reading.</summary>
    public void FirstOf(long paneUs, long offset) => _replay.Add(paneUs, offset);

    /// <summary>Applies the committed idle decisions that come before this record.</summary>
    /// <returns>False while one of them is not settled: the record must be delivered again later.</returns>
    public bool MayTake(long offset)
    {
        while (!IsSettling && HoldFrom <= offset) Apply(_idle[_applied]);
        return !IsSettling;
    }

    /// <summary>Applies the committed idle decisions that the position has reached.</summary>
    public void CatchUp() => MayTake(partition.Position);

    /// <summary>Records have come: silence begins anew.</summary>
    public void Heard(long nowTicks) => (_quietSince, _quietWatermarkUs) = (nowTicks, Watermark.None);

    /// <summary>
    /// The window end that an idle partition may be closed up to, having been silent for long enough: event time is taken to have gone on as
    /// fast as the clock. There is no point beyond the end of the file that holds the last window with a reading.
    /// </summary>
    /// <returns>Null where it is not idle, or there is nothing to close.</returns>
    public long? IdleAdvance(TimeSpan silent)
    {
        if (_quietWatermarkUs == Watermark.None) _quietWatermarkUs = partition.WatermarkUs;
        if (silent < options.IdleTimeout || options.IdleTimeout <= TimeSpan.Zero || _quietWatermarkUs == Watermark.None) return null;
        long goneOn = _quietWatermarkUs + silent.Ticks / TimeSpan.TicksPerMicrosecond;
        long last = partition.LastWindowEndUs;
        if (last == Watermark.None) return null;
        long to = Watermark.Floor(Math.Min(goneOn, Watermark.Floor(last + _spec.FlushUs - 1, _spec.FlushUs)), _spec.SlideUs);
        return to > partition.ClosedUs ? to : null;
    }

    /// <summary><see cref="TimeProvider"/>'s time of the last record.</summary>
    public long QuietSince => _quietSince;

    /// <summary>What a commit now says.</summary>
    /// <param name="advanceTo">An idle advance to be decided on.</param>
    /// <param name="changeModel">Whether the model is to change at the next window end.</param>
    /// <returns>False when nothing has changed since the last one.</returns>
    public bool TryPrepare(long? advanceTo, bool changeModel, out PartitionCommit commit)
    {
        long closed = partition.ClosedUs, stored = partition.Outputs.StoredUs(closed);
        StoredSnapshot? snapshot = partition.Outputs.Snapshot(stored);
        long snapshotUs = snapshot?.WindowEndUs ?? CommitMetadata.None;
        long safe = snapshotUs == CommitMetadata.None ? CommitMetadata.None : snapshotUs - _spec.SlideUs;
        IdleDecisions idle = _idle.After(options.Fault == ProtocolFault.IdleForgotten ? snapshotUs : safe);
        if (advanceTo is { } to) idle = idle.With(new IdleDecision(partition.Position, to));
        var metadata = new CommitMetadata(Math.Max(partition.Position, _committed?.Position ?? 0), Math.Max(closed, _committed?.EmittedUs ?? CommitMetadata.None), stored, snapshotUs, configHash)
        {
            SnapshotHash = snapshot?.Hash ?? "",
            Idle = idle,
            Model = changeModel ? Changed() : partition.Model.After(safe),
            WindowUs = _spec.WindowUs,
            Partitions = PartitionCount,
        };
        commit = default;
        if (metadata == _committed) return false;
        if (snapshotUs > stored && options.Fault == ProtocolFault.None || stored > metadata.EmittedUs)
            throw new InvalidOperationException($"partition {partition.Number}: snapshot {snapshotUs}, stored {stored}, emitted {metadata.EmittedUs} are out of order");
        long offset = _replay.OffsetAfter(options.Fault == ProtocolFault.OpenWindowsOnly ? closed : safe, partition.Position);
        commit = new PartitionCommit(partition.Number, offset, metadata.ToString());
        _prepared = (commit, metadata, snapshot);
        return true;
    }

    /// <summary>The commit that was prepared is done.</summary>
    public void Accept()
    {
        (PartitionCommit commit, CommitMetadata metadata, StoredSnapshot? snapshot) = _prepared;
        int dropped = _idle.Count - metadata.Idle.Count;
        bool decided = metadata.Idle.Count > 0 && (_idle.Count == 0 || metadata.Idle[^1] != _idle[^1]);
        if (decided) dropped++;
        _applied = Math.Max(0, _applied - dropped);
        _idle = metadata.Idle;
        partition.Model = metadata.Model;
        _committed = metadata;
        partition.Statistics.CommittedOffset = commit.Offset;
        partition.Outputs.Committed(metadata.EmittedUs, snapshot);
        if (IsSettling && metadata.StoredUs >= _settleUs && (metadata.SnapshotUs >= _settleUs || options.Fault == ProtocolFault.IdleWithoutSnapshot))
        {
            _settleUs = CommitMetadata.None;
            FaultPoint.Hit(FaultPoint.IdleApplied);
        }

        HoldNext();
    }

    /// <summary>The fault that the simulation must find: an advance that nobody has committed.</summary>
    public void ApplyUndecided(long windowEndUs) => Apply(new IdleDecision(partition.Position, windowEndUs), undecided: true);

    private void Apply(IdleDecision decision, bool undecided = false)
    {
        if (!undecided) _applied++;
        long snapshotUs = partition.Outputs.Snapshot(partition.Outputs.StoredUs(partition.ClosedUs))?.WindowEndUs ?? CommitMetadata.None;
        partition.AdvanceTo(decision.WindowEndUs);
        if (decision.WindowEndUs > snapshotUs)
        {
            partition.Outputs.Settle(decision.WindowEndUs);
            if (options.Fault != ProtocolFault.IdleUnsettled) _settleUs = decision.WindowEndUs;
        }

        HoldNext();
    }

    private void HoldNext() => HoldFrom = IsSettling ? long.MinValue : _applied < _idle.Count ? _idle[_applied].Position : long.MaxValue;

    private ModelInForce Changed() => partition.ClosedUs == Watermark.None
        ? new ModelInForce(_model)
        : new ModelInForce(partition.Model.Version, _model, partition.ClosedUs + _spec.SlideUs);
}
