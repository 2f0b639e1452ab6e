using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIot.Kafka;

/// <summary>rd_kafka_message_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KafkaMessage
{
    public int Error;
    public nint Topic;
    public int Partition;
    public byte* Payload;
    public nuint Length;
    public byte* Key;
    public nuint KeyLength;
    public long Offset;
    public nint Opaque;
}

/// <summary>rd_kafka_topic_partition_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KafkaTopicPartition
{
    public byte* Topic;
    public int Partition;
    public long Offset;
    public byte* Metadata;
    public nuint MetadataLength;
    public void* Opaque;
    public int Error;
    public void* Private;
}

/// <summary>rd_kafka_metadata_t, as far as it is read.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KafkaMetadata
{
    public int BrokerCount;
    public void* Brokers;
    public int TopicCount;
    public KafkaMetadataTopic* Topics;
}

/// <summary>rd_kafka_metadata_topic_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KafkaMetadataTopic
{
    public byte* Topic;
    public int PartitionCount;
    public void* Partitions;
    public int Error;
}

/// <summary>rd_kafka_topic_partition_list_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KafkaPartitionList
{
    public int Count;
    public int Size;
    public KafkaTopicPartition* Elements;
}

/// <summary>rd_kafka_vu_t: one argument of rd_kafka_produceva; the union is 64 bytes wide.</summary>
[StructLayout(LayoutKind.Explicit, Size = 72)]
internal unsafe struct KafkaArgument
{
    [FieldOffset(0)] public KafkaArgumentType Type;
    [FieldOffset(8)] public nint Pointer;
    [FieldOffset(8)] public int Int32;
    [FieldOffset(8)] public long Int64;
    [FieldOffset(16)] public nint Second;
    [FieldOffset(24)] public nint Third;
}

internal enum KafkaArgumentType
{
    Topic = 2,
    Partition = 3,
    Value = 4,
    Key = 5,
    Opaque = 6,
    Flags = 7,
    Timestamp = 8,
    Header = 9,
}

/// <summary>Error codes of librdkafka that are acted upon.</summary>
internal static class KafkaError
{
    public const int None = 0;
    public const int UnknownTopicOrPartition = 3;
    public const int TopicAuthorizationFailed = 29;
    public const int GroupAuthorizationFailed = 30;
    public const int Fatal = -150;
    public const int Authentication = -169;
    public const int AutoOffsetReset = -140;
    public const int AssignPartitions = -175;
    public const int RevokePartitions = -174;
    public const int QueueFull = -184;
    public const int TimedOut = -185;
    public const int AllBrokersDown = -187;
    public const int UnknownTopic = -188;
    public const int PartitionEof = -191;
    public const int NoOffset = -168;
    public const int Transport = -195;
    public const int WaitCoordinator = -180;
    public const int CoordinatorLoading = 14;
    public const int CoordinatorNotAvailable = 15;
    public const int NotCoordinator = 16;
    public const int UnstableOffsetCommit = 88;
    public const int Fenced = -144;
    public const int PurgedInQueue = -152;
    public const int PurgedInFlight = -151;
    public const int State = -172;
    public const int IllegalGeneration = 22;
    public const int UnknownMemberId = 25;
    public const int FencedInstanceId = 82;
    public const int InvalidProducerEpoch = 47;

    /// <summary>Whether the group's coordinator may answer when asked again: it is on its way to another broker, or loading.</summary>
    public static bool IsPassing(int error) =>
        error is UnstableOffsetCommit or TimedOut or WaitCoordinator or Transport or CoordinatorLoading or CoordinatorNotAvailable or NotCoordinator;
}

/// <summary>The part of librdkafka's C interface that is used here. Names are its own.</summary>
internal static unsafe partial class NativeKafka
{
    public const int Producer = 0;
    public const int Consumer = 1;
    public const int CopyPayload = 2;
    public const long NoCommittedOffset = -1001;
    public const int PurgeQueueAndFlight = 3;

    private const string Library = "librdkafka";

    [LibraryImport(Library)] public static partial nint rd_kafka_conf_new();
    [LibraryImport(Library)] public static partial void rd_kafka_conf_destroy(nint conf);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial int rd_kafka_conf_set(nint conf, string name, string value, byte* error, nuint size);
    [LibraryImport(Library)] public static partial void rd_kafka_conf_set_opaque(nint conf, nint opaque);
    [LibraryImport(Library)] public static partial void rd_kafka_conf_set_rebalance_cb(nint conf, delegate* unmanaged[Cdecl]<nint, int, KafkaPartitionList*, nint, void> callback);
    [LibraryImport(Library)] public static partial void rd_kafka_conf_set_dr_msg_cb(nint conf, delegate* unmanaged[Cdecl]<nint, KafkaMessage*, nint, void> callback);
    [LibraryImport(Library)] public static partial void rd_kafka_conf_set_log_cb(nint conf, delegate* unmanaged[Cdecl]<nint, int, byte*, byte*, void> callback);
    [LibraryImport(Library)] public static partial nint rd_kafka_opaque(nint rk);
    [LibraryImport(Library)] public static partial nint rd_kafka_new(int type, nint conf, byte* error, nuint size);
    [LibraryImport(Library)] public static partial void rd_kafka_destroy(nint rk);
    [LibraryImport(Library)] public static partial nint rd_kafka_err2str(int error);
    [LibraryImport(Library)] public static partial int rd_kafka_poll(nint rk, int timeoutMs);
    [LibraryImport(Library)] public static partial int rd_kafka_flush(nint rk, int timeoutMs);
    [LibraryImport(Library)] public static partial int rd_kafka_outq_len(nint rk);
    [LibraryImport(Library)] public static partial int rd_kafka_fatal_error(nint rk, byte* text, nuint size);

    [LibraryImport(Library)] public static partial int rd_kafka_poll_set_consumer(nint rk);
    [LibraryImport(Library)] public static partial nint rd_kafka_queue_get_consumer(nint rk);
    [LibraryImport(Library)] public static partial void rd_kafka_queue_destroy(nint queue);
    [LibraryImport(Library)] public static partial nint rd_kafka_consume_batch_queue(nint queue, int timeoutMs, KafkaMessage** messages, nuint size);
    [LibraryImport(Library)] public static partial void rd_kafka_message_destroy(KafkaMessage* message);
    [LibraryImport(Library)][SuppressGCTransition] public static partial long rd_kafka_message_timestamp(KafkaMessage* message, int* type);
    [LibraryImport(Library)] public static partial nint rd_kafka_message_errstr(KafkaMessage* message);

    [LibraryImport(Library)] public static partial KafkaPartitionList* rd_kafka_topic_partition_list_new(int size);
    [LibraryImport(Library)] public static partial KafkaPartitionList* rd_kafka_topic_partition_list_copy(KafkaPartitionList* list);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial KafkaTopicPartition* rd_kafka_topic_partition_list_add(KafkaPartitionList* list, string topic, int partition);
    [LibraryImport(Library)] public static partial void rd_kafka_topic_partition_list_destroy(KafkaPartitionList* list);
    [LibraryImport(Library)] public static partial int rd_kafka_subscribe(nint rk, KafkaPartitionList* topics);
    [LibraryImport(Library)] public static partial int rd_kafka_assign(nint rk, KafkaPartitionList* partitions);
    [LibraryImport(Library)] public static partial nint rd_kafka_incremental_assign(nint rk, KafkaPartitionList* partitions);
    [LibraryImport(Library)] public static partial nint rd_kafka_incremental_unassign(nint rk, KafkaPartitionList* partitions);
    [LibraryImport(Library)] public static partial int rd_kafka_assignment_lost(nint rk);
    [LibraryImport(Library)] public static partial nint rd_kafka_rebalance_protocol(nint rk);
    [LibraryImport(Library)] public static partial int rd_kafka_committed(nint rk, KafkaPartitionList* partitions, int timeoutMs);
    [LibraryImport(Library)] public static partial int rd_kafka_commit(nint rk, KafkaPartitionList* offsets, int async);
    [LibraryImport(Library)] public static partial nint rd_kafka_seek_partitions(nint rk, KafkaPartitionList* partitions, int timeoutMs);
    [LibraryImport(Library)] public static partial int rd_kafka_pause_partitions(nint rk, KafkaPartitionList* partitions);
    [LibraryImport(Library)] public static partial int rd_kafka_resume_partitions(nint rk, KafkaPartitionList* partitions);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial int rd_kafka_query_watermark_offsets(nint rk, string topic, int partition, long* low, long* high, int timeoutMs);
    [LibraryImport(Library)] public static partial int rd_kafka_get_watermark_offsets(nint rk, byte* topic, int partition, long* low, long* high);
    [LibraryImport(Library)] public static partial int rd_kafka_consumer_close(nint rk);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial nint rd_kafka_topic_new(nint rk, string topic, nint conf);
    [LibraryImport(Library)] public static partial void rd_kafka_topic_destroy(nint topic);
    [LibraryImport(Library)] public static partial int rd_kafka_metadata(nint rk, int allTopics, nint onlyTopic, KafkaMetadata** metadata, int timeoutMs);
    [LibraryImport(Library)] public static partial void rd_kafka_metadata_destroy(KafkaMetadata* metadata);
    [LibraryImport(Library)] public static partial nint rd_kafka_topic_name(nint topic);
    [LibraryImport(Library)] public static partial nint rd_kafka_produceva(nint rk, KafkaArgument* arguments, nuint count);
    [LibraryImport(Library)] public static partial int rd_kafka_error_code(nint error);
    [LibraryImport(Library)] public static partial nint rd_kafka_error_string(nint error);
    [LibraryImport(Library)] public static partial void rd_kafka_error_destroy(nint error);

    [LibraryImport(Library)] public static partial int rd_kafka_error_is_fatal(nint error);
    [LibraryImport(Library)] public static partial int rd_kafka_error_is_retriable(nint error);
    [LibraryImport(Library)] public static partial int rd_kafka_error_txn_requires_abort(nint error);

    [LibraryImport(Library)] public static partial nint rd_kafka_init_transactions(nint rk, int timeoutMs);
    [LibraryImport(Library)] public static partial nint rd_kafka_begin_transaction(nint rk);
    [LibraryImport(Library)] public static partial nint rd_kafka_send_offsets_to_transaction(nint rk, KafkaPartitionList* offsets, nint groupMetadata, int timeoutMs);
    [LibraryImport(Library)] public static partial nint rd_kafka_commit_transaction(nint rk, int timeoutMs);
    [LibraryImport(Library)] public static partial nint rd_kafka_abort_transaction(nint rk, int timeoutMs);
    [LibraryImport(Library)] public static partial nint rd_kafka_consumer_group_metadata(nint rk);
    [LibraryImport(Library)] public static partial void rd_kafka_consumer_group_metadata_destroy(nint groupMetadata);
    [LibraryImport(Library)] public static partial int rd_kafka_purge(nint rk, int flags);

    [LibraryImport(Library)] public static partial nint rd_kafka_mock_cluster_new(nint rk, int brokers);
    [LibraryImport(Library)] public static partial void rd_kafka_mock_cluster_destroy(nint cluster);
    [LibraryImport(Library)] public static partial nint rd_kafka_mock_cluster_bootstraps(nint cluster);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial int rd_kafka_mock_topic_create(nint cluster, string topic, int partitions, int replication);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] public static partial int rd_kafka_mock_partition_set_leader(nint cluster, string topic, int partition, int broker);
    [LibraryImport(Library)] public static partial void rd_kafka_mock_push_request_errors_array(nint cluster, short apiKey, nuint count, int* errors);
    [LibraryImport(Library)] public static partial int rd_kafka_mock_broker_set_down(nint cluster, int broker);
    [LibraryImport(Library)] public static partial int rd_kafka_mock_broker_set_up(nint cluster, int broker);
    [LibraryImport(Library)] public static partial void rd_kafka_mock_group_initial_rebalance_delay_ms(nint cluster, int delayMs);

    /// <summary>
    /// The file Confluent.Kafka would load, so that one copy is in the process: the stock build, else the ones with fewer dependencies.
    /// </summary>
    [ModuleInitializer]
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2255", Justification = "Must come before the first of this class's calls, from whatever thread; a static constructor would cost a check in each")]
    internal static void UseSameFileAsConfluent() => NativeLibrary.SetDllImportResolver(typeof(NativeKafka).Assembly, static (name, assembly, path) =>
    {
        if (name != Library) return 0;
        foreach (string candidate in new[] { Library, "centos8-librdkafka", "alpine-librdkafka" })
        {
            if (NativeLibrary.TryLoad(candidate, assembly, path, out nint handle)) return handle;
        }

        return 0;
    });
}
