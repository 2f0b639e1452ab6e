using System.Buffers.Text;
using System.Text;
using FastIot.Kafka;
using FastIot.Observe;
using Microsoft.Extensions.Logging;

namespace FastIot.Emit;

/// <summary>
/// Anomalies, dead letters and late readings to their topics. Dead letters and late readings keep their bytes and key, and say in headers
/// where they came from: reason, topic, partition, offset, index.
/// </summary>
public sealed unsafe class KafkaSink : IRecordSink
{
    private const int Headers = 5;
    private const int NumberBytes = 20;

    private readonly KafkaProducer _producer;
    private readonly nint _anomalies;
    private readonly nint _deadLetters;
    private readonly nint _late;
    private readonly NativeArray<byte> _names;
    private readonly int[] _nameAt = new int[Headers];
    private readonly byte[] _topic;

    public KafkaSink(KafkaOptions options, LatencyHistogram? latency, ILogger log)
        : this(options, new KafkaProducer(options, [new("linger.ms", "5"), new("delivery.timeout.ms", "30000"), new("message.max.bytes", "9437184")], latency, log))
    {
    }

    /// <param name="producer">Disposed with the sink.</param>
    internal KafkaSink(KafkaOptions options, KafkaProducer producer)
    {
        _producer = producer;
        _anomalies = _producer.Topic(options.AnomalyTopic);
        _deadLetters = _producer.Topic(options.DeadLetterTopic);
        if (options.LateTopic is { } late) _late = _producer.Topic(late);
        _topic = Encoding.UTF8.GetBytes(options.RawTopic);
        string[] names = ["reason", "topic", "partition", "offset", "index"];
        byte[] bytes = Encoding.UTF8.GetBytes(string.Concat(names.Select(n => n + "\0")));
        _names = new NativeArray<byte>(bytes.Length);
        bytes.CopyTo(_names.Span);
        for (int i = 1; i < Headers; i++) _nameAt[i] = _nameAt[i - 1] + names[i - 1].Length + 1;
    }

    public bool TryWriteAnomaly(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long bornTicks) =>
        _producer.TryProduce(_anomalies, -1, key, value, 0, bornTicks);

    public bool TryWriteReading(OutputTopic topic, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in Provenance provenance)
    {
        nint to = topic == OutputTopic.DeadLetters ? _deadLetters : _late;
        if (to == 0) return true;
        byte* numbers = stackalloc byte[3 * NumberBytes];
        fixed (byte* reason = provenance.Reason, source = _topic)
        {
            KafkaArgument* headers = stackalloc KafkaArgument[Headers];
            headers[0] = Header(0, reason, provenance.Reason.Length);
            headers[1] = Header(1, source, _topic.Length);
            headers[2] = Header(2, numbers, Number(numbers, provenance.Partition));
            headers[3] = Header(3, numbers + NumberBytes, Number(numbers + NumberBytes, provenance.Offset));
            headers[4] = Header(4, numbers + 2 * NumberBytes, Number(numbers + 2 * NumberBytes, provenance.Index));
            return _producer.TryProduce(to, -1, key, value, 0, 0, headers, Headers);
        }
    }

    public void Poll() => _producer.Poll();

    public void Flush(TimeSpan timeout) => _producer.Flush(timeout);

    public void Dispose()
    {
        _producer.Dispose();
        _names.Dispose();
    }

    private static int Number(byte* at, long value)
    {
        Utf8Formatter.TryFormat(value, new Span<byte>(at, NumberBytes), out int written);
        return written;
    }

    private KafkaArgument Header(int name, byte* value, int length) =>
        new() { Type = KafkaArgumentType.Header, Pointer = (nint)(_names.Pointer + _nameAt[name]), Second = (nint)value, Third = length };
}
