using System.Diagnostics;
using FastIot.Scoring;
using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;

namespace FastIot.Serving;

/// <summary>
/// The queue and the threads of one model version. A thread that is free takes what waits, up to a batch; under load batches grow by
/// themselves, without load nobody waits for others unless the options say so.
/// </summary>
internal sealed partial class Batcher : IDisposable
{
    private readonly string _label;
    private readonly BatchOptions _options;
    private readonly ComputeSlots _slots;
    private readonly VersionMetrics _metrics;
    private readonly ILogger _log;
    private readonly Queue<PredictJob> _queue = new();
    private readonly List<Thread> _threads = [];
    private readonly Func<ServedGraph> _loadOnCpu;
    private readonly Lock _degrade = new();
    private volatile ServedGraph _graph;
    private ServedGraph? _cpu;
    private long _queuedRows;
    private bool _closed;

    /// <param name="graph">Owned from now on.</param>
    /// <param name="loadOnCpu">Where to go when the device fails.</param>
    public Batcher(string label, ServedGraph graph, ExecutionProvider provider, bool degraded, Func<ServedGraph> loadOnCpu, BatchOptions options, ComputeSlots slots, VersionMetrics metrics, ILogger log)
    {
        (_label, _graph, _loadOnCpu, _options, _slots, _metrics, _log) = (label, graph, loadOnCpu, options, slots, metrics, log);
        (Provider, IsDegraded) = (provider, degraded);
        // A GPU wants one thread: graphs that are captured belong to it, and its work is queued anyway.
        int instances = options.Instances > 0 ? options.Instances : provider == ExecutionProvider.Cpu ? Math.Max(1, Environment.ProcessorCount / options.Threads) : 1;
        for (int i = 0; i < instances; i++)
        {
            var thread = new Thread(Loop) { IsBackground = true, Name = $"{label} {i}" };
            _threads.Add(thread);
            thread.Start();
        }
    }

    /// <summary>Where it runs now.</summary>
    public ExecutionProvider Provider { get; private set; }

    /// <summary>Runs on the CPU although something else was wanted.</summary>
    public bool IsDegraded { get; private set; }

    /// <summary>Rows that wait.</summary>
    public long QueuedRows => Volatile.Read(ref _queuedRows);

    /// <summary>Takes the job, whose completion then comes in any case.</summary>
    /// <returns>False: too many wait.</returns>
    public bool TryEnqueue(PredictJob job)
    {
        lock (_queue)
        {
            if (_closed || _queue.Count > 0 && _queuedRows + job.Rows > _options.QueuedRows) return false;
            _queue.Enqueue(job);
            _queuedRows += job.Rows;
            Monitor.Pulse(_queue);
            return true;
        }
    }

    /// <summary>Ends the threads once all that waits has run.</summary>
    public void Dispose()
    {
        lock (_queue)
        {
            _closed = true;
            Monitor.PulseAll(_queue);
        }

        foreach (Thread thread in _threads) thread.Join();
        _graph.Dispose();
        if (_cpu != _graph) _cpu?.Dispose();
    }

    private void Loop()
    {
        ServedGraph.Lane lane = _graph.CreateLane();
        using var ticket = new ManualResetEventSlim();
        var batch = new List<PredictJob>();
        while (WaitForWork())
        {
            _slots.Enter(ticket);
            try
            {
                // Taken only now: whoever came while we waited for a core comes along.
                long rows = Take(batch);
                if (batch.Count > 0) Run(ref lane, batch, rows);
            }
            finally
            {
                _slots.Leave();
            }

            foreach (PredictJob job in batch) job.Complete();
        }

        lane.Dispose();
    }

    /// <returns>False: nothing waits, and nothing will come.</returns>
    private bool WaitForWork()
    {
        lock (_queue)
        {
            while (_queue.Count == 0)
            {
                if (_closed) return false;
                Monitor.Wait(_queue);
            }

            long until = _queue.Peek().QueuedAt + (long)(_options.Timeout.TotalSeconds * Stopwatch.Frequency);
            while (!_closed && _queue.Count > 0 && _queuedRows < _options.MaxRows)
            {
                long left = (until - Stopwatch.GetTimestamp()) * 1000 / Stopwatch.Frequency;
                if (left <= 0) break;
                Monitor.Wait(_queue, (int)left);
            }

            return true;
        }
    }

    /// <summary>Takes the jobs of one batch from the queue; what is too late or has no client any more is ended here.</summary>
    /// <returns>Their rows.</returns>
    private long Take(List<PredictJob> batch)
    {
        batch.Clear();
        long rows = 0, now = Stopwatch.GetTimestamp();
        lock (_queue)
        {
            while (_queue.TryPeek(out PredictJob? job))
            {
                bool joins = batch.Count == 0 || _graph.IsBatched && rows + job.Rows <= _options.MaxRows && job.Fits(batch[0]);
                bool dead = job.Deadline < now || job.Aborted.IsCancellationRequested;
                if (!dead && !joins) break;
                _queue.Dequeue();
                _queuedRows -= job.Rows;
                if (dead)
                {
                    End(job);
                    continue;
                }

                _metrics.Queue.Record(Stopwatch.GetElapsedTime(job.QueuedAt, now).TotalSeconds);
                batch.Add(job);
                rows += job.Rows;
            }

            if (_queue.Count > 0) Monitor.Pulse(_queue);
        }

        return rows;
    }

    private static void End(PredictJob job)
    {
        job.Fault = job.Aborted.IsCancellationRequested
            ? new ServingException(ServingStatus.Cancelled, "The client has closed the connection")
            : new ServingException(ServingStatus.DeadlineExceeded, "Timed out while waiting for the model");
        job.Complete();
    }

    private void Run(ref ServedGraph.Lane lane, List<PredictJob> batch, long rows)
    {
        long started = Stopwatch.GetTimestamp();
        try
        {
            RunOnce(lane, batch, rows);
        }
        catch (OnnxRuntimeException e) when (Provider != ExecutionProvider.Cpu || lane.Graph != _graph)
        {
            RunOnCpu(ref lane, batch, rows, e.Message);
        }
        catch (OnnxRuntimeException)
        {
            // Bad inputs, on the CPU: whose they are shows when each runs by itself.
            lane.RunApart(batch);
        }
        catch (Exception e)
        {
            // Whatever it is, the clients get an answer and the thread goes on.
            RunFailed(_log, _label, e);
            foreach (PredictJob job in batch) job.Fault = new ServingException(ServingStatus.Internal, "The model could not be run; the server's log says why", e);
        }

        TimeSpan ran = Stopwatch.GetElapsedTime(started);
        _metrics.Compute.Record(ran.TotalSeconds);
        _metrics.RuntimeUs.Record(ran.TotalMicroseconds);
        _metrics.BatchRows.Record(rows);
    }

    private void RunOnce(ServedGraph.Lane lane, List<PredictJob> batch, long rows) =>
        lane.Run(batch, lane.Graph.IsBatched && batch[0].IsUniform ? _options.Padded(rows) : rows);

    /// <summary>The device, or the inputs? What the CPU can run, the device should have run: it is lost, and the CPU goes on.</summary>
    private void RunOnCpu(ref ServedGraph.Lane lane, List<PredictJob> batch, long rows, string why)
    {
        try
        {
            ServedGraph cpu;
            lock (_degrade) cpu = _cpu ??= _loadOnCpu();
            ServedGraph.Lane onCpu = cpu.CreateLane();
            RunOnce(onCpu, batch, rows);
            Degrade(cpu, why);
            lane.Dispose();
            lane = onCpu;
        }
        catch (OnnxRuntimeException)
        {
            lane.RunApart(batch);
        }
        catch (ModelException e)
        {
            RunFailed(_log, _label, e);
            foreach (PredictJob job in batch) job.Fault = new ServingException(ServingStatus.Unavailable, $"The device failed, and the CPU cannot take over: {e.Message}", e);
        }
    }

    private void Degrade(ServedGraph cpu, string why)
    {
        lock (_degrade)
        {
            if (Provider == ExecutionProvider.Cpu) return;
            // The lost device's session stays: other threads may still be in it, and freeing what is on a lost device can hang.
            (_graph, Provider, IsDegraded) = (cpu, ExecutionProvider.Cpu, true);
        }

        GraphLoader.Degraded(_log, _label, why);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{model}: running a batch failed")]
    private static partial void RunFailed(ILogger log, string model, Exception exception);
}
