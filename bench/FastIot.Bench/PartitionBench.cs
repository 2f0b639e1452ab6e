using BenchmarkDotNet.Attributes;
using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Scoring;
using FastIot.Simulation;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Bench;

/// <summary>
/// The whole way of a reading through one partition, windows closing, with and without the model; time per reading, the making of the
/// records (<see cref="EncodeBench"/>) included.
/// </summary>
[MemoryDiagnoser]
public class PartitionBench
{
    private const int Readings = 100_000;

    private readonly Record[] _records = new Record[Limits.PollRecords];
    private Model? _model;
    private Partition _partition = null!;
    private WindowCloser _closer = null!;
    private HistorySource _source = null!;

    [Params(1_000, 100_000)]
    public int Sensors { get; set; }

    [Params(false, true)]
    public bool Scored { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _model = Scored ? ModelRepository.Load(Path.Combine(AppContext.BaseDirectory, "models"), "anomaly_detector", "latest", ExecutionProvider.Cpu, NullLogger.Instance) : null;
        var options = new PipelineOptions();
        options = options with { Features = options.Features with { WarmingWindows = 1 } };
        var statistics = new WorkerStatistics();
        _closer = new WindowCloser(options, new ScorerSet(_model?.Manifest.Version ?? 0, _ => null, _ => new WindowScorer(_model, options.AlarmBudget)), statistics);
        _partition = new Partition(0, options, options.ConfigHash(), _closer, new OutputChannels(new NoSink(), null, EventClock.Wall(), TimeSpan.FromSeconds(1), statistics, new ModelVersions(_model).Label));
        _partition.Begin(new StartState { Offset = 0 });
        _source = new HistorySource(new FleetOptions { Sensors = Sensors }, [0], 1, Limits.MaxTimeUs);
    }

    [Benchmark(OperationsPerInvoke = Readings)]
    public long Ingest()
    {
        for (int done = 0; done < Readings;)
        {
            int count = _source.Poll(_records, 0);
            for (int i = 0; i < count; i++) _partition.Ingest(in _records[i]);
            done += count;
        }

        return _partition.Position;
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _partition.Dispose();
        _closer.Dispose();
        _source.Dispose();
        _model?.Dispose();
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
