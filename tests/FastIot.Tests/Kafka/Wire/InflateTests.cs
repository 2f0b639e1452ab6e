using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using FastIot.Bench;
using FastIot.Kafka.Wire;
using FastIot.Kafka.Wire.Compression;
using FastIot.Tests.Decode;

namespace FastIot.Tests.Kafka.Wire;

/// <summary>Our inflate against zlib-ng: what one takes the other takes with the same bytes, and what one refuses the other refuses.</summary>
public sealed unsafe class InflateTests : IDisposable
{
    private const int Most = 1 << 26;
    private const int TrailerBytes = 8;

    private readonly GzipDecompressor _ours = new();
    private readonly ZlibDecompressor _gzip = new();
    private readonly ZlibDecompressor _raw = new(ZlibDecompressor.Raw);
    private readonly ByteBuffer _made = new();
    private readonly ByteBuffer _expected = new();
    private readonly GuardedMemory _guarded = new(4096);

    private static ReadOnlySpan<byte> Header => [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];

    public void Dispose()
    {
        _ours.Dispose();
        _gzip.Dispose();
        _raw.Dispose();
        _made.Dispose();
        _expected.Dispose();
        _guarded.Dispose();
    }

    [Fact]
    public void Every_level_and_strategy_is_read()
    {
        foreach (byte[] data in CompressionTests.Samples(21).Append(Skewed(60_000)))
        {
            foreach (ZLibCompressionStrategy strategy in Enum.GetValues<ZLibCompressionStrategy>())
                for (int level = 0; level <= 9; level += data.Length > 3000 ? 3 : 1) AssertRead(data, Gzip(data, level, strategy));
        }
    }

    [Fact]
    public void Megabytes_are_read()
    {
        byte[] noise = new byte[3_000_000];
        new Random(TestSeed.Or(5)).NextBytes(noise);
        foreach (byte[] data in new[] { CompressionTests.Readings(40_000), noise, new byte[9_000_000] })
            foreach (int level in new[] { 0, 1, 6, 9 }) AssertRead(data, Gzip(data, level));
    }

    [Theory]
    [InlineData(ZLibCompressionStrategy.Default)]
    [InlineData(ZLibCompressionStrategy.Fixed)]
    [InlineData(ZLibCompressionStrategy.HuffmanOnly)]
    public void Wherever_it_is_cut_off_it_is_refused(ZLibCompressionStrategy strategy)
    {
        byte[] whole = Gzip([.. CompressionTests.Readings(25), .. new byte[300]], 6, strategy), stored = Gzip(CompressionTests.Readings(5), 0);
        foreach (byte[] compressed in new[] { whole, stored })
        {
            for (int length = 0; length < compressed.Length; length++)
            {
                Assert.Null(Ours(compressed.AsSpan(0, length)));
                Assert.Null(Expected(_gzip, compressed.AsSpan(0, length)));
            }

            Assert.NotNull(Ours(compressed));
        }
    }

    [Fact]
    public void What_is_damaged_has_the_outcome_of_zlib()
    {
        var random = new Random(TestSeed.Or(31));
        int taken = 0, refused = 0;
        byte[][] samples = [.. CompressionTests.Samples(22).Where(d => d.Length is > 10 and <= 3000), CompressionTests.Readings(40), Skewed(4000)];
        for (int i = 0; i < 30_000; i++)
        {
            byte[] deflate = Deflate(samples[random.Next(samples.Length)], random.Next(10), (ZLibCompressionStrategy)random.Next(5));
            if (deflate.Length == 0) continue;
            // Headers of blocks are few bytes, and full of rules.
            int within = random.Next(3) == 0 ? deflate.Length : Math.Min(deflate.Length, 80);
            for (int n = random.Next(1, 4); n > 0; n--) deflate[random.Next(within)] ^= (byte)(1 << random.Next(8));
            if (SameAsRaw(deflate)) taken++;
            else refused++;
        }

        Assert.True(taken > 1000 && refused > 10_000, $"{taken} taken, {refused} refused");
    }

    [Fact]
    public void Noise_has_the_outcome_of_zlib()
    {
        var random = new Random(TestSeed.Or(32));
        for (int i = 0; i < 50_000; i++)
        {
            byte[] noise = new byte[random.Next(1, 200)];
            random.NextBytes(noise);
            noise[0] = (byte)(noise[0] & ~6 | (i % 3 == 0 ? 2 : 4));
            SameAsRaw(noise);
        }
    }

    /// <summary>Blocks written bit by bit: what no compressor writes, on both sides of what is allowed.</summary>
    [Theory]
    [InlineData("3:7", false)] // a block type that does not exist
    [InlineData("3:3 7:0", true)] // the fixed code, nothing in it
    [InlineData("3:3 8:0C 8:63 7:0", false)] // symbol 286: a length that does not exist (11000110, first bit first)
    [InlineData("3:3 8:0C 7:40 5:00 7:0", true)] // a literal and a match of distance 1
    [InlineData("3:3 8:0C 7:40 5:10 7:0", false)] // distance 2, one byte back
    [InlineData("3:3 8:0C 7:40 5:0F 7:0", false)] // distance code 30
    [InlineData("3:3 8:0C 7:40 5:1F 7:0", false)] // distance code 31
    [InlineData("3:1 5:0 16:0 16:FFFF", true)] // stored, nothing in it
    [InlineData("3:1 5:0 16:1 16:FFFE 8:41", true)]
    [InlineData("3:1 5:0 16:1 16:FFFF 8:41", false)] // lengths that contradict each other
    [InlineData("3:1 5:0 16:9 16:FFF6 8:41", false)] // more than there is
    [InlineData("3:5 5:1E 5:0 4:0 64:0 64:0", false)] // 287 codes of lengths
    [InlineData("3:5 5:0 5:1E 4:0 64:0 64:0", false)] // 31 codes of distances
    [InlineData("3:5 5:0 5:0 4:0 3:0 3:0 3:0 3:0 64:0 64:0 64:0 64:0 64:0", false)] // no code of code lengths
    [InlineData("3:5 5:0 5:0 4:0 3:1 3:0 3:0 3:1 64:1 64:0", false)] // repeats before anything came
    [InlineData("3:5 5:0 5:0 4:0 3:0 3:0 3:1 3:0 64:0 64:0", false)] // one code of code lengths
    public void Blocks_at_the_edge_of_the_rules_have_the_outcome_of_zlib(string bits, bool taken) => Assert.Equal(taken, SameAsRaw(Bits(bits)));

    [Fact]
    public void A_code_may_have_one_symbol_or_for_distances_none()
    {
        // Code lengths 0, 18 and 1 in two, two and one bits; literal 0 and the end of the block have one bit each, and there is one distance code.
        const string Codes = "3:5 5:0 5:0 4:E 3:0 3:0 3:2 3:2 3:0 3:0 3:0 3:0 3:0 3:0 3:0 3:0 3:0 3:0 3:0 3:0 3:0 3:1 ";
        const string Lengths = "1:0 2:3 7:7F 2:3 7:6A ";
        Assert.True(SameAsRaw(Bits(Codes + Lengths + "1:0 1:0 1:0 1:0 1:1")));
        Assert.True(SameAsRaw(Bits(Codes + Lengths + "1:0 2:1 1:0 1:0 1:1")));
        // The end of the block alone, in one bit; the other bit is no symbol.
        Assert.True(SameAsRaw(Bits(Codes + "2:1 2:3 7:7F 2:3 7:6A 1:0 1:0 1:0")));
        Assert.False(SameAsRaw(Bits(Codes + "2:1 2:3 7:7F 2:3 7:6A 1:0 1:0 1:1")));
    }

    [Fact]
    public void Fields_of_the_header_are_passed_over_and_checked()
    {
        byte[] data = CompressionTests.Readings(3), plain = Gzip(data, 6);
        for (int flags = 0; flags < 256; flags++)
        {
            List<byte> bytes = [0x1F, 0x8B, 8, (byte)flags, 1, 2, 3, 4, 2, 3];
            if ((flags & 4) != 0) bytes.AddRange([5, 0, 9, 8, 7, 6, 5]);
            if ((flags & 8) != 0) bytes.AddRange("name\0"u8);
            if ((flags & 16) != 0) bytes.AddRange("a comment\0"u8);
            if ((flags & 2) != 0) bytes.AddRange(Crc32.Hash([.. bytes])[..2]);
            int header = bytes.Count;
            bytes.AddRange(plain[Header.Length..]);
            byte[] whole = [.. bytes];
            Assert.Equal(flags < 32, SameAsGzip(whole));
            for (int length = 0; length < header + 3; length++) Assert.False(SameAsGzip(whole.AsSpan(0, length)));
            for (int i = 0; i < header; i++)
            {
                whole[i] ^= 0x11;
                SameAsGzip(whole);
                whole[i] ^= 0x11;
            }
        }
    }

    [Fact]
    public void The_first_member_is_read_and_what_follows_left_out()
    {
        byte[] data = CompressionTests.Readings(700), member = Gzip(data, 6);
        // The last four bytes say that nothing, or far too much, comes out: the buffer grows, and is not taken at its word.
        foreach (byte[] rest in new byte[][] { [0], new byte[4], [255, 255, 255, 255], Gzip([1, 2, 3], 6), new byte[100] })
        {
            using var fresh = new ByteBuffer();
            byte[] whole = [.. member, .. rest];
            Assert.Equal(data, Read(whole, fresh, Most));
            Assert.True(SameAsGzip(whole));
        }
    }

    [Fact]
    public void A_checksum_or_length_that_is_wrong_is_refused()
    {
        byte[] whole = Gzip(CompressionTests.Readings(20), 6);
        for (int bit = 0; bit < TrailerBytes * 8; bit++)
        {
            whole[^(1 + bit / 8)] ^= (byte)(1 << bit % 8);
            Assert.False(SameAsGzip(whole));
            whole[^(1 + bit / 8)] ^= (byte)(1 << bit % 8);
        }

        Assert.True(SameAsGzip(whole));
    }

    [Fact]
    public void As_much_as_is_allowed_is_read_and_no_byte_more()
    {
        foreach (byte[] data in new[] { CompressionTests.Readings(900), new byte[200_000] })
        {
            foreach (int level in new[] { 0, 1, 6 })
            {
                byte[] compressed = Gzip(data, level);
                using var fresh = new ByteBuffer();
                Assert.Throws<CompressionException>(() => Read(compressed, fresh, data.Length - 1));
                Assert.Throws<CompressionException>(() => Read(compressed, fresh, 100));
                Assert.Equal(data, Read(compressed, fresh, data.Length));
            }
        }
    }

    /// <summary>The buffer ends, with the slack that it grants, where the forbidden page begins; and begins where one ends.</summary>
    [Fact]
    public void Nothing_is_written_outside_the_buffer()
    {
        foreach (byte[] data in CompressionTests.Samples(23).Where(d => d.Length <= 200_000).Append(Skewed(5000)))
        {
            foreach (int level in new[] { 0, 1, 6, 9 })
            {
                byte[] compressed = Gzip(data, level);
                foreach (bool atEnd in new[] { true, false })
                {
                    using var memory = new GuardedMemory();
                    var buffer = new ByteBuffer();
                    int capacity = data.Length + 261;
                    byte[] empty = new byte[capacity + ByteBuffer.Slack];
                    Pointer(buffer) = atEnd ? memory.AtEnd(empty) : memory.AtStart(empty);
                    Capacity(buffer) = capacity;
                    Assert.Equal(data, Read(compressed, buffer, data.Length));
                    Assert.Equal(capacity, buffer.Capacity);
                    Pointer(buffer) = null;
                    buffer.Dispose();
                }
            }
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<Pointer>k__BackingField")]
    private static extern ref byte* Pointer(ByteBuffer buffer);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<Capacity>k__BackingField")]
    private static extern ref int Capacity(ByteBuffer buffer);

    /// <summary>Bytes so unevenly frequent that their codes become as long as codes may be.</summary>
    private static byte[] Skewed(int length)
    {
        var random = new Random(3);
        byte[] data = new byte[length];
        for (int i = 0; i < length; i++)
        {
            int symbol = 0;
            while (symbol < 40 && random.Next(100) < 55) symbol++;
            data[i] = (byte)(random.Next(50) == 0 ? random.Next(256) : symbol);
        }

        return data;
    }

    private static byte[] Gzip(byte[] data, int level, ZLibCompressionStrategy strategy = ZLibCompressionStrategy.Default)
    {
        byte[] deflate = Deflate(data, level, strategy);
        return [.. Header, .. deflate, .. Trailer(data)];
    }

    private static byte[] Deflate(byte[] data, int level, ZLibCompressionStrategy strategy)
    {
        // An empty stream is written as nothing at all.
        if (data.Length == 0) return [3, 0];
        var target = new MemoryStream();
        using (var stream = new DeflateStream(target, new ZLibCompressionOptions { CompressionLevel = level, CompressionStrategy = strategy }, leaveOpen: true)) stream.Write(data);
        return target.ToArray();
    }

    private static byte[] Trailer(ReadOnlySpan<byte> data)
    {
        byte[] trailer = new byte[TrailerBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, Crc32.HashToUInt32(data));
        BinaryPrimitives.WriteInt32LittleEndian(trailer.AsSpan(4), data.Length);
        return trailer;
    }

    /// <summary>Numbers, each as its bits and its value in hexadecimal, lowest bit first.</summary>
    private static byte[] Bits(string numbers)
    {
        var bytes = new List<byte>();
        int at = 0;
        foreach (string[] number in numbers.Split(' ').Select(n => n.Split(':')))
        {
            ulong value = Convert.ToUInt64(number[1], 16);
            for (int i = 0; i < int.Parse(number[0], null); i++, at++)
            {
                if (at % 8 == 0) bytes.Add(0);
                bytes[^1] |= (byte)((value >> i & 1) << at % 8);
            }
        }

        return [.. bytes];
    }

    private void AssertRead(byte[] data, byte[] compressed)
    {
        Assert.True(data.AsSpan().SequenceEqual(Ours(compressed)), $"{data.Length} bytes differ");
        using var stream = new GZipStream(new MemoryStream(compressed), CompressionMode.Decompress);
        var target = new MemoryStream();
        stream.CopyTo(target);
        Assert.True(data.AsSpan().SequenceEqual(target.ToArray()), "the sample is not what it should be");
    }

    /// <summary>Deflate in a frame that is right for what zlib reads out of it, so that only the blocks decide.</summary>
    private bool SameAsRaw(byte[] deflate)
    {
        byte[]? expected = Expected(_raw, deflate);
        byte[] framed = [.. Header, .. deflate.AsSpan(0, expected == null ? deflate.Length : _raw.Used), .. Trailer(expected)];
        Assert.Equal(expected != null, SameAsGzip(framed));
        return expected != null;
    }

    private bool SameAsGzip(ReadOnlySpan<byte> compressed)
    {
        byte[]? expected = Expected(_gzip, compressed);
        Assert.Equal(expected, Ours(compressed));
        return expected != null;
    }

    private byte[]? Expected(ZlibDecompressor zlib, ReadOnlySpan<byte> compressed)
    {
        fixed (byte* source = compressed)
        {
            try
            {
                int length = zlib.Decompress(source, compressed.Length, _expected, Most);
                return new Span<byte>(_expected.Pointer, length).ToArray();
            }
            catch (CompressionException)
            {
                return null;
            }
        }
    }

    /// <summary>Read where nothing may be read behind it, and where nothing may be read before it.</summary>
    private byte[]? Ours(ReadOnlySpan<byte> compressed)
    {
        byte[]? atEnd = Ours(_guarded.AtEnd(compressed), compressed.Length);
        if (compressed.Length < 4096) Assert.Equal(atEnd, Ours(_guarded.AtStart(compressed), compressed.Length));
        return atEnd;
    }

    private byte[]? Ours(byte* source, int length)
    {
        try
        {
            int made = _ours.Decompress(source, length, _made, Most);
            return new Span<byte>(_made.Pointer, made).ToArray();
        }
        catch (CompressionException)
        {
            return null;
        }
    }

    private byte[] Read(byte[] compressed, ByteBuffer buffer, int most)
    {
        fixed (byte* source = compressed)
        {
            int length = _ours.Decompress(source, compressed.Length, buffer, most);
            return new Span<byte>(buffer.Pointer, length).ToArray();
        }
    }
}
