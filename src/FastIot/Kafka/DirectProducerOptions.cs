using System.Globalization;
using FastIot.Kafka.Wire;
using FastIot.Kafka.Wire.Compression;

namespace FastIot.Kafka;

/// <summary>What the direct producer can be told, under librdkafka's names for it.</summary>
internal sealed record DirectProducerOptions
{
    public required WireOptions Wire { get; init; }

    public BatchCodec Codec { get; init; } = BatchCodec.Lz4;

    /// <summary>Of gzip and zstd; 0 = the fastest.</summary>
    public int Level { get; init; }

    /// <summary>Bytes of a batch before compression.</summary>
    public int BatchBytes { get; init; } = 1 << 18;

    /// <summary>How long a batch that is not full waits for more.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>From a batch's end to its acknowledgement, retries included.</summary>
    public TimeSpan DeliveryTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Memory for batches that wait or are under way.</summary>
    public long BufferBytes { get; init; } = 64L << 20;

    /// <summary>Reads the properties.</summary>
    /// <returns>Null with the reason where one of them asks for what only librdkafka does.</returns>
    public static DirectProducerOptions? From(KafkaOptions options, out string reason)
    {
        reason = "";
        var result = new DirectProducerOptions { Wire = new WireOptions { Bootstrap = BrokerAddress.ParseAll(options.Bootstrap) } };
        foreach ((string name, string value) in options.Properties)
        {
            if (KafkaClient.IsConsumerOnly(name)) continue;
            if (result.With(name, value) is { } next)
            {
                result = next;
                continue;
            }

            reason = KafkaClient.Masked(name, value);
            return null;
        }

        return result;
    }

    private DirectProducerOptions? With(string name, string value) => name switch
    {
        "client.id" => this with { Wire = Wire with { ClientId = value } },
        "compression.type" or "compression.codec" => BatchCodecs.TryParse(value, out BatchCodec codec) ? this with { Codec = codec } : null,
        "compression.level" => Number(value, -1, 22) is { } level ? this with { Level = Math.Max((int)level, 0) } : null,
        "batch.size" => Number(value, 1, 1 << 24) is { } bytes ? this with { BatchBytes = (int)Math.Max(bytes, 1 << 10) } : null,
        "linger.ms" or "queue.buffering.max.ms" => Number(value, 0, 900_000) is { } ms ? this with { Linger = TimeSpan.FromMilliseconds(ms) } : null,
        "message.timeout.ms" or "delivery.timeout.ms" => Number(value, 1, int.MaxValue) is { } ms ? this with { DeliveryTimeout = TimeSpan.FromMilliseconds(ms) } : null,
        "request.timeout.ms" or "socket.timeout.ms" => Number(value, 1, 900_000) is { } ms ? this with { Wire = Wire with { RequestTimeout = TimeSpan.FromMilliseconds(ms) } } : null,
        "socket.connection.setup.timeout.ms" => Number(value, 1, 900_000) is { } ms ? this with { Wire = Wire with { ConnectTimeout = TimeSpan.FromMilliseconds(ms) } } : null,
        "retry.backoff.ms" => Number(value, 1, 300_000) is { } ms ? this with { Wire = Wire with { RetryBackoff = TimeSpan.FromMilliseconds(ms) } } : null,
        "queue.buffering.max.kbytes" => Number(value, 1, 1 << 21) is { } kilobytes ? this with { BufferBytes = (long)kilobytes << 10 } : null,
        "acks" or "request.required.acks" => value is "all" or "-1" ? this : null,
        "enable.idempotence" => value == "true" ? this : null,
        "security.protocol" => value.Equals("plaintext", StringComparison.OrdinalIgnoreCase) ? this : null,
        "partitioner" => value is "murmur2_random" or "murmur2" ? this : null,
        _ => null,
    };

    private static double? Number(string text, double least, double most) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= least && number <= most ? number : null;
}
