using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Scoring;
using FastIot.Simulation;
using FastIot.Tests.Scoring;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Engine;

/// <summary>Between a record's bytes and its anomaly nothing is allocated, once a partition is warm.</summary>
public sealed class AllocationTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public unsafe void A_warm_partition_allocates_nothing_with_windows_closing_and_alarms_going_out(bool hasShadow)
    {
        using Model model = ModelRepository.Load(Path.Combine(TestEnvironment.Root, "models"), "anomaly_detector", "latest", ExecutionProvider.Cpu, NullLogger.Instance);
        var options = new PipelineOptions { Features = model.Manifest.Features with { WarmingWindows = 20 }, AlarmBudget = 1e5 };
        var statistics = new WorkerStatistics();
        using var sink = new CountingSink();
        var channels = new OutputChannels(sink, null, EventClock.Wall(), TimeSpan.FromSeconds(1), statistics, new ModelVersions(model).Label);
        using Shadow? shadow = hasShadow ? new Shadow(ShippedModel.Load(m => m with { Version = m.Version + 1 }), model, options, NullLogger.Instance) : null;
        using var closer = new WindowCloser(options, new ScorerSet(model.Manifest.Version, _ => null, _ => new WindowScorer(model, options.AlarmBudget)), statistics, null, shadow?.CreateScorer());
        using var partition = new Partition(0, options, options.ConfigHash(), closer, channels);
        partition.Begin(new StartState { Offset = 0 });
        using var history = new HistorySource(new FleetOptions { Sensors = 300, AnomalyRate = 0.1, AnomalyFreeUs = 0, AnomalySpacingUs = 60_000_000 }, [0], 1, new FleetOptions().StartUs + 900_000_000);
        var records = new Record[Limits.PollRecords];
        history.Start(new NoListener());
        long before = -1, allocated = 0, windows = 0;
        for (int count, total = 0; (count = history.Poll(records, 0)) > 0; total += count)
        {
            if (before < 0 && total > 180_000) (before, windows) = (0, partition.Statistics.Windows);
            long start = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < count; i++) partition.Ingest(in records[i]);
            if (before >= 0) allocated += GC.GetAllocatedBytesForCurrentThread() - start;
        }

        Assert.Equal(0, allocated);
        // It was not for want of work.
        Assert.True(partition.Statistics.Windows - windows > 5000, $"{partition.Statistics.Windows - windows} windows");
        Assert.True(sink.Anomalies > 100, $"{sink.Anomalies} anomalies");
        Assert.True(partition.Statistics.Scored > 5000);
        if (shadow != null) Assert.Equal(partition.Statistics.Scored, Enumerable.Range(0, ModelDrift.Types).Sum(shadow.Compared));
    }

    private sealed class CountingSink : IRecordSink
    {
        public int Anomalies { get; private set; }

        public bool TryWriteAnomaly(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long bornTicks)
        {
            Anomalies++;
            return true;
        }

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

    private sealed class NoListener : IAssignmentListener
    {
        public void OnAssigned(Span<PartitionAssignment> partitions)
        {
        }

        public void OnRevoked(ReadOnlySpan<int> partitions, bool lost)
        {
        }
    }
}
