using FastIot.Alarms;
using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Observe.Live;
using FastIot.Scoring;
using Microsoft.Extensions.Logging;

namespace FastIot;

/// <summary>
/// Read this first. Builds the workers, runs each on its own thread, and ends them in order. The way of a reading:
/// <see cref="PartitionWorker"/> polls → <see cref="Partition"/> decodes, finds the slot, places into a pane →
/// <see cref="WindowCloser"/> merges, scores, learns → <see cref="PartitionOutputs"/> emits and files → the worker commits.
/// </summary>
public sealed class Pipeline : IDisposable
{
    private static readonly TimeSpan s_watchInterval = TimeSpan.FromSeconds(5);

    private readonly List<PartitionWorker> _workers = [];
    private readonly List<Thread> _threads = [];
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _failureLock = new();
    private readonly List<Exception> _failures = [];
    private readonly ILogger _log;
    private readonly TimeSpan _hungAfter;
    private Timer? _watchdog;
    private int _running;

    /// <param name="options">What to compute.</param>
    /// <param name="source">Makes the source of a worker, by its number.</param>
    /// <param name="sink">Makes the sink of a worker, by its number.</param>
    /// <param name="files">Writes the feature rows; null = they are not kept. Not disposed.</param>
    /// <param name="models">Score the windows. Not disposed.</param>
    /// <param name="clock">Tells how long ago a reading was due, for latencies.</param>
    /// <param name="live">Shows what the workers find; null = nobody can look.</param>
    /// <param name="shadow">Scores the windows once more, for comparison; null = nothing is compared. Not disposed.</param>
    /// <param name="alarms">Tells people of what they find; null = nobody is told. Not disposed.</param>
    public Pipeline(PipelineOptions options, Func<int, IRecordSource> source, Func<int, IRecordSink> sink, FeatureFileWriter? files,
        ModelVersions models, EventClock clock, ILoggerFactory loggers, LiveView? live = null, Shadow? shadow = null, AlarmNotifier? alarms = null)
    {
        options.Windows.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Workers, 1);
        _log = loggers.CreateLogger("FastIot");
        _hungAfter = options.StallTimeout + 2 * options.OutputTimeout;
        for (int i = 0; i < options.Workers; i++)
        {
            int number = i;
            var statistics = new WorkerStatistics();
            var channels = new OutputChannels(sink(i), files, clock, options.OutputTimeout, statistics, models.Label);
            var closer = new WindowCloser(options, new ScorerSet(() => models.Current, models.Label, Scorer, models.Release), statistics, live?.AddWorker(), shadow?.CreateScorer(), alarms?.AddWorker());

            WindowScorer Scorer(int version)
            {
                var scorer = new WindowScorer(models.Hold(version), options.AlarmBudget);
                if (version == models.Current) statistics.Drift = scorer.Drift;
                return scorer;
            }

            _workers.Add(new PartitionWorker(options, () => source(number), () => sink(number), channels, closer, _log, TimeProvider.System));
        }
    }

    /// <summary>Ends when every worker has ended; failed when one has failed (the others are then drained).</summary>
    public Task Completion => _completion.Task;

    public void Start()
    {
        _running = _workers.Count;
        for (int i = 0; i < _workers.Count; i++)
        {
            int number = i;
            var thread = new Thread(() => Run(number)) { Name = $"worker-{number}", IsBackground = true };
            _threads.Add(thread);
            thread.Start();
        }

        _watchdog = new Timer(_ => Watch(), null, s_watchInterval, s_watchInterval);
    }

    /// <summary>Orderly end: stop reading, send out and commit what is closed, leave the group.</summary>
    public void RequestDrain()
    {
        foreach (PartitionWorker worker in _workers) worker.RequestDrain();
    }

    /// <summary>End at once; a replay repeats what is not out.</summary>
    public void RequestStop()
    {
        foreach (PartitionWorker worker in _workers) worker.RequestStop();
    }

    /// <summary>From now on <see cref="WorkerStatistics.SteadyAllocatedBytes"/> counts.</summary>
    public void MarkSteady()
    {
        foreach (PartitionWorker worker in _workers) worker.MarkSteady();
    }

    /// <summary>Records read so far, by all workers; allocates nothing.</summary>
    public long RecordsRead
    {
        get
        {
            long sum = 0;
            foreach (PartitionWorker worker in _workers) sum += worker.RecordsRead;
            return sum;
        }
    }

    public PipelineStatistics Snapshot() => new()
    {
        Partitions = [.. _workers.SelectMany(w => w.Partitions)],
        Workers = [.. _workers.Select(w => w.Statistics)],
    };

    /// <summary>Waits for the threads; ask for the end first. One that hangs in a call is left to the end of the process.</summary>
    public void Dispose()
    {
        RequestStop();
        _watchdog?.Dispose();
        for (int i = 0; i < _workers.Count; i++)
        {
            if (i >= _threads.Count || Join(i)) _workers[i].Dispose();
        }
    }

    private bool Join(int number)
    {
        while (!_threads[number].Join(s_watchInterval))
        {
            if (_workers[number].SinceLastStep > _hungAfter) return false;
        }

        return true;
    }

    /// <summary>Every call of a worker is bounded in time. One that does not come back all the same must not keep the process from ending with the reason.</summary>
    private void Watch()
    {
        for (int i = 0; i < _workers.Count; i++)
        {
            if (!_threads[i].IsAlive || _workers[i].SinceLastStep <= _hungAfter) continue;
            var hung = new IngestException($"worker {i} has not come back from a call for {_hungAfter.TotalSeconds:0} s");
            Log.WorkerFailed(_log, i, hung);
            _completion.TrySetException(hung);
        }
    }

    private void Run(int number)
    {
        try
        {
            _workers[number].Run();
        }
        catch (Exception e)
        {
            Log.WorkerFailed(_log, number, e);
            lock (_failureLock)
            {
                _failures.Add(e);
            }

            RequestDrain();
        }

        if (Interlocked.Decrement(ref _running) > 0) return;
        lock (_failureLock)
        {
            if (_failures.Count == 0) _completion.TrySetResult();
            else _completion.TrySetException(_failures);
        }
    }
}
