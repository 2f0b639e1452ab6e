using System.Runtime.CompilerServices;
using FastIot.Emit;
using FastIot.Scoring;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>One process with one worker: the product's own, over the simulated world.</summary>
internal sealed class SimProcess : IDisposable
{
    private readonly Func<SimSource> _source;
    private readonly StrongBox<int> _version;

    private SimProcess(PartitionWorker worker, FeatureFileWriter files, Func<SimSource> source, StrongBox<int> version) =>
        (Worker, Files, _source, _version) = (worker, files, source, version);

    public PartitionWorker Worker { get; }

    public FeatureFileWriter Files { get; }

    /// <summary>The worker's source as it is now; after failures it is another one.</summary>
    public SimSource Source => _source();

    /// <summary>Version of the model that it knows to be the newest.</summary>
    public int Version
    {
        set => _version.Value = value;
    }

    /// <param name="version">Of the model that is to score from now on.</param>
    /// <exception cref="SimCrash">It dies as it starts.</exception>
    public static SimProcess Start(string id, PipelineOptions options, int version, SimBroker broker, SimStore store, SimClock clock, Action interleave)
    {
        var files = new FeatureFileWriter(store, new SimRows(), options.ConfigHash(), NullLogger.Instance, FeatureFileWriter.DefaultQueueBytes, ownThread: false);
        SimSource source = null!;
        var statistics = new WorkerStatistics();
        var known = new StrongBox<int>(version);
        var scorers = new ScorerSet(() => known.Value, Label, v => new SimScorer(v, options.Features));
        SimSink Sink() => new(broker, id, interleave);
        try
        {
            var channels = new OutputChannels(Sink(), files, EventClock.Wall(), TimeSpan.FromSeconds(30), statistics, Label);
            var worker = new PartitionWorker(options, () => source = new SimSource(broker), Sink, channels, new WindowCloser(options, scorers, statistics), NullLogger.Instance, clock);
            worker.Start();
            return new SimProcess(worker, files, () => source, known);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Worker.Dispose();
        Files.Dispose();
    }

    private static string? Label(int version) => s_labels[version];

    private static readonly string[] s_labels = [.. Enumerable.Range(0, 100).Select(v => $"m:{v}")];
}
