using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Recovery;
using FastIot.Scoring;
using FastIot.Tests.DeterministicSimulation;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Recovery;

/// <summary>A restart with the shipped model: no blindness, no difference; and what happens when the snapshot is gone.</summary>
public sealed class WarmRestartTests
{
    [Fact]
    public void Alarms_right_after_a_restart_are_those_of_an_uninterrupted_run()
    {
        using Model model = PartitionRig.Load();
        PipelineOptions options = PartitionRig.Options(model);
        using var straight = new PartitionRig(options, model, PartitionRig.NewStore());
        straight.Open(default);
        straight.Play(0, int.MaxValue);

        SimStore store = PartitionRig.NewStore();
        using var before = new PartitionRig(options, model, store);
        before.Open(default);
        before.Play(0, 60_000);
        PartitionAssignment committed = before.Committed;
        Assert.Contains(store.Objects.Keys, n => n.StartsWith("state/", StringComparison.Ordinal));

        using var after = new PartitionRig(options, model, store);
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
        using Model model = PartitionRig.Load();
        PipelineOptions options = PartitionRig.Options(model);
        SimStore store = PartitionRig.NewStore();
        using var before = new PartitionRig(options, model, store);
        before.Open(default);
        before.Play(0, 30_000);
        foreach (string name in store.Objects.Keys.Where(n => n.StartsWith("state/", StringComparison.Ordinal)).ToArray())
        {
            if (damaged) store.Objects[name][100] ^= 4;
            else store.Objects.Remove(name);
        }

        using var refused = new PartitionRig(options, model, store);
        IngestException e = Assert.Throws<IngestException>(() => refused.Open(before.Committed));
        Assert.Contains(damaged ? "it is damaged" : "it is not there", e.Message);
        Assert.Contains("--on-snapshot-loss cold-start", e.Message);
        Assert.False(e.Transient);

        using var cold = new PartitionRig(options with { OnSnapshotLoss = SnapshotLossPolicy.ColdStart }, model, store);
        cold.Open(before.Committed);
        Assert.Equal(1, cold.Partition.Statistics.SnapshotsLost);
        cold.Play(cold.Partition.Position, 40_000);
        Assert.Equal(0, cold.Partition.Statistics.Scored);
        Assert.True(cold.Partition.Statistics.Windows > 0);
    }
}
