using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace FastIot.Kafka;

/// <summary>What consumer and producer share: creation, properties, logs, error texts.</summary>
internal static unsafe partial class KafkaClient
{
    private const int ErrorBytes = 512;

    /// <summary>Properties that only one of the two knows; given for all, they are left out for the other, as Confluent's clients do.</summary>
    private static readonly string[] s_consumerOnly = ["fetch.", "queued.", "group.", "session.timeout", "heartbeat.", "max.poll.", "auto.offset", "partition.assignment", "isolation.", "enable.auto", "check.crcs"];
    private static readonly string[] s_producerOnly = ["queue.buffering", "linger.ms", "batch.", "compression.", "acks", "enable.idempotence", "partitioner", "delivery.timeout", "message.timeout", "transactional.", "transaction.", "request.required.acks", "retries", "message.send.max.retries"];

    /// <summary>Sets the properties one after the other: later ones win.</summary>
    /// <exception cref="KafkaException">A property librdkafka does not know or take.</exception>
    public static nint Configuration(int type, IEnumerable<KeyValuePair<string, string>> properties)
    {
        nint conf = NativeKafka.rd_kafka_conf_new();
        byte* error = stackalloc byte[ErrorBytes];
        foreach ((string name, string value) in properties)
        {
            if (BelongsTo(name, type == NativeKafka.Producer ? s_consumerOnly : s_producerOnly)) continue;
            if (NativeKafka.rd_kafka_conf_set(conf, name, value, error, ErrorBytes) == 0) continue;
            NativeKafka.rd_kafka_conf_destroy(conf);
            throw new KafkaException($"Kafka property {name}: {Text((nint)error)} (see librdkafka's CONFIGURATION.md)");
        }

        NativeKafka.rd_kafka_conf_set_log_cb(conf, &OnLog);
        return conf;
    }

    /// <summary>Takes over the configuration.</summary>
    public static nint Create(int type, nint conf)
    {
        byte* error = stackalloc byte[ErrorBytes];
        nint rk = NativeKafka.rd_kafka_new(type, conf, error, ErrorBytes);
        if (rk != 0) return rk;
        NativeKafka.rd_kafka_conf_destroy(conf);
        throw new KafkaException($"Kafka client cannot be created: {Text((nint)error)}");
    }

    public static string Text(nint utf8) => Marshal.PtrToStringUTF8(utf8) ?? "";

    public static string ErrorText(int code) => Text(NativeKafka.rd_kafka_err2str(code));

    /// <summary>Frees the error object.</summary>
    /// <returns>Its text; null where there is none.</returns>
    public static string? Take(nint error)
    {
        if (error == 0) return null;
        string text = Text(NativeKafka.rd_kafka_error_string(error));
        NativeKafka.rd_kafka_error_destroy(error);
        return text;
    }

    /// <summary>A property as it may be shown: secrets are not.</summary>
    public static string Masked(string name, string value) =>
        name + "=" + (name.StartsWith("sasl.", StringComparison.Ordinal) || name.StartsWith("ssl.", StringComparison.Ordinal) ? "…" : value);

    /// <summary>Whether a property means nothing to a producer.</summary>
    public static bool IsConsumerOnly(string property) => BelongsTo(property, s_consumerOnly);

    /// <summary>Whether a property means nothing to a consumer.</summary>
    public static bool IsProducerOnly(string property) => BelongsTo(property, s_producerOnly);

    private static bool BelongsTo(string name, string[] prefixes) => Array.Exists(prefixes, p => name.StartsWith(p, StringComparison.Ordinal));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnLog(nint rk, int level, byte* facility, byte* text)
    {
        nint opaque = NativeKafka.rd_kafka_opaque(rk);
        if (opaque == 0 || GCHandle.FromIntPtr(opaque).Target is not IKafkaLog { Log: var log }) return;
        // syslog levels: up to 3 errors, 4 warnings, 5 and 6 information.
        if (level <= 3) LogWarning(log, Text((nint)facility), Text((nint)text));
        else LogDebug(log, Text((nint)facility), Text((nint)text));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "librdkafka {facility}: {text}")]
    private static partial void LogWarning(ILogger log, string facility, string text);

    [LoggerMessage(Level = LogLevel.Debug, Message = "librdkafka {facility}: {text}")]
    private static partial void LogDebug(ILogger log, string facility, string text);
}

/// <summary>Who a client's callbacks reach by its opaque pointer.</summary>
internal interface IKafkaLog
{
    ILogger Log { get; }
}
