using Confluent.Kafka;
using KafkaException = FastIot.Kafka.KafkaException;
using KafkaOptions = FastIot.Kafka.KafkaOptions;

namespace FastIot.Verification;

/// <summary>Reads partitions from an offset to an offset with Confluent's consumer: not the client that the pipeline reads with.</summary>
internal sealed class PlainLog(KafkaOptions options, TimeSpan timeout)
{
    /// <summary>Numbers of the topic's partitions.</summary>
    /// <exception cref="KafkaException">The brokers do not answer, or have no such topic.</exception>
    public int[] Partitions(string topic)
    {
        using IAdminClient admin = new AdminClientBuilder(Configured(new AdminClientConfig { BootstrapServers = options.Bootstrap })).SetLogHandler((_, _) => { }).Build();
        TopicMetadata found = Guard(() => admin.GetMetadata(topic, timeout)).Topics.Single();
        if (found.Error.IsError) throw new KafkaException($"{options.Bootstrap} has no topic {topic}: {found.Error.Reason}");
        return [.. found.Partitions.Select(p => p.PartitionId).Order()];
    }

    /// <summary>First offset, and the one behind the last record, open transactions included.</summary>
    public (long Low, long High) Bounds(string topic, int partition)
    {
        using IConsumer<byte[]?, byte[]?> consumer = Consumer(IsolationLevel.ReadUncommitted);
        WatermarkOffsets offsets = Guard(() => consumer.QueryWatermarkOffsets(new TopicPartition(topic, partition), timeout));
        return (offsets.Low.Value, offsets.High.Value);
    }

    /// <summary>First offset whose record has the timestamp or a later one; the log's end where none has.</summary>
    public long OffsetAt(string topic, int partition, long timeMs)
    {
        using IConsumer<byte[]?, byte[]?> consumer = Consumer(IsolationLevel.ReadUncommitted);
        TopicPartitionOffset found = Guard(() => consumer.OffsetsForTimes([new TopicPartitionTimestamp(topic, partition, new Timestamp(timeMs, TimestampType.CreateTime))], timeout)).Single();
        return found.Offset.Value >= 0 ? found.Offset.Value : Bounds(topic, partition).High;
    }

    /// <summary>
    /// Every committed record from one offset up to another. Waits for transactions that were open below <paramref name="to"/> to end.
    /// </summary>
    /// <exception cref="KafkaException">Nothing came for the time-out.</exception>
    public IEnumerable<ConsumeResult<byte[]?, byte[]?>> Read(string topic, int partition, long from, long to, CancellationToken cancellation)
    {
        if (from >= to) yield break;
        using IConsumer<byte[]?, byte[]?> consumer = Consumer(IsolationLevel.ReadCommitted);
        consumer.Assign(new TopicPartitionOffset(topic, partition, from));
        var quiet = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            ConsumeResult<byte[]?, byte[]?>? result = Guard(() => consumer.Consume(TimeSpan.FromMilliseconds(200)));
            if (result is { IsPartitionEOF: false })
            {
                if (result.Offset.Value >= to) yield break;
                quiet.Restart();
                yield return result;
                if (result.Offset.Value + 1 >= to) yield break;
            }
            else if (result != null && result.Offset.Value >= to) yield break;
            if (quiet.Elapsed > timeout) throw new KafkaException($"{topic}[{partition}]: no committed record for {timeout.TotalSeconds:0} s, though the log goes on to offset {to}: a transaction is open, or the brokers are away");
        }
    }

    private IConsumer<byte[]?, byte[]?> Consumer(IsolationLevel isolation)
    {
        ConsumerConfig config = Configured(new ConsumerConfig
        {
            BootstrapServers = options.Bootstrap,
            GroupId = "fastiot-verify",
        });
        config.EnableAutoCommit = false;
        config.IsolationLevel = isolation;
        config.EnablePartitionEof = true;
        config.AutoOffsetReset = AutoOffsetReset.Error;
        return new ConsumerBuilder<byte[]?, byte[]?>(config).SetLogHandler((_, _) => { }).Build();
    }

    private T Configured<T>(T config)
        where T : ClientConfig
    {
        foreach ((string name, string value) in options.Properties)
        {
            if (ConnectionProperty(name)) config.Set(name, value);
        }

        return config;
    }

    /// <summary>What the pipeline reads and writes with must not change what is read here; how to reach the brokers must be the same.</summary>
    private static bool ConnectionProperty(string name) =>
        Array.Exists(["security.", "sasl.", "ssl.", "socket.", "broker.", "client.dns", "enable.ssl"], prefix => name.StartsWith(prefix, StringComparison.Ordinal));

    private T Guard<T>(Func<T> act)
    {
        try
        {
            return act();
        }
        catch (Confluent.Kafka.KafkaException e)
        {
            throw new KafkaException($"{options.Bootstrap}: {e.Error.Reason}", e);
        }
    }
}
