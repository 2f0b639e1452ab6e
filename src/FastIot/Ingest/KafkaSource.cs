using System.Diagnostics;
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
public sealed unsafe partial class KafkaSource : IGroupSource, IKafkaLog
{
    /// <summary>Bound of the broker's answers while partitions are taken over.</summary>
    private const int AnswerMs = 30_000;

    private const int RetryPauseMs = 50;
    private const long Unknown = -1;
    private const long NotOwned = -2;

    private readonly KafkaOptions _options;
    private readonly byte[] _topicZ;
    private readonly nint _rk;
    private readonly nint _queue;
    private readonly NativeArray<nint> _messages = new(Limits.PollRecords);
    private int _held;
    private GCHandle _self;
    private IAssignmentListener? _listener;
    private ExceptionDispatchInfo? _failure;

    // By partition: where the broker has said that its log ends; Unknown since a record came, NotOwned for what is not assigned.
    private long[] _endAt = [];
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
        // Committed offsets are asked for with transactions in mind: undecided ones are waited for.
        properties["isolation.level"] = "read_committed";
        properties["enable.partition.eof"] = "true";
        if (properties.GetValueOrDefault("group.protocol") == "consumer")
        {
            // Said by the broker with the new protocol (KIP-848); librdkafka refuses them.
            foreach (string classic in new[] { "partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms" }) properties.Remove(classic);
        }

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

            // Of a partition that was given up within this very call nothing may be passed on.
            if (!IsOwned(message->Partition)) continue;
            _endAt[message->Partition] = Unknown;

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

    /// <inheritdoc/>
    public IGroupMembership? Group()
    {
        nint metadata = NativeKafka.rd_kafka_consumer_group_metadata(_rk);
        return metadata == 0 ? null : new KafkaGroupMembership(metadata);
    }

    public bool Owns(int partition) => IsOwned(partition) && NativeKafka.rd_kafka_assignment_lost(_rk) == 0;

    public bool AtEnd(int partition, long position)
    {
        long high = HighOffset(partition);
        // Behind the last record there may be markers of transactions only: then the end is told by the broker, not by the position.
        return high >= 0 && (position >= high || IsOwned(partition) && _endAt[partition] >= high);
    }

    public void Seek(int partition, long offset)
    {
        KafkaPartitionList* list = NativeKafka.rd_kafka_topic_partition_list_new(1);
        try
        {
            NativeKafka.rd_kafka_topic_partition_list_add(list, _options.RawTopic, partition)->Offset = offset;
            SeekAll(list);
        }
        finally
        {
            NativeKafka.rd_kafka_topic_partition_list_destroy(list);
        }
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
        if (message->Error == KafkaError.PartitionEof)
        {
            if (IsOwned(message->Partition)) _endAt[message->Partition] = message->Offset;
            return;
        }

        string text = KafkaClient.Text(NativeKafka.rd_kafka_message_errstr(message));
        string where = message->Partition >= 0 ? $"{_options.RawTopic}[{message->Partition}]@{message->Offset}" : _options.RawTopic;
        switch (message->Error)
        {
            case KafkaError.AutoOffsetReset:
                throw new IngestException($"{where}: the log no longer has this offset ({text}). It has expired, or the topic was made anew: reset the group's offsets, or take another group") { Gap = true };
            case KafkaError.UnknownTopicOrPartition or KafkaError.UnknownTopic:
                throw new IngestException($"{_options.Bootstrap} has no topic {_options.RawTopic} ({text}): fastiot topics create makes it");
            case KafkaError.TopicAuthorizationFailed or KafkaError.GroupAuthorizationFailed or KafkaError.Authentication:
                throw new IngestException($"{_options.Bootstrap}, topic {_options.RawTopic}, group {_options.Group}: {text}");
            case KafkaError.Fatal when text.Contains("group.instance.id", StringComparison.Ordinal):
                throw new IngestException($"group {_options.Group}: {text}. If another instance runs under this name, give each its own pipeline.instance-id; if none does, a join that was sent again has fenced the one before") { Transient = true, Fenced = true };
            case KafkaError.Fatal:
                throw new IngestException($"{where}: {text}");
            default:
                Trouble(Log, where, text);
                return;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{where}: {text}; trying again")]
    private static partial void Trouble(ILogger log, string where, string text);
}
