using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Scoring;
using FastIot.Simulation;
using Microsoft.Extensions.Logging;

namespace FastIot.Evaluation;

/// <summary>Readings through the whole pipeline, as <c>run</c> has it but for its outputs: windows go to an observer instead.</summary>
internal static class EvaluationPass
{
    /// <exception cref="IngestException">The source failed.</exception>
    public static async Task RunAsync(PipelineOptions options, IRecordSource source, Model? model, IWindowObserver observer, ILoggerFactory loggers, CancellationToken cancellation)
    {
        using var pipeline = new Pipeline(options with { Workers = 1, Observer = observer }, _ => source, _ => new NoSink(), null, new ModelVersions(model), EventClock.Wall(), loggers);
        pipeline.Start();
        using (cancellation.Register(pipeline.RequestStop)) await pipeline.Completion.ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
    }

    private sealed class NoSink : IRecordSink
    {
        public bool TryWriteAnomaly(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long bornTicks) => true;

        public bool TryWriteReading(OutputTopic topic, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in Provenance provenance) => true;

        public void Poll()
        {
        }

        public void Flush(TimeSpan timeout)
        {
        }

        public void Dispose()
        {
        }
    }
}

/// <summary>A simulated fleet as one partition, from its first reading to a given time.</summary>
internal sealed class FleetSource : IRecordSource
{
    private readonly HistorySource _history;
    private readonly Action<double>? _progress;
    private readonly double _all;
    private IAssignmentListener? _listener;
    private bool _assigned;

    public FleetSource(FleetOptions fleet, double hours, EventLog events, Action<double>? progress = null)
    {
        _history = new HistorySource(fleet, [0], 1, fleet.StartUs + (long)(hours * 3600e6), events.Add);
        _progress = progress;
        _all = Math.Max(1, fleet.Sensors * hours * 3600 * fleet.Rate);
    }

    public bool Completed => _history.Completed;

    public void Start(IAssignmentListener listener) => _listener = listener;

    public int Poll(Span<Record> records, int timeoutMs)
    {
        if (!_assigned)
        {
            _assigned = true;
            _listener!.OnAssigned([new PartitionAssignment { Partition = 0, CommittedOffset = -1, HighOffset = -1 }]);
        }

        _progress?.Invoke(Math.Min(1, _history.Count / _all));
        return _history.Poll(records, timeoutMs);
    }

    public void Pause(int partition)
    {
    }

    public void Resume(int partition)
    {
    }

    public long HighOffset(int partition) => -1;

    public CommitResult Commit(ReadOnlySpan<PartitionCommit> commits) => CommitResult.Committed;

    public void Close() => _listener!.OnRevoked([0], lost: false);

    public void Dispose() => _history.Dispose();
}
