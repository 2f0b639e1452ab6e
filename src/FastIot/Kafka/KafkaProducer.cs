using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastIot.Emit;
using FastIot.Observe;
using Microsoft.Extensions.Logging;

namespace FastIot.Kafka;

/// <summary>
/// Produces to any number of topics, idempotently. Payloads are copied into librdkafka's bounded queue; delivery reports come within
/// <see cref="Poll"/>, on the caller's thread. One thread calls everything. Allocates nothing per record.
/// </summary>
public sealed unsafe class KafkaProducer : IKafkaLog, IDisposable
{
    private const int PollEvery = 256;
    private const int MostHeaders = 8;

    private readonly nint _rk;
    private readonly LatencyHistogram? _latency;
    private readonly Dictionary<string, nint> _topics = [];
    private GCHandle _self;
    private int _sincePoll;
    private string? _failure;

    /// <param name="defaults">Properties beneath the options' own.</param>
    /// <param name="latency">Told how long it took from a record's birth to its acknowledgement.</param>
    public KafkaProducer(KafkaOptions options, IEnumerable<KeyValuePair<string, string>> defaults, LatencyHistogram? latency, ILogger log)
    {
        Log = log;
        _latency = latency;
        Dictionary<string, string> properties = new()
        {
            ["bootstrap.servers"] = options.Bootstrap,
            ["client.id"] = "fastiot",
            // Where Java's and librdkafka's consistent partitioners differ, the keys of a topic must all go one way.
            ["partitioner"] = "murmur2_random",
            ["enable.idempotence"] = "true",
            ["compression.type"] = "lz4",
        };
        foreach ((string name, string value) in defaults) properties[name] = value;
        foreach ((string name, string value) in options.Properties) properties[name] = value;
        nint conf = KafkaClient.Configuration(NativeKafka.Producer, properties);
        _self = GCHandle.Alloc(this, GCHandleType.Weak);
        NativeKafka.rd_kafka_conf_set_opaque(conf, GCHandle.ToIntPtr(_self));
        NativeKafka.rd_kafka_conf_set_dr_msg_cb(conf, &OnDelivery);
        _rk = KafkaClient.Create(NativeKafka.Producer, conf);
    }

    public ILogger Log { get; }

    internal nint Handle => _rk;

    /// <summary>Records acknowledged by the brokers, and records given up.</summary>
    public long Delivered { get; private set; }

    public long Failed { get; private set; }

    /// <summary>Records and requests that wait or are under way.</summary>
    public int Queued => NativeKafka.rd_kafka_outq_len(_rk);

    /// <summary>Handle of a topic for <see cref="TryProduce"/>; made once, kept.</summary>
    public nint Topic(string name)
    {
        if (_topics.TryGetValue(name, out nint topic)) return topic;
        topic = NativeKafka.rd_kafka_topic_new(_rk, name, 0);
        if (topic == 0) throw new KafkaException($"\"{name}\" is no topic name that librdkafka takes");
        _topics.Add(name, topic);
        return topic;
    }

    /// <summary>Queues one record.</summary>
    /// <param name="partition">−1: by the key.</param>
    /// <param name="timestampMs">The record's timestamp; 0 = now.</param>
    /// <param name="bornTicks"><see cref="Stopwatch"/> time from which its latency counts; 0 = none.</param>
    /// <returns>False when the queue is full.</returns>
    public bool TryProduce(nint topic, int partition, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long timestampMs = 0, long bornTicks = 0) =>
        TryProduce(topic, partition, key, value, timestampMs, bornTicks, null, 0);

    /// <summary>Serves delivery reports that are there.</summary>
    public void Poll(int timeoutMs = 0)
    {
        _sincePoll = 0;
        NativeKafka.rd_kafka_poll(_rk, timeoutMs);
    }

    /// <summary>Waits until everything is acknowledged.</summary>
    /// <exception cref="EmitException">Something was given up, or the time was not enough.</exception>
    public void Flush(TimeSpan timeout)
    {
        int error = NativeKafka.rd_kafka_flush(_rk, (int)Math.Min(timeout.TotalMilliseconds, int.MaxValue));
        if (_failure is { } failure)
        {
            _failure = null;
            throw new EmitException(failure);
        }

        if (error != KafkaError.None) throw new EmitException($"{Queued} records were not acknowledged within {timeout.TotalSeconds:0.#} s: {KafkaClient.ErrorText(error)}. Are the brokers up?");
    }

    /// <summary>What was given up belonged to an aborted transaction: it is written again.</summary>
    internal void ForgetFailure() => _failure = null;

    public void Dispose()
    {
        // What still waits is of no use to anybody: without this the end could wait for brokers that are gone.
        NativeKafka.rd_kafka_purge(_rk, NativeKafka.PurgeQueueAndFlight);
        foreach (nint topic in _topics.Values) NativeKafka.rd_kafka_topic_destroy(topic);
        NativeKafka.rd_kafka_destroy(_rk);
        _self.Free();
    }

    /// <summary>The same with headers.</summary>
    internal bool TryProduce(nint topic, int partition, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long timestampMs, long bornTicks, KafkaArgument* headers, int headerCount)
    {
        fixed (byte* keyAt = key, valueAt = value)
        {
            KafkaArgument* arguments = stackalloc KafkaArgument[7 + MostHeaders];
            arguments[0] = new KafkaArgument { Type = KafkaArgumentType.Topic, Pointer = topic };
            arguments[1] = new KafkaArgument { Type = KafkaArgumentType.Partition, Int32 = partition };
            arguments[2] = new KafkaArgument { Type = KafkaArgumentType.Flags, Int32 = NativeKafka.CopyPayload };
            arguments[3] = new KafkaArgument { Type = KafkaArgumentType.Key, Pointer = (nint)keyAt, Second = key.Length };
            arguments[4] = new KafkaArgument { Type = KafkaArgumentType.Value, Pointer = (nint)valueAt, Second = value.Length };
            arguments[5] = new KafkaArgument { Type = KafkaArgumentType.Opaque, Pointer = (nint)bornTicks };
            arguments[6] = new KafkaArgument { Type = KafkaArgumentType.Timestamp, Int64 = timestampMs };
            for (int i = 0; i < headerCount; i++) arguments[7 + i] = headers[i];
            nint error = NativeKafka.rd_kafka_produceva(_rk, arguments, (nuint)(7 + headerCount));
            if (error != 0) return Refused(topic, error);
        }

        if (++_sincePoll >= PollEvery) Poll();
        return true;
    }

    private bool Refused(nint topic, nint error)
    {
        int code = NativeKafka.rd_kafka_error_code(error);
        string text = KafkaClient.Take(error)!;
        Poll();
        if (code == KafkaError.QueueFull) return false;
        throw new EmitException($"topic {KafkaClient.Text(NativeKafka.rd_kafka_topic_name(topic))} does not take a record: {text}");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnDelivery(nint rk, KafkaMessage* message, nint opaque)
    {
        if (GCHandle.FromIntPtr(opaque).Target is KafkaProducer producer) producer.OnDelivery(message);
    }

    private void OnDelivery(KafkaMessage* message)
    {
        if (message->Error == KafkaError.None)
        {
            Delivered++;
            if (message->Opaque != 0) _latency?.Record(Stopwatch.GetTimestamp() - message->Opaque);
            return;
        }

        Failed++;
        _failure ??= $"topic {KafkaClient.Text(NativeKafka.rd_kafka_topic_name(message->Topic))}, partition {message->Partition}: a record could not be delivered: {KafkaClient.ErrorText(message->Error)}";
    }
}
