using FastIot.Emit;
using FastIot.Recovery;
using FastIot.Scoring;
using FastIot.Windows;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>
/// What must be there: the same engine's outputs from one uninterrupted run over the whole log, following the decisions that were committed;
/// and, independently of the engine, which windows there are, of how many readings, least and largest, and what is late or unusable
/// (<see cref="PlainWindows"/>).
/// </summary>
internal static class SimTruth
{
    public static void Judge(PipelineOptions options, SimBroker broker, SimStore store, int partition)
    {
        var sink = new CollectingSink();
        var healed = new SimStore(new SimFaults(new Random(0)) { Healed = true });
        var plain = new PlainWindows(options.Windows, options.MaxSeriesPerPartition);
        Uninterrupted(options with { SnapshotUs = 0, Fault = ProtocolFault.None }, broker, partition, sink, healed, plain);

        Same($"partition {partition}, records", sink.Outputs, [.. broker.Outputs.Where(o => o.Partition == partition)], o => o.Text);
        List<SimRow> rows = Rows(healed, partition);
        Same($"partition {partition}, rows", rows, Rows(store, partition), r => r);
        Same($"partition {partition}, windows against the plain oracle", plain.Closed(), rows.ConvertAll(r => new PlainWindow(r.WindowEndUs, r.Sensor, r.Count, r.Min, r.Max)), w => w);
        Same($"partition {partition}, letters against the plain oracle", plain.Letters, sink.Outputs.Where(o => o.Topic != "anomalies").Select(o => o.Text).ToList(), t => t);
    }

    private static void Uninterrupted(PipelineOptions options, SimBroker broker, int number, CollectingSink sink, SimStore store, PlainWindows plain)
    {
        var statistics = new WorkerStatistics();
        using var files = new FeatureFileWriter(store, new SimRows(), options.ConfigHash(), NullLogger.Instance, FeatureFileWriter.DefaultQueueBytes, ownThread: false);
        string? Label(int version) => $"m:{version}";
        using var closer = new WindowCloser(options, new ScorerSet(1, Label, v => new SimScorer(v, options.Features)), statistics);
        var channels = new OutputChannels(sink, files, EventClock.Wall(), TimeSpan.FromSeconds(1), statistics, Label);
        using var partition = new Partition(number, options, options.ConfigHash(), closer, channels);
        partition.Begin(new StartState { Offset = 0 });
        SimLog log = broker.Logs[number];
        for (int offset = 0; offset <= log.All.Count; offset++)
        {
            partition.Model = Model(broker.Models[number], partition.ClosedUs);
            if (broker.Idle[number].TryGetValue(offset, out long to))
            {
                // Step by step: of two advances at one position only the later is kept, and the model may have changed between them.
                while (partition.ClosedUs != Watermark.None && partition.ClosedUs + options.Windows.SlideUs < to)
                {
                    partition.AdvanceTo(partition.ClosedUs + options.Windows.SlideUs);
                    partition.Model = Model(broker.Models[number], partition.ClosedUs);
                }

                partition.AdvanceTo(to);
                partition.Outputs.Settle(to);
                plain.AdvanceTo(to);
                partition.Model = Model(broker.Models[number], partition.ClosedUs);
            }

            if (offset == log.All.Count) break;
            partition.Ingest(log[offset, number]);
            plain.Add(offset, log.All[offset]);
        }

        partition.Outputs.EndInput();
        for (int job = 0; job < 10_000 && files.QueuedBytes > 0; job++) files.Step();
    }

    private static ModelInForce Model(SortedDictionary<long, int> changes, long closedUs)
    {
        int version = 1;
        foreach ((long from, int next) in changes)
        {
            if (from > closedUs && from != long.MinValue) return new ModelInForce(version, next, from);
            version = next;
        }

        return new ModelInForce(version);
    }

    private static List<SimRow> Rows(SimStore store, int partition) =>
        [.. store.Objects.Where(o => o.Key.Contains($"/p{partition:D5}-", StringComparison.Ordinal) && o.Key.StartsWith("features/", StringComparison.Ordinal)).SelectMany(o => SimRows.Decode(o.Value))];

    private static void Same<T, TKey>(string what, IEnumerable<T> expected, IEnumerable<T> actual, Func<T, TKey> key) where T : notnull
    {
        Dictionary<T, int> counts = [];
        foreach (T item in expected) counts[item] = counts.GetValueOrDefault(item) + 1;
        foreach (T item in actual) counts[item] = counts.GetValueOrDefault(item) - 1;
        string[] wrong = [.. counts.Where(c => c.Value != 0).Select(c => $"{Math.Abs(c.Value)} × {(c.Value > 0 ? "missing" : "too many")}: {key(c.Key)}")];
        if (wrong.Length > 0) throw new SimViolation($"{what}, {wrong.Length} differences: {string.Join("\n", wrong.Take(6))}");
    }
}
