using FastIot.Recovery;
using FastIot.Windows;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>A day of event time through one worker: nothing grows but the files that were asked for.</summary>
public sealed class SimulatedDayTests
{
    private const long Hour = 3_600_000_000;

    [Fact]
    public void Through_a_day_offsets_metadata_memory_and_snapshots_stay_within_their_bounds()
    {
        var faults = new SimFaults(new Random(1)) { Healed = true };
        using SimBroker broker = Day(faults);
        SimLog log = broker.Logs[0];
        var store = new SimStore(faults);
        var clock = new SimClock();
        var options = new PipelineOptions { IdleTimeout = TimeSpan.FromSeconds(20), StallTimeout = TimeSpan.FromDays(10) };
        using var process = SimProcess.Start("p", options, 1, broker, store, clock, () => { });
        long mostReplayUs = 0, stateBytes = 0;
        for (int round = 0; round < 200_000 && !IsDone(broker); round++)
        {
            log.Append(10);
            process.Worker.Step();
            for (int job = 0; job < 8; job++) Assert.True(process.Files.Step());
            clock.Advance(TimeSpan.FromSeconds(1));
            if (!broker.Committed.TryGetValue(0, out (long Offset, CommitMetadata Metadata, string Text) at)) continue;
            mostReplayUs = Math.Max(mostReplayUs, ReplayUs(log, at.Offset, at.Metadata.Position));
            if (round == 500) stateBytes = process.Worker.Partitions[0].StateBytes;
        }

        Assert.True(IsDone(broker), "it did not come to its end");

        // A window, the file and the snapshot interval, one slide, disorder; and the jumps of event time that a few polls may hold.
        WindowSpec spec = options.Windows;
        long bound = spec.WindowUs + spec.FlushUs + options.SnapshotUs + 4 * spec.SlideUs + spec.LatenessUs + 900_000_000;
        Assert.InRange(mostReplayUs, 1, bound);
        Assert.InRange(broker.LongestMetadata, 60, 150);

        // Between two commits event time may jump over several snapshots; they go with the next one. Not one for each minute of the day.
        Assert.InRange(store.MostSnapshots, 1, 16);
        Assert.Single(store.Objects.Keys, n => n.StartsWith("state/", StringComparison.Ordinal));
        Assert.Equal(0, store.Rewrites);
        Assert.Equal(stateBytes, process.Worker.Partitions[0].StateBytes);
        SimTruth.Judge(options, broker, store, 0);
    }

    private static SimBroker Day(SimFaults faults)
    {
        for (int seed = 1; ; seed++)
        {
            var broker = new SimBroker(faults, new Random(seed), 1, 30_000);
            IReadOnlyList<SimRecord> all = broker.Logs[0].All;
            if (all[^1].TimeUs - all[0].TimeUs > 24 * Hour) return broker;
            broker.Dispose();
        }
    }

    private static bool IsDone(SimBroker broker) => broker.Logs[0].IsComplete && broker.Committed.TryGetValue(0, out (long Offset, CommitMetadata Metadata, string Text) at)
        && at.Metadata.Position == broker.Logs[0].All.Count && at.Metadata.StoredUs == at.Metadata.EmittedUs && at.Metadata.Idle.Count > 0;

    /// <summary>Event time that a replay would read again.</summary>
    private static long ReplayUs(SimLog log, long from, long to)
    {
        long least = long.MaxValue, most = long.MinValue;
        for (long offset = from; offset < to; offset++)
        {
            SimRecord record = log.All[(int)offset];
            if (!record.IsReading) continue;
            least = Math.Min(least, record.TimeUs);
            most = Math.Max(most, record.TimeUs);
        }

        return most > least ? most - least : 0;
    }
}
