using FastIot.Kafka.Wire;

namespace FastIot.Tests.Kafka.Wire;

public sealed class Crc32CTests
{
    [Fact]
    public void It_is_the_one_of_iSCSI()
    {
        // RFC 3720, B.4.
        Assert.Equal(0xE3069283u, Crc32C.Of("123456789"u8));
        Assert.Equal(0x8A9136AAu, Crc32C.Of(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Of(Enumerable.Repeat((byte)0xFF, 32).ToArray()));
    }

    [Fact]
    public void Stripes_are_joined_at_every_length()
    {
        byte[] bytes = new byte[10_000];
        new Random(TestSeed.Or(3)).NextBytes(bytes);
        uint slow = ~0u;
        for (int length = 0; length <= bytes.Length; length++)
        {
            Assert.Equal(~slow, Crc32C.Of(bytes.AsSpan(0, length)));
            if (length == bytes.Length) break;
            slow ^= bytes[length];
            for (int bit = 0; bit < 8; bit++) slow = (slow & 1) != 0 ? slow >> 1 ^ 0x82F63B78 : slow >> 1;
        }
    }
}
