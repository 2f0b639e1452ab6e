using System.Runtime.InteropServices;
using System.Text;
using FastIot.Ingest;

namespace FastIot.Kafka;

/// <summary>Offsets with their metadata as librdkafka takes them, for one topic. Freed with everything in it.</summary>
internal readonly unsafe ref struct OffsetList
{
    private readonly string _topic;

    public OffsetList(string topic, ReadOnlySpan<PartitionCommit> commits)
    {
        _topic = topic;
        List = NativeKafka.rd_kafka_topic_partition_list_new(commits.Length);
        foreach (PartitionCommit commit in commits)
        {
            KafkaTopicPartition* element = NativeKafka.rd_kafka_topic_partition_list_add(List, topic, commit.Partition);
            element->Offset = commit.Offset;
            int length = Encoding.UTF8.GetByteCount(commit.Metadata);
            // From malloc, as librdkafka frees it with the list.
            element->Metadata = (byte*)NativeMemory.Alloc((nuint)length + 1);
            element->MetadataLength = (nuint)Encoding.UTF8.GetBytes(commit.Metadata, new Span<byte>(element->Metadata, length));
            element->Metadata[length] = 0;
        }
    }

    public KafkaPartitionList* List { get; }

    public void Dispose() => NativeKafka.rd_kafka_topic_partition_list_destroy(List);

    /// <summary>"topic[0]@12, topic[3]@4 why it failed".</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        for (int i = 0; i < List->Count; i++)
        {
            ref KafkaTopicPartition element = ref List->Elements[i];
            if (i > 0) text.Append(", ");
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"{_topic}[{element.Partition}]@{element.Offset}");
            if (element.Error != KafkaError.None) text.Append(' ').Append(KafkaClient.ErrorText(element.Error));
        }

        return text.ToString();
    }
}
