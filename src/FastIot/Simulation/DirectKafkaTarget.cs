using FastIot.Kafka;
using FastIot.Kafka.Wire;
using Microsoft.Extensions.Logging;

namespace FastIot.Simulation;

/// <summary>Which client readings are produced by.</summary>
public enum ProduceMode
{
    /// <summary>The direct one, unless something is asked for that only librdkafka has.</summary>
    Auto,
    Direct,
    Librdkafka,
}

/// <summary>Readings into a topic by FastIot's own producer.</summary>
public sealed partial class DirectKafkaTarget : IReadingTarget
{
    private static readonly TimeSpan s_wait = TimeSpan.FromMilliseconds(10);

    private readonly DirectProducer _producer;

    private DirectKafkaTarget(DirectProducer producer) => _producer = producer;

    /// <summary>A target for the raw topic by the chosen client.</summary>
    /// <exception cref="KafkaException">The brokers cannot be reached or refuse, or the direct producer was asked for and cannot do it.</exception>
    public static IReadingTarget Open(KafkaOptions options, ProduceMode mode, ILogger log)
    {
        if (mode == ProduceMode.Librdkafka) return new KafkaTarget(options, log);
        string reason;
        try
        {
            if (DirectProducerOptions.From(options, out reason) is { } direct) return new DirectKafkaTarget(new DirectProducer(direct, options.RawTopic, log));
        }
        catch (WireRefusedException e)
        {
            reason = e.Message;
        }

        if (mode == ProduceMode.Direct) throw new KafkaException($"the direct producer cannot be used: {reason}. Leave the choice to auto, or take librdkafka");
        FallBack(log, reason);
        return new KafkaTarget(options, log);
    }

    public bool TryWrite(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long timestampMs) => _producer.TryProduce(key, value, timestampMs);

    public void Poll() => _producer.Poll();

    public void Wait() => _producer.WaitForRoom(s_wait);

    public void Flush(TimeSpan timeout) => _producer.Flush(timeout);

    public void Dispose() => _producer.Dispose();

    [LoggerMessage(Level = LogLevel.Information, Message = "producing through librdkafka: {reason} is beyond the direct producer")]
    private static partial void FallBack(ILogger log, string reason);
}
