using System.Diagnostics;
using FastIot.Alarms;
using FastIot.Configuration;
using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Observe;
using FastIot.Observe.Live;
using FastIot.Scoring;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace FastIot.Cli;

/// <summary>What differs between the commands that run the pipeline.</summary>
internal sealed record SessionParts
{
    public required string Command { get; init; }

    public required FastIotOptions Options { get; init; }

    public required int Workers { get; init; }

    public required EventClock Clock { get; init; }

    public required IObjectStore Store { get; init; }

    public required Func<int, IRecordSource> Source { get; init; }

    public required Func<int, LatencyHistogram, IRecordSink> Sink { get; init; }

    /// <summary>What is in force, as JSON without secrets, for the live page.</summary>
    public string Configuration { get; init; } = "{}";

    /// <summary>Whether a newer version of the model is taken up while the pipeline runs.</summary>
    public bool FollowsModel { get; init; }

    /// <summary>Null where nothing is served.</summary>
    public string? HttpAddress { get; init; }
}

/// <summary>One run of the pipeline with its HTTP port, progress line, orderly end and summary.</summary>
internal sealed class PipelineSession : IAsyncDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);

    private readonly Terminal _terminal;
    private readonly SessionParts _parts;
    private readonly Model? _model;
    private readonly ModelVersions _models;
    private readonly Shadow? _shadow;
    private readonly FeatureFileWriter _files;
    private readonly Evaluation.LabelFigures? _labels;
    private readonly LatencyHistogram _latency = new();
    private readonly Stopwatch _clock = new();
    private readonly ModelFollower? _follower;
    private readonly LiveView? _live;
    private readonly AlarmNotifier? _alarms;
    private readonly ServiceNotifier? _notifier;
    private HttpPort? _http;
    private PipelineState _state = PipelineState.Starting;
    private Totals _base = new();
    private (double Seconds, long Readings, ProcessFigures Process)? _steady;
    private SteadySummary? _steadySummary;

    private PipelineSession(Terminal terminal, SessionParts parts, Model? model, ILoggerFactory loggers)
    {
        _terminal = terminal;
        _parts = parts;
        _model = model;
        PipelineOptions options = Composition.Pipeline(parts.Options, model, parts.Workers);
        _shadow = Composition.Shadow(parts.Options, model, options, loggers);
        _labels = options.Labels;
        _files = new FeatureFileWriter(parts.Store, options.Windows.WindowUs, options.ConfigHash(), loggers.CreateLogger("FastIot.Files"));
        if (parts.HttpAddress is { Length: > 0 }) _live = new LiveView(options.Windows.WindowUs);
        _alarms = Composition.Alarms(parts.Options, loggers);
        _models = Composition.Versions(parts.Options.Model, model, loggers);
        Pipeline = new Pipeline(options, parts.Source, i => parts.Sink(i, _latency), _files, _models, parts.Clock, loggers, _live, _shadow, _alarms);
        Progress = new ProgressLine(terminal);
        _notifier = ServiceNotifier.Of(terminal);
        if (parts.FollowsModel && model != null) _follower = new ModelFollower(parts.Options, parts.Workers, model, _models, loggers);
    }

    public Pipeline Pipeline { get; }

    public ProgressLine Progress { get; }

    /// <summary>Prepares the store, starts the HTTP port; nothing is read yet.</summary>
    public static async Task<PipelineSession> CreateAsync(Terminal terminal, SessionParts parts, Model? model, ILoggerFactory loggers)
    {
        await parts.Store.PrepareAsync(CancellationToken.None).ConfigureAwait(false);
        var session = new PipelineSession(terminal, parts, model, loggers);
        if (parts.HttpAddress is not { Length: > 0 } address) return session;
        var metrics = new PipelineMetrics(session.Pipeline.Snapshot, parts.Clock, Composition.Version, session.ModelLabel);
        session.AddMetrics(metrics);
        var status = new PipelineStatus(session.Pipeline.Snapshot, session.State, Composition.Version, session.ModelLabel, session._latency);
        session._http = await HttpPort.StartAsync(address, metrics, status, session._live!, System.Text.Encoding.UTF8.GetBytes(parts.Configuration)).ConfigureAwait(false);
        terminal.Error.WriteLine($"{session._http.Url}/ shows how it goes, /metrics is for Prometheus");
        return session;
    }

    /// <summary>Figures of the summary begin here: what was read before is history.</summary>
    public void BeginFigures()
    {
        _base = Totals.Of(Pipeline.Snapshot());
        _clock.Restart();
        Progress.Restart(Figures());
    }

    /// <summary>From now on allocations and collections are those of the steady state.</summary>
    public void MarkSteady()
    {
        if (_steady != null) return;
        Pipeline.MarkSteady();
        _steady = (_clock.Elapsed.TotalSeconds, Pipeline.Snapshot().Readings, ProcessFigures.Now());
    }

    /// <summary>The steady state ends here, before anything is torn down.</summary>
    public void EndSteady()
    {
        if (_steady is not { } begin || _steadySummary != null) return;
        PipelineStatistics now = Pipeline.Snapshot();
        var process = ProcessFigures.Now();
        long readings = now.Readings - begin.Readings, allocated = now.Workers.Sum(w => Volatile.Read(ref w.SteadyAllocatedBytes));
        _steadySummary = new SteadySummary(_clock.Elapsed.TotalSeconds - begin.Seconds, readings, allocated, readings == 0 ? 0 : (double)allocated / readings,
            process.AllocatedBytes - begin.Process.AllocatedBytes, process.Gen0 - begin.Process.Gen0, process.Gen1 - begin.Process.Gen1, process.Gen2 - begin.Process.Gen2);
    }

    /// <summary>Shows progress until the pipeline ends by itself, <paramref name="until"/> says so, or the end is asked for.</summary>
    public async Task WatchAsync(CancellationToken ended, Func<bool>? until = null)
    {
        // A member without a partition stands by: for the service manager it is as ready as the others.
        _notifier?.Ready();
        while (!Pipeline.Completion.IsCompleted && !ended.IsCancellationRequested && until?.Invoke() != true)
        {
            await Task.WhenAny(Pipeline.Completion, Task.Delay(s_look, ended)).ConfigureAwait(false);
            if (_state == PipelineState.Starting && Pipeline.Snapshot().Partitions.Any(p => p.Assigned)) _state = PipelineState.Running;
            Progress.Update(Figures());
            _notifier?.Beat(Status);
        }
    }

    /// <summary>Drains the pipeline within the time-out.</summary>
    /// <returns>The command's exit code.</returns>
    public async Task<int> EndAsync()
    {
        EndSteady();
        _state = PipelineState.Draining;
        _notifier?.Stopping();
        TimeSpan timeout = _parts.Options.Pipeline.DrainTimeout;
        Pipeline.RequestDrain();
        bool inTime = await Task.WhenAny(Pipeline.Completion, Task.Delay(timeout)).ConfigureAwait(false) == Pipeline.Completion;
        if (!inTime) Pipeline.RequestStop();
        _clock.Stop();
        Progress.Clear();
        if (!inTime)
        {
            _terminal.Error.WriteLine($"the end took longer than {timeout.TotalSeconds:0.#} s; what was not committed is read again next time");
            return ExitCode.DrainTimeout;
        }

        // A worker's failure is the command's.
        await Pipeline.Completion.ConfigureAwait(false);
        return ExitCode.Success;
    }

    public Summary Summary(long? produced = null, long? history = null, TruthSummary? truth = null)
    {
        PipelineStatistics now = Pipeline.Snapshot();
        var process = ProcessFigures.Now();
        double seconds = _clock.Elapsed.TotalSeconds;
        Totals totals = Totals.Of(now);
        long Since(Func<Totals, long> figure) => figure(totals) - figure(_base);
        return new Summary
        {
            Command = _parts.Command,
            Version = Composition.Version,
            Vectors = Simd.Name,
            Model = ModelLabel(),
            Seconds = seconds,
            Produced = produced,
            History = history,
            Records = Since(s => s.Records),
            Readings = Since(s => s.Readings),
            Late = Since(s => s.Late),
            Rejected = Since(s => s.Rejected),
            RejectedByReason = Counts(Enumerable.Range(1, Rejections.Count - 1).Select(r => (Rejections.Name((Rejection)r), Since(s => s.ByReason[r])))),
            Replayed = Since(s => s.Replayed),
            ReadingsPerSecond = seconds > 0 ? Since(s => s.Readings) / seconds : 0,
            Series = now.SeriesSeen,
            Windows = Since(s => s.Windows),
            Scored = Since(s => s.Scored),
            Anomalies = Since(s => s.Anomalies),
            AnomaliesByKind = Counts(Enumerable.Range(0, AnomalyKinds.Modelled + 1).Select(k => (AnomalyKinds.Name((AnomalyKind)k), Since(s => s.ByKind[k])))),
            Shadow = _shadow == null ? null : ShadowSummary.Of(_shadow),
            Truth = truth,
            Latency = Latency(),
            Files = new FilesSummary(_files.Location, _files.FilesWritten, _files.RowsWritten, _files.BytesWritten),
            Process = new ProcessSummary(process.PeakBytes, now.Partitions.Sum(p => p.StateBytes), process.Processor.TotalSeconds, seconds > 0 ? process.Processor.TotalSeconds / seconds : 0),
            Steady = _steadySummary,
        };
    }

    /// <summary>Prints the summary where the command's results go.</summary>
    public static void Print(Terminal terminal, Summary summary, bool json) => terminal.Out.Write(json ? SummaryJson.Write(summary) + "\n" : SummaryText.Write(summary));

    public async ValueTask DisposeAsync()
    {
        if (_follower != null) await _follower.DisposeAsync().ConfigureAwait(false);
        if (_http != null) await _http.DisposeAsync().ConfigureAwait(false);
        _notifier?.Dispose();
        Pipeline.Dispose();
        if (_alarms != null) await _alarms.DisposeAsync().ConfigureAwait(false);
        _files.Dispose();
        _parts.Store.Dispose();
        _models.Dispose();
        _model?.Dispose();
        _shadow?.Dispose();
    }

    private string ModelLabel() => _models.Label(_models.Current) ?? "none";

    private string Status()
    {
        PipelineStatistics now = Pipeline.Snapshot();
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{PipelineStates.Name(State())}: {now.Partitions.Count(p => p.Assigned)} partitions, {now.Readings} readings, {now.Anomalies} anomalies, lag {now.Lag}");
    }

    private PipelineState State() => Pipeline.Completion.IsFaulted ? PipelineState.Failed : _state;

    private LatencySummary? Latency() =>
        _latency.Count == 0 ? null : new LatencySummary(_latency.Count, _latency.QuantileMs(.5), _latency.QuantileMs(.95), _latency.QuantileMs(.99), _latency.MaxMs);

    private ProgressFigures Figures()
    {
        PipelineStatistics now = Pipeline.Snapshot();
        return new ProgressFigures(now.Readings, now.Windows, now.Anomalies, now.Lag, Latency());
    }

    private static SortedDictionary<string, long> Counts(IEnumerable<(string Name, long Count)> counts)
    {
        var sorted = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach ((string name, long count) in counts)
        {
            if (count > 0) sorted.Add(name, count);
        }

        return sorted;
    }

    private void AddMetrics(PipelineMetrics metrics)
    {
        metrics.BeforeScrape(new AlarmMetrics(metrics.Factory, _alarms?.Counters ?? new AlarmCounters()).Update);
        if (_labels != null) metrics.BeforeScrape(new LabelMetrics(metrics.Factory, _labels).Update);
        if (_shadow != null) metrics.BeforeScrape(new ShadowMetrics(metrics.Factory, _shadow).Update);
        metrics.BeforeScrape(new LatencyMetrics(metrics.Factory, _latency).Update);
        Counter files = metrics.Factory.CreateCounter("fastiot_files_written_total", "Feature files in the store");
        Counter bytes = metrics.Factory.CreateCounter("fastiot_files_written_bytes_total", "Their bytes");
        Counter retries = metrics.Factory.CreateCounter("fastiot_store_retries_total", "Puts that the store refused, each tried again");
        Counter rewrites = metrics.Factory.CreateCounter("fastiot_files_rewritten_total", "Files that a replay found in the store, with the same rows");
        Counter differences = metrics.Factory.CreateCounter("fastiot_files_different_total", "Files that a replay found with other rows: never, or computing is not deterministic");
        Gauge queued = metrics.Factory.CreateGauge("fastiot_files_queued_bytes", "Feature rows that wait for the store");
        metrics.BeforeScrape(() =>
        {
            files.IncTo(_files.FilesWritten);
            bytes.IncTo(_files.BytesWritten);
            retries.IncTo(_files.Retries);
            rewrites.IncTo(_files.Rewrites - _files.Differences);
            differences.IncTo(_files.Differences);
            queued.Set(_files.QueuedBytes);
        });
    }
}
