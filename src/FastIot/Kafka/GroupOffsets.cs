using System.Diagnostics;
using System.Text;

namespace FastIot.Kafka;

/// <summary>What a group has committed for one partition.</summary>
/// <param name="Offset">−1: nothing.</param>
/// <param name="Metadata">Null: none.</param>
internal readonly record struct CommittedOffset(int Partition, long Offset, string? Metadata);

/// <summary>Reads a group's committed offsets with their metadata, without joining it.</summary>
internal static unsafe class GroupOffsets
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    /// <exception cref="KafkaException">The brokers do not answer, or refuse.</exception>
    public static CommittedOffset[] Read(KafkaOptions options, IReadOnlyCollection<int> partitions, TimeSpan timeout)
    {
        Dictionary<string, string> properties = new() { ["bootstrap.servers"] = options.Bootstrap, ["client.id"] = "fastiot-offsets" };
        foreach ((string name, string value) in options.Properties) properties[name] = value;
        properties["group.id"] = options.Group;
        properties.Remove("group.instance.id");
        nint rk = KafkaClient.Create(NativeKafka.Consumer, KafkaClient.Configuration(NativeKafka.Consumer, properties));
        KafkaPartitionList* list = NativeKafka.rd_kafka_topic_partition_list_new(partitions.Count);
        try
        {
            foreach (int partition in partitions) NativeKafka.rd_kafka_topic_partition_list_add(list, options.RawTopic, partition);
            int error = Committed(rk, list, timeout);
            if (error != KafkaError.None) throw new KafkaException($"{options.Bootstrap}: the committed offsets of group {options.Group} cannot be read: {KafkaClient.ErrorText(error)}");
            var committed = new CommittedOffset[list->Count];
            for (int i = 0; i < committed.Length; i++) committed[i] = Of(in list->Elements[i], options);
            return committed;
        }
        finally
        {
            NativeKafka.rd_kafka_topic_partition_list_destroy(list);
            NativeKafka.rd_kafka_destroy(rk);
        }
    }

    /// <summary>Asks again while the coordinator moves: librdkafka leaves that to whoever asks.</summary>
    private static int Committed(nint rk, KafkaPartitionList* list, TimeSpan timeout)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            int error = NativeKafka.rd_kafka_committed(rk, list, Math.Max(1, (int)(timeout - waited.Elapsed).TotalMilliseconds));
            if (!KafkaError.IsPassing(error) || waited.Elapsed + s_pause >= timeout) return error;
            Thread.Sleep(s_pause);
        }
    }

    private static CommittedOffset Of(in KafkaTopicPartition partition, KafkaOptions options)
    {
        if (partition.Error != KafkaError.None) throw new KafkaException($"{options.Bootstrap}: the committed offset of {options.RawTopic}[{partition.Partition}] cannot be read: {KafkaClient.ErrorText(partition.Error)}");
        string? metadata = partition.Metadata == null ? null : Encoding.UTF8.GetString(partition.Metadata, (int)partition.MetadataLength);
        return new CommittedOffset(partition.Partition, partition.Offset < 0 ? -1 : partition.Offset, string.IsNullOrEmpty(metadata) ? null : metadata);
    }
}
