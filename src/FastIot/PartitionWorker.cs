using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Recovery;
using Microsoft.Extensions.Logging;

namespace FastIot;

/// <summary>
/// One thread, its source, its partitions, its sink: poll, decode, place, close, score, emit, commit. Nothing is shared with other workers
/// but the file writer behind its queue. What fails and may go well another time is tried again from what is committed, see
/// <see cref="WorkerRecovery"/>; everything else ends the worker.
/// </summary>
internal sealed class PartitionWorker : IAssignmentListener, IDisposable
{
    private const int PrefetchAhead = 8;

    private readonly PipelineOptions _options;
    private readonly Func<IRecordSource> _makeSource;
    private readonly Func<IRecordSink> _makeSink;
    private readonly OutputChannels _channels;
    private readonly WindowCloser _closer;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly PartitionOpener _opener;
    private readonly WorkerRecovery _recovery;
    private readonly WorkerCommit _commit;
    private readonly CommitPace _pace;
    private readonly StepClock _steps;
    private readonly Record[] _records = new Record[Limits.PollRecords];
    private readonly AssignedPartitions _assigned = new();
    private readonly Dictionary<int, PartitionStatistics> _statistics = [];
    private readonly Lock _statisticsLock = new();
    private readonly SteadyState _steady;
    private IRecordSource _source;
    private IGroupSource? _group;
    private bool _rewinding;
    private bool _hasSource = true;
    private volatile bool _drain;
    private volatile bool _stop;
    private volatile bool _markSteady;

    public PartitionWorker(PipelineOptions options, Func<IRecordSource> source, Func<IRecordSink> sink, OutputChannels channels, WindowCloser closer, ILogger log, TimeProvider time)
    {
        _options = options;
        _makeSource = source;
        _makeSink = sink;
        _channels = channels;
        _closer = closer;
        _log = log;
        _time = time;
        _steady = new SteadyState(channels.Statistics);
        _recovery = new WorkerRecovery(time, options.StallTimeout);
        _opener = new PartitionOpener(options, closer, channels, log);
        _commit = new WorkerCommit(options, channels);
        _pace = new CommitPace(options, time);
        _source = source();
        _group = _source as IGroupSource;
        channels.IsShared = _group != null;
        _steps = new StepClock(time);
    }

    public WorkerStatistics Statistics => _channels.Statistics;

    /// <summary>How long ago the worker last came round: one that hangs in a call does not.</summary>
    public TimeSpan SinceLastStep => _steps.SinceLast;

    public PartitionStatistics[] Partitions
    {
        get
        {
            lock (_statisticsLock) return [.. _statistics.Values];
        }
    }

    /// <summary>Records read so far; allocates nothing.</summary>
    public long RecordsRead
    {
        get
        {
            lock (_statisticsLock)
            {
                long sum = 0;
                foreach (PartitionStatistics partition in _statistics.Values) sum += Volatile.Read(ref partition.Records);
                return sum;
            }
        }
    }

    /// <summary>Asks for an orderly end: what is closed goes out and is committed.</summary>
    public void RequestDrain() => _drain = true;

    /// <summary>Asks for the end at once: what is not out is left to a replay.</summary>
    public void RequestStop() => _stop = true;

    /// <summary>From now on allocations count as those of the steady state.</summary>
    public void MarkSteady() => _markSteady = true;

    /// <summary>The worker's life; returns when the input has ended or the end was asked for.</summary>
    public void Run()
    {
        Start();
        while (!_stop && !_drain && Step())
        {
            if (_recovery.Damage != Damage.None && !_recovery.IsDue) Thread.Sleep(10);
        }

        if (!_stop) Finish();
        _source.Close();
        UpdateStatistics();
    }

    internal void Start() => _source.Start(this);

    /// <summary>One round: what has come is taken, what is due is done.</summary>
    /// <returns>False when the input has ended.</returns>
    internal bool Step()
    {
        _steps.Note();
        try
        {
            if (_recovery.Damage == Damage.None) return Round();
            if (_recovery.IsDue) Restore();
        }
        catch (Exception e) when (_group != null && WorkerRecovery.Of(e, _options.OnGap == GapPolicy.Earliest) is { } damage)
        {
            if (e is IngestException { Fenced: true } && !_recovery.MayJoinAgain(_steps.LongestLately)) throw;
            Fail(damage, e.Message);
        }

        return true;
    }

    /// <summary>The orderly end's last part: files stored, everything committed.</summary>
    internal void Finish()
    {
        FaultPoint.Hit(FaultPoint.DrainBegin);
        if (_recovery.Damage != Damage.None || !Commit()) return;
        long began = _time.GetTimestamp();
        while (_assigned.HaveWaitingFiles())
        {
            TimeSpan left = _options.OutputTimeout - _time.GetElapsedTime(began);
            if (left <= TimeSpan.Zero) throw new EmitException($"{_channels.Files!.Location} did not take the feature files within {_options.OutputTimeout.TotalSeconds:0} s");
            _channels.Files!.Flush(left);
            foreach (Partition partition in _assigned.Span) partition.Outputs.HandOverWaiting();
        }

        _channels.Files?.Flush(_options.OutputTimeout);
        Commit();
    }

    public void OnAssigned(Span<PartitionAssignment> partitions)
    {
        FaultPoint.Hit(FaultPoint.AssignBegin);
        foreach (ref PartitionAssignment assignment in partitions)
        {
            CheckCount(in assignment);
            PartitionStatistics statistics = StatisticsOf(assignment.Partition);
            Partition partition = _opener.Open(ref assignment, statistics);
            partition.Progress.Heard(_time.GetTimestamp());
            Remove(partition.Number);
            _assigned.Add(partition);
        }

        FaultPoint.Hit(FaultPoint.AssignEnd);
    }

    public void OnRevoked(ReadOnlySpan<int> partitions, bool lost)
    {
        FaultPoint.Hit(FaultPoint.RevokeBegin);
        if (!lost && !_stop && _recovery.Damage == Damage.None) CommitBeforeRevocation();
        else if (lost && !_rewinding && _channels.Uncommitted > 0 && _options.Fault != ProtocolFault.NoOwnership)
            Fail(Damage.State, "partitions were lost, and records of theirs are not committed");
        foreach (int number in partitions)
        {
            if (Remove(number)) Log.Revoked(_log, _options.Topic, number, lost);
        }
    }

    public void Dispose()
    {
        _assigned.Clear();
        _channels.Records.Dispose();
        if (_hasSource) _source.Dispose();
        _closer.Dispose();
    }

    /// <summary>Sensors have moved to other partitions: those that are there already are taken up anew, too, and each decides by the policy.</summary>
    private void CheckCount(in PartitionAssignment assignment)
    {
        foreach (Partition partition in _assigned.Span)
        {
            int known = partition.Progress.PartitionCount;
            if (known > 0 && assignment.PartitionCount > 0 && known != assignment.PartitionCount)
                throw new IngestException($"{_options.Topic} had {known} partitions and has {assignment.PartitionCount} now") { Transient = true };
        }
    }

    private bool Round()
    {
        int count = _source.Poll(_records, _options.PollMs);
        _pace.IsBehind = count == _records.Length;

        // A commit before a revocation, from within the poll, may have failed: then nothing that was delivered counts.
        if (_recovery.Damage != Damage.None) return true;
        Ingest(count);
        Statistics.Polls++;
        _channels.Records.Poll();
        Attend();
        UpdateStatistics();
        _steady.Update(_markSteady);
        if (IsCommitDue()) Commit();
        if (count > 0 || !_source.Completed) return true;
        foreach (Partition partition in _assigned.Span) partition.CloseAll();
        return false;
    }

    private void Ingest(int count)
    {
        long now = count > 0 ? _time.GetTimestamp() : 0;
        int last = -1;
        for (int i = 0; i < count; i++)
        {
            ref readonly Record record = ref _records[i];
            Partition partition = _assigned[record.Partition];
            if (partition.IsLarge) Prefetch(partition, i, count);
            if (!partition.Ingest(in record)) Hold(partition, record.Offset);
            if (record.Partition == last) continue;
            last = record.Partition;
            partition.Progress.Heard(now);
        }
    }

    /// <summary>With very many series each reading would wait for memory twice: so both are asked for some readings ahead.</summary>
    private void Prefetch(Partition partition, int i, int count)
    {
        if (i + 2 * PrefetchAhead < count && _records[i + 2 * PrefetchAhead].Partition == partition.Number) partition.PrefetchSensor(in _records[i + 2 * PrefetchAhead]);
        if (i + PrefetchAhead < count && _records[i + PrefetchAhead].Partition == partition.Number) partition.PrefetchPane(in _records[i + PrefetchAhead]);
    }

    /// <summary>Sees to each partition: pressure of its files, idleness, decisions to be applied or settled.</summary>
    private void Attend()
    {
        if (_closer.Scorers.HasOther) TakeUpModel();
        foreach (Partition partition in _assigned.Span)
        {
            if (partition.Progress.HoldFrom <= partition.Position) partition.Progress.CatchUp();
            if (partition.Outputs.HasWaitingFiles) partition.Outputs.HandOverWaiting();
            SetPaused(partition, partition.Outputs.HasWaitingFiles || partition.Progress.IsSettling);
            if (!partition.Statistics.Paused && _group != null) DecideIdle(partition);
            if (_recovery.Damage != Damage.None) return;
        }
    }

    private void TakeUpModel()
    {
        _closer.Scorers.TakeUp(version =>
        {
            foreach (Partition partition in _assigned.Span)
            {
                if (partition.Model.Version == version || partition.Model.Latest == version) return true;
            }

            return false;
        });
        foreach (Partition partition in _assigned.Span) partition.Progress.UseModel(_closer.Scorers.Current);
    }

    /// <summary>A partition whose files the store does not take stops reading until it does; one that settles, until it has. The others go on.</summary>
    private void SetPaused(Partition partition, bool pause)
    {
        if (partition.WaitsForStore != partition.Outputs.HasWaitingFiles)
        {
            partition.WaitsForStore = partition.Outputs.HasWaitingFiles;
            if (partition.WaitsForStore) Log.StoreIsSlow(_log, _options.Topic, partition.Number, _channels.Files!.Location);
            else Log.StoreTakesAgain(_log, _options.Topic, partition.Number, _channels.Files!.Location);
        }

        if (pause == partition.Statistics.Paused) return;
        partition.Statistics.Paused = pause;
        if (pause) _source.Pause(partition.Number);
        else _source.Resume(partition.Number);
    }

    /// <summary>The record and all after it are to be delivered again: an idle advance before it is not settled yet.</summary>
    private void Hold(Partition partition, long offset)
    {
        if (partition.Statistics.Paused) return;
        SetPaused(partition, pause: true);
        _group!.Seek(partition.Number, offset);
    }

    /// <summary>Phase one of an idle advance: the decision is committed before anything is judged by it.</summary>
    private void DecideIdle(Partition partition)
    {
        PartitionProgress progress = partition.Progress;
        if (!progress.HasCaughtUp || progress.IdleAdvance(_time.GetElapsedTime(progress.QuietSince)) is not { } to) return;
        if (!_group!.AtEnd(partition.Number, partition.Position)) return;
        if (_options.Fault == ProtocolFault.IdleUndecided)
        {
            progress.ApplyUndecided(to);
            return;
        }

        if (!Commit(partition, to)) return;
        FaultPoint.Hit(FaultPoint.IdleDecided);
        Log.Idle(_log, _options.Topic, partition.Number, partition.Position, DateTime.UnixEpoch.AddMicroseconds(to));
        progress.CatchUp();
        SetPaused(partition, partition.Outputs.HasWaitingFiles || progress.IsSettling);
    }

    private bool IsCommitDue()
    {
        if (_recovery.Damage != Damage.None) return false;
        if (_pace.IsDue) return true;
        if (!_pace.MayHurry) return false;
        if (_channels.Uncommitted > 0) return true;
        foreach (Partition partition in _assigned.Span)
        {
            if (partition.Progress.CanSettle || partition.Outputs.HasUnconfirmedFiles) return true;
        }

        return false;
    }

    /// <summary>Everything before the offsets is out before, or with, their commit.</summary>
    /// <returns>True when it is committed, or there was nothing to commit.</returns>
    private bool Commit(Partition? deciding = null, long? advanceTo = null)
    {
        long began = _time.GetTimestamp();
        CommitResult result = _commit.Commit(_source, _assigned, deciding, advanceTo);
        Statistics.CommitTicks += _pace.Committed(began);
        if (result.Outcome == CommitOutcome.Committed)
        {
            _recovery.Progressed();
            return true;
        }

        Statistics.FailedCommits++;
        if (_group == null) throw new IngestException(result.Reason!);
        if (_options.Fault != ProtocolFault.TrustUnknown || result.Outcome == CommitOutcome.Aborted)
            Fail(result.Outcome == CommitOutcome.Unknown ? Damage.Sink : Damage.State, result.Reason!);
        else _channels.Records = Replace(_channels.Records);
        return false;
    }

    private void CommitBeforeRevocation()
    {
        try
        {
            Commit();
        }
        catch (EmitException e) when (_group != null)
        {
            Fail(Damage.Sink, e.Message);
        }
    }

    private void Fail(Damage damage, string reason)
    {
        if (_recovery.IsNews(reason)) Log.Recovering(_log, reason);
        _recovery.Failed(damage, reason);
    }

    /// <summary>Nothing in memory is trusted: as much as is damaged is made anew, and the partitions are taken up from what is committed.</summary>
    private void Restore()
    {
        Statistics.Recoveries++;
        Damage damage = _recovery.Damage;
        if (damage == Damage.State && _channels.Records is ITransactionalSink sink && sink.Abort(_options.OutputTimeout).Outcome != CommitOutcome.Aborted) damage = Damage.Sink;
        if (damage >= Damage.Sink) _channels.Records = Replace(_channels.Records);
        _channels.Uncommitted = 0;
        _rewinding = true;
        try
        {
            if (damage < Damage.Source) _group!.Rewind();
            else RestartSource();
        }
        finally
        {
            _rewinding = false;
        }

        _recovery.Restored();
    }

    private void RestartSource()
    {
        foreach (Partition partition in _assigned.Span.ToArray()) Remove(partition.Number);
        // First: two members of one identity would fence each other.
        _source.Dispose();
        _hasSource = false;
        _source = _makeSource();
        _hasSource = true;
        _group = _source as IGroupSource;
        _source.Start(this);
    }

    /// <summary>The new one first: if it cannot be made now, the former is still there to be replaced later. Making it fences the former.</summary>
    private IRecordSink Replace(IRecordSink sink)
    {
        IRecordSink fresh = _makeSink();
        sink.Dispose();
        return fresh;
    }

    private bool Remove(int number)
    {
        if (_assigned.Remove(number) is not { } partition) return false;
        _closer.Forget(number);
        partition.Dispose();
        return true;
    }

    private PartitionStatistics StatisticsOf(int partition)
    {
        lock (_statisticsLock)
        {
            if (!_statistics.TryGetValue(partition, out PartitionStatistics? statistics)) _statistics.Add(partition, statistics = new PartitionStatistics(partition));
            (statistics.Assigned, statistics.Paused) = (true, false);
            return statistics;
        }
    }

    private void UpdateStatistics()
    {
        foreach (Partition partition in _assigned.Span) partition.UpdateStatistics(_source.HighOffset(partition.Number));
    }
}
