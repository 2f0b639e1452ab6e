using Confluent.Kafka;
using FastIot.Kafka;
using KafkaException = FastIot.Kafka.KafkaException;

namespace FastIot.Verification;

/// <summary>
/// The audit: recomputes every window from the log, with plain slow code and another client than the pipeline's, and compares it with the
/// anomalies (committed ones only) and the feature files: missing, duplicate, different. Up to what the group has committed.
/// </summary>
internal static class LogVerification
{
    /// <param name="progress">Told the share that is done, 0 to 1, and the report so far; from several threads.</param>
    /// <exception cref="KafkaException">A broker does not answer, or the group's commits are none of ours.</exception>
    /// <exception cref="Emit.ObjectStoreException">The store cannot be read.</exception>
    public static async Task<VerifyReport> RunAsync(VerifyOptions options, Action<double, VerifyReport> progress, CancellationToken cancellation)
    {
        KafkaOptions kafka = options.Kafka;
        var log = new PlainLog(kafka, options.Timeout);
        var report = new VerifyReport { Group = kafka.Group, Topic = kafka.RawTopic, Store = options.Store.Location };
        // Commits first: whatever they say is out must be there, and can be seen, by the time the outputs are read.
        PartitionRange[] ranges = [.. GroupOffsets.Read(kafka, log.Partitions(kafka.RawTopic), options.Timeout).Select(c => Range(options, log, c, report)).OfType<PartitionRange>()];
        List<StoredFile> files = await StoredWindows.ListAsync(options.Store, cancellation).ConfigureAwait(false);
        ILookup<int, SeenAnomaly> anomalies = Anomalies(kafka, log, report, cancellation).ToLookup(a => a.Partition);
        SeenReadings deadLetters = Side("dead letter", kafka.DeadLetterTopic, report.DeadLetters);
        SeenReadings? late = kafka.LateTopic is { } topic ? Side("late reading", topic, report.LateReadings) : null;

        long all = Math.Max(1, ranges.Sum(r => r.To - r.From)), done = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
        await Parallel.ForEachAsync(ranges, parallel, (range, token) =>
        {
            var stored = new StoredWindows(options.Store, files.Where(f => f.Partition == range.Partition && f.ConfigHash == range.Committed.ConfigHash));
            new PartitionVerification(options, report, range, stored, anomalies[range.Partition].ToLookup(a => a.WindowEndUs), deadLetters, late)
                .Run(log, passed => progress(Interlocked.Add(ref done, passed) / (double)all, report), token);
            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        report.Partitions.Sort((a, b) => a.Partition.CompareTo(b.Partition));
        return report;

        SeenReadings Side(string name, string topic, OutputReport output)
        {
            var seen = new SeenReadings(name, output, report);
            foreach (ConsumeResult<byte[]?, byte[]?> record in All(log, topic, cancellation)) seen.Add(record, kafka.RawTopic);
            return seen;
        }
    }

    /// <returns>Null for a partition that nobody has committed anything for: there is nothing to compare.</returns>
    private static PartitionRange? Range(VerifyOptions options, PlainLog log, CommittedOffset committed, VerifyReport report)
    {
        KafkaOptions kafka = options.Kafka;
        (long low, long high) = log.Bounds(kafka.RawTopic, committed.Partition);
        if (committed.Offset < 0)
        {
            report.Add(new PartitionReport(committed.Partition, low, low, null, null, null, "the group has committed nothing"));
            return null;
        }

        CommitMetadata metadata;
        try
        {
            metadata = CommitMetadata.Parse(committed.Metadata ?? "");
        }
        catch (FormatException e)
        {
            throw new KafkaException($"group {kafka.Group}, {kafka.RawTopic}[{committed.Partition}]: {e.Message}", e);
        }

        if (metadata.WindowUs > 0 && metadata.WindowUs != options.Windows.WindowUs)
            throw new KafkaException($"group {kafka.Group}, {kafka.RawTopic}[{committed.Partition}]: it ran with another configuration: windows of {metadata.WindowUs / 1e6} s, here {options.Windows.WindowUs / 1e6} s; verify with the same");
        long to = Math.Min(metadata.Position, options.ToOffset ?? long.MaxValue);
        if (to > high) throw new KafkaException($"group {kafka.Group}, {kafka.RawTopic}[{committed.Partition}]: committed up to offset {to}, but the log ends at {high}: the topic was made anew");
        long from = Math.Max(low, options.FromOffset ?? low);
        if (options.FromUs is { } fromUs) from = Math.Max(from, log.OffsetAt(kafka.RawTopic, committed.Partition, (fromUs - Lead(options)) / 1000));
        return new PartitionRange(committed.Partition, Math.Min(from, to), to, from == 0, metadata, options.FromUs ?? long.MinValue, options.ToUs ?? long.MaxValue);
    }

    /// <summary>How much earlier, by their records' timestamps, the readings of a window may lie: the window, what readings may be ahead, disorder, and as much again for the watermark to settle.</summary>
    private static long Lead(VerifyOptions options) => 2 * (options.Windows.WindowUs + options.Windows.MaxFutureUs + options.Windows.LatenessUs);

    private static List<SeenAnomaly> Anomalies(KafkaOptions kafka, PlainLog log, VerifyReport report, CancellationToken cancellation)
    {
        var anomalies = new List<SeenAnomaly>();
        foreach (ConsumeResult<byte[]?, byte[]?> record in All(log, kafka.AnomalyTopic, cancellation))
        {
            try
            {
                anomalies.Add(SeenAnomaly.Parse(record));
            }
            catch (FormatException e)
            {
                report.Unexpected(report.Anomalies, "anomaly", -1, $"{record.Topic}[{record.Partition.Value}]@{record.Offset.Value}", $"no record of an anomaly: {e.Message}");
            }
        }

        return anomalies;
    }

    private static IEnumerable<ConsumeResult<byte[]?, byte[]?>> All(PlainLog log, string topic, CancellationToken cancellation) => log.Partitions(topic).SelectMany(partition =>
    {
        (long low, long high) = log.Bounds(topic, partition);
        return log.Read(topic, partition, low, high, cancellation);
    });
}
