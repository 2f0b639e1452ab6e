using System.Buffers.Binary;

namespace FastIot.Kafka;

/// <summary>The hash by which Java's producer, and librdkafka's murmur2_random, choose a key's partition.</summary>
public static class Murmur2
{
    private const uint Seed = 0x9747b28c;
    private const uint M = 0x5bd1e995;

    public static int Partition(ReadOnlySpan<byte> key, int partitions) => (int)((Hash(key) & 0x7fffffff) % (uint)partitions);

    public static uint Hash(ReadOnlySpan<byte> key)
    {
        uint h = Seed ^ (uint)key.Length;
        for (; key.Length >= 4; key = key[4..])
        {
            uint k = BinaryPrimitives.ReadUInt32LittleEndian(key) * M;
            k = (k ^ k >> 24) * M;
            h = h * M ^ k;
        }

        if (key.Length >= 3) h ^= (uint)key[2] << 16;
        if (key.Length >= 2) h ^= (uint)key[1] << 8;
        if (key.Length >= 1) h = (h ^ key[0]) * M;
        h = (h ^ h >> 13) * M;
        return h ^ h >> 15;
    }
}
