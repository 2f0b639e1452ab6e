using System.Globalization;

namespace FastIot.Kafka.Wire;

/// <summary>Where a broker listens.</summary>
internal sealed record BrokerAddress(string Host, int Port)
{
    private const int DefaultPort = 9092;

    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    /// <summary>Reads host[:port][,…]; IPv6 addresses in brackets, a protocol before <c>://</c> passed over, as librdkafka does.</summary>
    public static BrokerAddress[] ParseAll(string bootstrap) =>
        [.. bootstrap.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Parse)];

    private static BrokerAddress Parse(string text)
    {
        string address = text.Contains("://", StringComparison.Ordinal) ? text[(text.IndexOf("://", StringComparison.Ordinal) + 3)..] : text;
        int colon = address.LastIndexOf(':');
        bool hasPort = colon > 0 && colon > address.LastIndexOf(']') && (address[0] == '[' || address.IndexOf(':') == colon);
        string host = hasPort ? address[..colon] : address;
        int port = DefaultPort;
        if (hasPort && !int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port))
            throw new WireRefusedException($"\"{text}\" is no broker address: it must be host:port");
        return new BrokerAddress(host.Trim('[', ']'), port);
    }
}
