using System.Globalization;

namespace FastIot.Kafka.Wire;

/// <summary>What the direct fetch can be told, under librdkafka's names for it.</summary>
internal sealed record FetchOptions
{
    public required WireOptions Wire { get; init; }

    /// <summary>How long a broker waits for <see cref="LeastBytes"/>. A partition newly assigned waits as long at most to be asked for.</summary>
    public int WaitMs { get; init; } = 50;

    public int LeastBytes { get; init; } = 1;

    /// <summary>Of one answer.</summary>
    public int MostBytes { get; init; } = 8 << 20;

    /// <summary>Of one partition in an answer. A larger batch comes all the same.</summary>
    public int MostPartitionBytes { get; init; } = 1 << 20;

    /// <summary>Nothing of transactions that are undecided or aborted.</summary>
    public bool ReadCommitted { get; init; } = true;

    /// <summary>Reads the properties. Those of the group are librdkafka's in any case.</summary>
    /// <returns>Null with the reason where one of them asks for what only librdkafka does.</returns>
    public static FetchOptions? From(KafkaOptions options, out string reason)
    {
        reason = "";
        var result = new FetchOptions { Wire = new WireOptions { Bootstrap = BrokerAddress.ParseAll(options.Bootstrap) } };
        foreach ((string name, string value) in options.Properties)
        {
            if (KafkaClient.IsProducerOnly(name) || IsOfGroup(name)) continue;
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

    /// <summary>Membership, queues and reconnecting: librdkafka's part of the work, or without meaning for the rest.</summary>
    private static bool IsOfGroup(string name) => name is "check.crcs" or "fetch.error.backoff.ms" or "fetch.queue.backoff.ms" or "fetch.message.max.bytes"
        || name.StartsWith("group.", StringComparison.Ordinal) || name.StartsWith("session.timeout", StringComparison.Ordinal)
        || name.StartsWith("heartbeat.", StringComparison.Ordinal) || name.StartsWith("max.poll.", StringComparison.Ordinal)
        || name.StartsWith("partition.assignment", StringComparison.Ordinal) || name.StartsWith("queued.", StringComparison.Ordinal)
        || name.StartsWith("enable.auto", StringComparison.Ordinal) || name.StartsWith("auto.offset", StringComparison.Ordinal)
        || name.StartsWith("reconnect.", StringComparison.Ordinal) || name.StartsWith("topic.metadata.", StringComparison.Ordinal);

    private FetchOptions? With(string name, string value) => name switch
    {
        "client.id" => this with { Wire = Wire with { ClientId = value } },
        "fetch.wait.max.ms" => Number(value, 0, 300_000) is { } ms ? this with { WaitMs = ms } : null,
        "fetch.min.bytes" => Number(value, 1, 100_000_000) is { } bytes ? this with { LeastBytes = bytes } : null,
        "fetch.max.bytes" => Number(value, 1, 1 << 29) is { } bytes ? this with { MostBytes = bytes } : null,
        "max.partition.fetch.bytes" => Number(value, 1, 1 << 29) is { } bytes ? this with { MostPartitionBytes = bytes } : null,
        "isolation.level" => value is "read_committed" or "read_uncommitted" ? this with { ReadCommitted = value == "read_committed" } : null,
        "socket.timeout.ms" => Number(value, 10, 300_000) is { } ms ? this with { Wire = Wire with { RequestTimeout = TimeSpan.FromMilliseconds(ms) } } : null,
        "socket.connection.setup.timeout.ms" => Number(value, 1000, 300_000) is { } ms ? this with { Wire = Wire with { ConnectTimeout = TimeSpan.FromMilliseconds(ms) } } : null,
        "retry.backoff.ms" => Number(value, 1, 300_000) is { } ms ? this with { Wire = Wire with { RetryBackoff = TimeSpan.FromMilliseconds(ms) } } : null,
        "retry.backoff.max.ms" => this,
        "security.protocol" => value.Equals("plaintext", StringComparison.OrdinalIgnoreCase) ? this : null,
        _ => null,
    };

    private static int? Number(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most ? number : null;
}
