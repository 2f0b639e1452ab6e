using System.Diagnostics;
using FastIot.Emit;
using FastIot.Ingest;
using Microsoft.Extensions.Logging;

namespace FastIot;

/// <summary>
/// One thread, its source, its partitions, its sink: poll, decode, place, close, score, emit, commit. Nothing is shared with other workers
/// but the file writer behind its queue.
/// </summary>
internal sealed class PartitionWorker : IAssignmentListener, IDisposable
{
    private readonly PipelineOptions _options;
    private readonly IRecordSource _source;
    private readonly OutputChannels _channels;
    private readonly WindowCloser _closer;
    private readonly ILogger _log;
    private readonly string _configHash;
    private readonly Record[] _records = new Record[Limits.PollRecords];
    private readonly SortedDictionary<int, Partition> _assigned = [];
    private readonly List<PartitionCommit> _commits = [];
    private readonly List<PartitionStatistics> _statistics = [];
    private readonly Lock _statisticsLock = new();
    private readonly Stopwatch _sinceCommit = Stopwatch.StartNew();
    private Partition?[] _byNumber = new Partition?[16];
    private volatile bool _drain;
    private volatile bool _stop;
    private volatile bool _markSteady;

    public PartitionWorker(PipelineOptions options, IRecordSource source, OutputChannels channels, WindowCloser closer, ILogger log)
    {
        _options = options;
        _source = source;
        _channels = channels;
        _closer = closer;
        _log = log;
        _configHash = options.ConfigHash();
    }

    public WorkerStatistics Statistics => _channels.Statistics;

    public PartitionStatistics[] Partitions
    {
        get
        {
            lock (_statisticsLock) return [.. _statistics];
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
                foreach (PartitionStatistics partition in _statistics) sum += Volatile.Read(ref partition.Records);
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
        _source.Start(this);
        var steady = new SteadyState(Statistics);
        while (!_stop && !_drain)
        {
            int count = _source.Poll(_records, _options.PollMs);
            for (int i = 0; i < count; i++)
            {
                ref readonly Record record = ref _records[i];
                _byNumber[record.Partition]!.Ingest(in record);
            }

            Statistics.Polls++;
            _channels.Records.Poll();
            RelievePressure();
            UpdateStatistics();
            steady.Update(_markSteady);
            if (_sinceCommit.Elapsed >= _options.CommitInterval) Commit();
            if (count == 0 && _source.Completed)
            {
                foreach (Partition partition in _assigned.Values) partition.CloseAll();
                break;
            }
        }

        if (!_stop) Finish();
        _source.Close();
        UpdateStatistics();
    }

    public void OnAssigned(Span<PartitionAssignment> partitions)
    {
        foreach (ref PartitionAssignment assignment in partitions)
        {
            CommitMetadata? committed = StartPosition.Decide(ref assignment, _options, _configHash);
            var partition = new Partition(assignment.Partition, _options, _closer, _channels);
            partition.Begin(assignment.StartOffset, committed);
            Add(partition);
            Log.Assigned(_log, _options.Topic, assignment.Partition, assignment.StartOffset, committed?.Position ?? assignment.StartOffset);
        }
    }

    public void OnRevoked(ReadOnlySpan<int> partitions, bool lost)
    {
        if (!lost && !_stop) Commit();
        foreach (int number in partitions)
        {
            if (!_assigned.Remove(number, out Partition? partition)) continue;
            _byNumber[number] = null;
            _closer.Forget(number);
            partition.Dispose();
            Log.Revoked(_log, _options.Topic, number, lost);
        }
    }

    public void Dispose()
    {
        foreach (Partition partition in _assigned.Values) partition.Dispose();
        _assigned.Clear();
        _channels.Records.Dispose();
        _source.Dispose();
        _closer.Dispose();
    }

    private void Add(Partition partition)
    {
        if (partition.Number >= _byNumber.Length) Array.Resize(ref _byNumber, Math.Max(partition.Number + 1, _byNumber.Length * 2));
        _byNumber[partition.Number] = partition;
        _assigned.Add(partition.Number, partition);
        lock (_statisticsLock)
        {
            _statistics.Add(partition.Statistics);
        }
    }

    /// <summary>A partition whose files the store does not take stops reading until it does; the others go on.</summary>
    private void RelievePressure()
    {
        foreach ((int number, Partition partition) in _assigned)
        {
            if (!partition.Outputs.HasWaitingFiles && !partition.Statistics.Paused) continue;
            partition.Outputs.HandOverWaiting();
            bool pause = partition.Outputs.HasWaitingFiles;
            if (pause == partition.Statistics.Paused) continue;
            partition.Statistics.Paused = pause;
            if (pause) _source.Pause(number);
            else _source.Resume(number);
            Log.Paused(_log, _options.Topic, number, pause);
        }
    }

    /// <summary>Everything before the offsets is out before they are committed.</summary>
    private void Commit()
    {
        _sinceCommit.Restart();
        if (_channels.Files?.Fault is { } fault) throw new EmitException($"feature rows could not be encoded: {fault.Message}", fault);
        _channels.Records.Flush(_options.OutputTimeout);
        _commits.Clear();
        foreach (Partition partition in _assigned.Values)
        {
            if (partition.TryCommit(_configHash, out PartitionCommit commit)) _commits.Add(commit);
        }

        if (_commits.Count == 0) return;
        CommitResult result = _source.Commit(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_commits));
        if (result.Outcome != CommitOutcome.Committed) throw new IngestException(result.Reason!);
        Statistics.Commits++;
    }

    private void Finish()
    {
        var deadline = Stopwatch.StartNew();
        while (_assigned.Values.Any(p => p.Outputs.HasWaitingFiles))
        {
            if (deadline.Elapsed > _options.OutputTimeout) throw new EmitException($"{_channels.Files!.Location} did not take the feature files within {_options.OutputTimeout.TotalSeconds:0} s");
            _channels.Files!.Flush(_options.OutputTimeout - deadline.Elapsed);
            foreach (Partition partition in _assigned.Values) partition.Outputs.HandOverWaiting();
        }

        _channels.Files?.Flush(_options.OutputTimeout);
        Commit();
    }

    private void UpdateStatistics()
    {
        foreach ((int number, Partition partition) in _assigned) partition.UpdateStatistics(_source.HighOffset(number));
    }

    /// <summary>Tracks what the thread allocates, in all and since the steady state was marked.</summary>
    private sealed class SteadyState(WorkerStatistics statistics)
    {
        private long _mark = -1;

        public void Update(bool markSteady)
        {
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            statistics.AllocatedBytes = allocated;
            if (markSteady && _mark < 0) _mark = allocated;
            if (_mark >= 0) statistics.SteadyAllocatedBytes = allocated - _mark;
        }
    }
}
