using FastIot.Ingest;

namespace FastIot.Kafka;

/// <summary>rd_kafka_consumer_group_metadata_t: group, member, generation and instance as they were when it was taken.</summary>
internal sealed class KafkaGroupMembership(nint handle) : IGroupMembership
{
    public nint Handle { get; } = handle;

    public void Dispose() => NativeKafka.rd_kafka_consumer_group_metadata_destroy(Handle);
}
