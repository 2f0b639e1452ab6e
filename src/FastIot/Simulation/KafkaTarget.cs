using FastIot.Kafka;
using Microsoft.Extensions.Logging;

namespace FastIot.Simulation;

/// <summary>Readings into a topic through librdkafka, partitioned by key as every other client does it.</summary>
public sealed class KafkaTarget : IReadingTarget
{
    private readonly KafkaProducer _producer;
    private readonly nint _topic;

    public KafkaTarget(KafkaOptions options, ILogger log)
    {
        _producer = new KafkaProducer(options, [new("delivery.report.only.error", "true"), new("linger.ms", "20"), new("batch.num.messages", "10000"), new("batch.size", "1000000"), new("queue.buffering.max.messages", "200000"), new("queue.buffering.max.kbytes", "131072")], null, log);
        _topic = _producer.Topic(options.RawTopic);
    }

    public bool TryWrite(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long timestampMs) => _producer.TryProduce(_topic, -1, key, value, timestampMs);

    public void Poll() => _producer.Poll();

    public void Wait() => _producer.Poll(10);

    public void Flush(TimeSpan timeout) => _producer.Flush(timeout);

    public void Dispose() => _producer.Dispose();
}
