namespace FastIot.Kafka.Wire.Compression;

/// <summary>How a record batch's records are compressed: the lowest three bits of its attributes.</summary>
internal enum BatchCodec
{
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}

/// <summary>Names of the codecs, as Kafka's clients write them.</summary>
internal static class BatchCodecs
{
    public static bool TryParse(string name, out BatchCodec codec)
    {
        (bool known, codec) = name switch
        {
            "none" => (true, BatchCodec.None),
            "gzip" => (true, BatchCodec.Gzip),
            "snappy" => (true, BatchCodec.Snappy),
            "lz4" => (true, BatchCodec.Lz4),
            "zstd" => (true, BatchCodec.Zstd),
            _ => (false, BatchCodec.None),
        };
        return known;
    }
}

/// <summary>What was received is not what the codec writes, or becomes larger than allowed.</summary>
internal sealed class CompressionException(string message) : Exception(message);
