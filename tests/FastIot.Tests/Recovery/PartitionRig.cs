using FastIot.Alarms;
using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Recovery;
using FastIot.Scoring;
using FastIot.Simulation;
using FastIot.Tests.DeterministicSimulation;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Recovery;

/// <summary>One partition with its outputs, committed as a worker does, without a broker.</summary>
internal sealed class PartitionRig : IDisposable
{
    private const int Sensors = 100;

    private static readonly FleetOptions s_fleet = new() { Sensors = Sensors, AnomalyRate = 0.1, AnomalyFreeUs = 0, AnomalySpacingUs = 60_000_000 };

    private readonly FeatureFileWriter _files;
    private readonly OutputChannels _channels;
    private readonly WindowCloser _closer;
    private readonly PartitionOpener _opener;
    private readonly CollectingSink _sink = new();

    public PartitionRig(PipelineOptions options, Model model, SimStore store, AlarmNotifier? alarms = null)
    {
        var statistics = new WorkerStatistics();
        var models = new ModelVersions(model);
        _files = new FeatureFileWriter(store, new SimRows(), options.ConfigHash(), NullLogger.Instance, FeatureFileWriter.DefaultQueueBytes, ownThread: false);
        _channels = new OutputChannels(_sink, _files, EventClock.Wall(), TimeSpan.FromSeconds(1), statistics, models.Label) { IsShared = true };
        _closer = new WindowCloser(options, new ScorerSet(models.Current, models.Label, v => new WindowScorer(models.Hold(v), options.AlarmBudget)), statistics, alarms: alarms?.AddWorker());
        _opener = new PartitionOpener(options, _closer, _channels, NullLogger.Instance);
    }

    public Partition Partition { get; private set; } = null!;

    /// <summary>What the group would say to the next owner.</summary>
    public PartitionAssignment Committed { get; private set; }

    public List<SimOutput> CommittedOutputs { get; } = [];

    public static Model Load() => ModelRepository.Load(Path.Combine(TestEnvironment.Root, "models"), "anomaly_detector", "latest", ExecutionProvider.Cpu, NullLogger.Instance);

    public static PipelineOptions Options(Model model) => new()
    {
        Features = model.Manifest.Features with { WarmingWindows = 20 },
        AlarmBudget = 1e4,
        ModelName = model.Manifest.Name,
    };

    public static SimStore NewStore() => new(new SimFaults(new Random(1)) { Healed = true });

    public void Open(PartitionAssignment assignment)
    {
        if (assignment.Metadata == null) assignment.CommittedOffset = -1;
        assignment.HighOffset = long.MaxValue;
        Partition = _opener.Open(ref assignment, new PartitionStatistics(0));
    }

    public void Play(long from, int to)
    {
        using var history = new HistorySource(s_fleet, [0], 1, s_fleet.StartUs + 900_000_000);
        var records = new Record[Limits.PollRecords];
        long offset = 0;
        for (int count; offset < to && (count = history.Poll(records, 0)) > 0;)
        {
            for (int i = 0; i < count && offset < to; i++, offset++)
            {
                records[i].Offset = offset;
                if (offset >= from) Assert.True(Partition.Ingest(in records[i]));
            }

            Commit();
        }
    }

    /// <summary>The partition is given up.</summary>
    public void Leave() => _closer.Forget(0);

    public void Dispose()
    {
        Partition?.Dispose();
        _closer.Dispose();
        _files.Dispose();
    }

    /// <summary>Until there is nothing more to say: emitted, then stored.</summary>
    private void Commit()
    {
        for (int round = 0; round < 5 && Partition.Progress.TryPrepare(null, false, out PartitionCommit commit); round++)
        {
            Partition.Progress.Accept();
            CommittedOutputs.AddRange(_sink.Outputs);
            _sink.Outputs.Clear();
            Committed = new PartitionAssignment { CommittedOffset = commit.Offset, Metadata = commit.Metadata };
            for (int job = 0; job < 1000 && _files.QueuedBytes > 0; job++) Assert.True(_files.Step());
        }
    }
}
