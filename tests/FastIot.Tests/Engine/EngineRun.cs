using FastIot.Emit;
using FastIot.Observe.Live;
using FastIot.Scoring;
using FastIot.Tests.Golden;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Engine;

/// <summary>Runs the pipeline over a log in memory, with real Parquet files in a folder, and reads them back with DuckDB.</summary>
internal sealed class EngineRun : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("fastiot-test-").FullName;

    public MemorySink Sink { get; private set; } = new();

    public PipelineStatistics Statistics { get; private set; } = null!;

    /// <summary>Reads the log to its end and closes every window.</summary>
    public async Task RunAsync(MemoryLog log, PipelineOptions options, int seed = 1, Model? model = null, MemorySource? source = null, LiveView? live = null, Shadow? shadow = null)
    {
        Sink = new MemorySink();
        using var store = new LocalFolderStore(Folder);
        using var files = new FeatureFileWriter(store, options.Windows.WindowUs, options.ConfigHash(), NullLogger.Instance);
        using var pipeline = new Pipeline(options, _ => source ?? new MemorySource(log, seed), _ => Sink, files, new ModelVersions(model), EventClock.Wall(), NullLoggerFactory.Instance, live, shadow);
        pipeline.Start();
        await pipeline.Completion.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Statistics = pipeline.Snapshot();
    }

    /// <summary>Reads the log to its end, then drains: open windows stay open, for whoever takes the partition over.</summary>
    public async Task DrainAsync(MemoryLog log, PipelineOptions options)
    {
        Pipeline? running = null;
        var source = new MemorySource(log, ends: false) { OnIdle = () => running!.RequestDrain() };
        Sink = new MemorySink();
        using var store = new LocalFolderStore(Folder);
        using var files = new FeatureFileWriter(store, options.Windows.WindowUs, options.ConfigHash(), NullLogger.Instance);
        using var pipeline = running = new Pipeline(options, _ => source, _ => Sink, files, new ModelVersions(null), EventClock.Wall(), NullLoggerFactory.Instance);
        pipeline.Start();
        await pipeline.Completion.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    public List<FeatureRow> Rows() => FeatureTable.Read(Folder);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
