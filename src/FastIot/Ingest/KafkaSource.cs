using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using FastIot.Kafka;
using Microsoft.Extensions.Logging;

namespace FastIot.Ingest;

/// <summary>
/// A member of the consumer group. Records point into librdkafka's own messages until the next poll; nothing is allocated or copied per
/// record. Offsets are committed by the pipeline only, with metadata.
/// </summary>
public sealed unsafe partial class KafkaSource : IRecordSource, IKafkaLog
{
    /// <summary>Bound of the broker's answers while partitions are taken over.</summary>
    private const int AnswerMs = 30_000;

    private readonly KafkaOptions _options;
    private readonly byte[] _topicZ;
    private readonly nint _rk;
    private readonly nint _queue;
    private readonly NativeArray<nint> _messages = new(Limits.PollRecords);
    private int _held;
    private GCHandle _self;
    private IAssignmentListener? _listener;
    private ExceptionDispatchInfo? _failure;
    private bool _closed;

    /// <exception cref="KafkaException">A property that librdkafka does not know or take.</exception>
    public KafkaSource(KafkaOptions options, int worker, ILogger log)
    {
        _options = options;
        Log = log;
        _topicZ = Encoding.UTF8.GetBytes(options.RawTopic + "\0");
        Dictionary<string, string> properties = new()
        {
            ["bootstrap.servers"] = options.Bootstrap,
            ["group.id"] = options.Group,
            ["client.id"] = string.Create(CultureInfo.InvariantCulture, $"fastiot-{worker}"),
            ["partition.assignment.strategy"] = "cooperative-sticky",
            // The broker answers as soon as there is anything; an empty partition asks a hundred times a second.
            ["fetch.wait.max.ms"] = "10",
            ["fetch.error.backoff.ms"] = "10",
            ["queued.max.messages.kbytes"] = "32768",
            ["fetch.queue.backoff.ms"] = "5",
        };
        foreach ((string name, string value) in options.Properties) properties[name] = value;
        // What the pipeline relies upon is not open to choice.
        properties["enable.auto.commit"] = "false";
        properties["enable.auto.offset.store"] = "false";
        properties["auto.offset.reset"] = "error";
        nint conf = KafkaClient.Configuration(NativeKafka.Consumer, properties);
        _self = GCHandle.Alloc(this, GCHandleType.Weak);
        NativeKafka.rd_kafka_conf_set_opaque(conf, GCHandle.ToIntPtr(_self));
        NativeKafka.rd_kafka_conf_set_rebalance_cb(conf, &OnRebalance);
        _rk = KafkaClient.Create(NativeKafka.Consumer, conf);
        NativeKafka.rd_kafka_poll_set_consumer(_rk);
        _queue = NativeKafka.rd_kafka_queue_get_consumer(_rk);
    }

    public ILogger Log { get; }

    /// <summary>A topic has no end.</summary>
    public bool Completed => false;

    public void Start(IAssignmentListener listener)
    {
        _listener = listener;
        KafkaPartitionList* topics = NativeKafka.rd_kafka_topic_partition_list_new(1);
        NativeKafka.rd_kafka_topic_partition_list_add(topics, _options.RawTopic, -1);
        int error = NativeKafka.rd_kafka_subscribe(_rk, topics);
        NativeKafka.rd_kafka_topic_partition_list_destroy(topics);
        if (error != KafkaError.None) throw new IngestException($"{_options.RawTopic} cannot be subscribed to: {KafkaClient.ErrorText(error)}");
    }

    public int Poll(Span<Record> records, int timeoutMs)
    {
        Release();
        var messages = (KafkaMessage**)_messages.Pointer;
        int room = Math.Min(records.Length, _messages.Length);
        // It waits for as many as were asked for: so for one, and then for what is there.
        int count = (int)NativeKafka.rd_kafka_consume_batch_queue(_queue, timeoutMs, messages, 1);
        if (count == 1 && room > 1) count += (int)NativeKafka.rd_kafka_consume_batch_queue(_queue, 0, messages + 1, (nuint)(room - 1));
        _held = Math.Max(count, 0);
        _failure?.Throw();
        int taken = 0;
        for (int i = 0; i < _held; i++)
        {
            KafkaMessage* message = messages[i];
            if (message->Error != KafkaError.None)
            {
                OnError(message);
                continue;
            }

            int timestampType;
            records[taken++] = new Record
            {
                Key = message->Key,
                KeyLength = (int)message->KeyLength,
                Value = message->Payload,
                ValueLength = (int)message->Length,
                Offset = message->Offset,
                TimestampMs = NativeKafka.rd_kafka_message_timestamp(message, &timestampType),
                Partition = message->Partition,
            };
        }

        return taken;
    }

    public void Pause(int partition) => With(partition, pause: true);

    public void Resume(int partition) => With(partition, pause: false);

    public long HighOffset(int partition)
    {
        long low, high;
        fixed (byte* topic = _topicZ)
        {
            return NativeKafka.rd_kafka_get_watermark_offsets(_rk, topic, partition, &low, &high) == KafkaError.None ? high : -1;
        }
    }

    public CommitResult Commit(ReadOnlySpan<PartitionCommit> commits)
    {
        using var offsets = new OffsetList(_options.RawTopic, commits);
        int error = NativeKafka.rd_kafka_commit(_rk, offsets.List, async: 0);
        if (error == KafkaError.None) return CommitResult.Committed;
        return CommitResult.Unknown($"group {_options.Group}: the commit of {offsets.ToString()} failed: {KafkaClient.ErrorText(error)}");
    }

    public void Close()
    {
        if (_closed) return;
        _closed = true;
        Release();
        NativeKafka.rd_kafka_consumer_close(_rk);
        _failure?.Throw();
    }

    public void Dispose()
    {
        Release();
        NativeKafka.rd_kafka_queue_destroy(_queue);
        NativeKafka.rd_kafka_destroy(_rk);
        _self.Free();
        _messages.Dispose();
    }

    private void Release()
    {
        for (int i = 0; i < _held; i++) NativeKafka.rd_kafka_message_destroy((KafkaMessage*)_messages[i]);
        _held = 0;
    }

    private void With(int partition, bool pause)
    {
        KafkaPartitionList* list = NativeKafka.rd_kafka_topic_partition_list_new(1);
        NativeKafka.rd_kafka_topic_partition_list_add(list, _options.RawTopic, partition);
        int error = pause ? NativeKafka.rd_kafka_pause_partitions(_rk, list) : NativeKafka.rd_kafka_resume_partitions(_rk, list);
        NativeKafka.rd_kafka_topic_partition_list_destroy(list);
        if (error != KafkaError.None) throw new IngestException($"{_options.RawTopic}[{partition}] cannot be {(pause ? "paused" : "resumed")}: {KafkaClient.ErrorText(error)}");
    }

    /// <summary>What librdkafka does not get over by itself ends the worker; the rest it tries again.</summary>
    private void OnError(KafkaMessage* message)
    {
        string text = KafkaClient.Text(NativeKafka.rd_kafka_message_errstr(message));
        string where = message->Partition >= 0 ? $"{_options.RawTopic}[{message->Partition}]@{message->Offset}" : _options.RawTopic;
        switch (message->Error)
        {
            case KafkaError.PartitionEof:
                return;
            case KafkaError.AutoOffsetReset:
                throw new IngestException($"{where}: the log no longer has this offset ({text}). It has expired, or the topic was made anew: reset the group's offsets, or take another group") { Gap = true };
            case KafkaError.UnknownTopicOrPartition or KafkaError.UnknownTopic:
                throw new IngestException($"{_options.Bootstrap} has no topic {_options.RawTopic} ({text}): fastiot topics create makes it");
            case KafkaError.TopicAuthorizationFailed or KafkaError.GroupAuthorizationFailed or KafkaError.Authentication:
                throw new IngestException($"{_options.Bootstrap}, topic {_options.RawTopic}, group {_options.Group}: {text}");
            case KafkaError.Fatal:
                throw new IngestException($"{where}: {text}");
            default:
                Trouble(Log, where, text);
                return;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnRebalance(nint rk, int code, KafkaPartitionList* partitions, nint opaque)
    {
        if (GCHandle.FromIntPtr(opaque).Target is not KafkaSource source) return;
        try
        {
            if (code == KafkaError.AssignPartitions) source.Assign(partitions);
            else source.Revoke(partitions);
        }
        catch (Exception e)
        {
            // Not through librdkafka's frames: the poll that called throws it.
            source._failure = ExceptionDispatchInfo.Capture(e);
        }
    }

    private bool Cooperative => KafkaClient.Text(NativeKafka.rd_kafka_rebalance_protocol(_rk)) == "COOPERATIVE";

    private void Assign(KafkaPartitionList* partitions)
    {
        KafkaPartitionList* committed = NativeKafka.rd_kafka_topic_partition_list_copy(partitions);
        try
        {
            // Asked about nothing, librdkafka does not answer: and nothing is what a new member of a group gets at first.
            int error = committed->Count == 0 ? KafkaError.None : NativeKafka.rd_kafka_committed(_rk, committed, AnswerMs);
            if (error != KafkaError.None) throw new IngestException($"group {_options.Group}: the committed offsets of {_options.RawTopic} cannot be read: {KafkaClient.ErrorText(error)}");
            var assignments = new PartitionAssignment[committed->Count];
            for (int i = 0; i < assignments.Length; i++) assignments[i] = Assignment(in committed->Elements[i]);
            _listener!.OnAssigned(assignments);
            for (int i = 0; i < assignments.Length; i++) partitions->Elements[i].Offset = assignments[i].StartOffset;
        }
        finally
        {
            NativeKafka.rd_kafka_topic_partition_list_destroy(committed);
        }

        string? failure = Cooperative ? KafkaClient.Take(NativeKafka.rd_kafka_incremental_assign(_rk, partitions)) : Plain(NativeKafka.rd_kafka_assign(_rk, partitions));
        if (failure != null) throw new IngestException($"group {_options.Group}: partitions of {_options.RawTopic} cannot be taken over: {failure}");
    }

    private PartitionAssignment Assignment(in KafkaTopicPartition partition)
    {
        long low, high;
        int error = NativeKafka.rd_kafka_query_watermark_offsets(_rk, _options.RawTopic, partition.Partition, &low, &high, AnswerMs);
        if (error != KafkaError.None) throw new IngestException($"{_options.RawTopic}[{partition.Partition}]: begin and end of the log cannot be read: {KafkaClient.ErrorText(error)}");
        return new PartitionAssignment
        {
            Partition = partition.Partition,
            CommittedOffset = partition.Offset < 0 ? -1 : partition.Offset,
            Metadata = partition.Metadata == null ? null : Encoding.UTF8.GetString(partition.Metadata, (int)partition.MetadataLength),
            LowOffset = low,
            HighOffset = high,
        };
    }

    private void Revoke(KafkaPartitionList* partitions)
    {
        bool lost = NativeKafka.rd_kafka_assignment_lost(_rk) != 0;
        int[] numbers = new int[partitions->Count];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = partitions->Elements[i].Partition;
        try
        {
            _listener!.OnRevoked(numbers, lost);
        }
        finally
        {
            if (Cooperative) KafkaClient.Take(NativeKafka.rd_kafka_incremental_unassign(_rk, partitions));
            else NativeKafka.rd_kafka_assign(_rk, null);
        }
    }

    private static string? Plain(int error) => error == KafkaError.None ? null : KafkaClient.ErrorText(error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{where}: {text}; trying again")]
    private static partial void Trouble(ILogger log, string where, string text);
}
