using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Recovery;
using FastIot.Scoring;
using FastIot.Simulation;
using FastIot.Tests.DeterministicSimulation;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Recovery;

/// <summary>A restart with the shipped model: no blindness, no difference; and what happens when the snapshot is gone.</summary>
public sealed class WarmRestartTests
{
    private const int Sensors = 100;

    private static readonly FleetOptions s_fleet = new() { Sensors = Sensors, AnomalyRate = 0.1, AnomalyFreeUs = 0, AnomalySpacingUs = 60_000_000 };

    [Fact]
    public void Alarms_right_after_a_restart_are_those_of_an_uninterrupted_run()
    {
        using Model model = Load();
        PipelineOptions options = Options(model);
        using var straight = new Rig(options, model, NewStore());
        straight.Open(default);
        straight.Play(0, int.MaxValue);

        SimStore store = NewStore();
        using var before = new Rig(options, model, store);
        before.Open(default);
        before.Play(0, 60_000);
        PartitionAssignment committed = before.Committed;
        Assert.Contains(store.Objects.Keys, n => n.StartsWith("state/", StringComparison.Ordinal));

        using var after = new Rig(options, model, store);
        after.Open(committed);
        Assert.InRange(after.Partition.Position, 1, 60_000);
        after.Play(after.Partition.Position, int.MaxValue);
        List<SimOutput> committedBefore = before.CommittedOutputs;
        Assert.Equal(straight.CommittedOutputs, [.. committedBefore, .. after.CommittedOutputs]);
        Assert.True(after.CommittedOutputs.Count > 50, $"{after.CommittedOutputs.Count} alarms after the restart");
        Assert.True(after.Partition.Statistics.Scored > 0);

        // One snapshot is kept, the committed one, and at most one that waits for its commit.
        Assert.InRange(store.Objects.Keys.Count(n => n.StartsWith("state/", StringComparison.Ordinal)), 1, 2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_snapshot_that_is_gone_or_damaged_is_refused_or_begun_without(bool damaged)
    {
        using Model model = Load();
        PipelineOptions options = Options(model);
        SimStore store = NewStore();
        using var before = new Rig(options, model, store);
        before.Open(default);
        before.Play(0, 30_000);
        foreach (string name in store.Objects.Keys.Where(n => n.StartsWith("state/", StringComparison.Ordinal)).ToArray())
        {
            if (damaged) store.Objects[name][100] ^= 4;
            else store.Objects.Remove(name);
        }

        using var refused = new Rig(options, model, store);
        IngestException e = Assert.Throws<IngestException>(() => refused.Open(before.Committed));
        Assert.Contains(damaged ? "it is damaged" : "it is not there", e.Message);
        Assert.Contains("--on-snapshot-loss cold-start", e.Message);
        Assert.False(e.Transient);

        using var cold = new Rig(options with { OnSnapshotLoss = SnapshotLossPolicy.ColdStart }, model, store);
        cold.Open(before.Committed);
        Assert.Equal(1, cold.Partition.Statistics.SnapshotsLost);
        cold.Play(cold.Partition.Position, 40_000);
        Assert.Equal(0, cold.Partition.Statistics.Scored);
        Assert.True(cold.Partition.Statistics.Windows > 0);
    }

    private static Model Load() => ModelRepository.Load(Path.Combine(TestEnvironment.Root, "models"), "anomaly_detector", "latest", ExecutionProvider.Cpu, NullLogger.Instance);

    private static PipelineOptions Options(Model model) => new()
    {
        Features = model.Manifest.Features with { WarmingWindows = 20 },
        AlarmBudget = 1e4,
        ModelName = model.Manifest.Name,
    };

    private static SimStore NewStore() => new(new SimFaults(new Random(1)) { Healed = true });

    /// <summary>One partition with its outputs, committed as a worker does, without a broker.</summary>
    private sealed class Rig : IDisposable
    {
        private readonly FeatureFileWriter _files;
        private readonly OutputChannels _channels;
        private readonly WindowCloser _closer;
        private readonly PartitionOpener _opener;
        private readonly CollectingSink _sink = new();

        public Rig(PipelineOptions options, Model model, SimStore store)
        {
            var statistics = new WorkerStatistics();
            var models = new ModelVersions(model);
            _files = new FeatureFileWriter(store, new SimRows(), options.ConfigHash(), NullLogger.Instance, FeatureFileWriter.DefaultQueueBytes, ownThread: false);
            _channels = new OutputChannels(_sink, _files, EventClock.Wall(), TimeSpan.FromSeconds(1), statistics, models.Label) { IsShared = true };
            _closer = new WindowCloser(options, new ScorerSet(models.Current, models.Label, v => new WindowScorer(models.Hold(v), options.AlarmBudget)), statistics);
            _opener = new PartitionOpener(options, _closer, _channels, NullLogger.Instance);
        }

        public Partition Partition { get; private set; } = null!;

        /// <summary>What the group would say to the next owner.</summary>
        public PartitionAssignment Committed { get; private set; }

        public List<SimOutput> CommittedOutputs { get; } = [];

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
}
