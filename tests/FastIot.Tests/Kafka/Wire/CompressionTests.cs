using System.IO.Compression;
using System.Text;
using FastIot.Kafka.Wire;
using FastIot.Kafka.Wire.Compression;
using FastIot.Tests.Decode;
using K4os.Compression.LZ4.Streams;

namespace FastIot.Tests.Kafka.Wire;

/// <summary>Our codecs against other people's, both ways; and against what is no compressed data at all.</summary>
public sealed unsafe class CompressionTests : IDisposable
{
    private const int Most = 1 << 24;

    private readonly ByteBuffer _made = new();
    private readonly BatchDecompressor _decompressor = new();

    public static TheoryData<string> Codecs => ["Gzip", "Snappy", "Lz4", "Zstd"];

    public void Dispose()
    {
        _made.Dispose();
        _decompressor.Dispose();
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void What_is_compressed_here_others_read(string name)
    {
        BatchCodec codec = Enum.Parse<BatchCodec>(name);
        using var compressor = new BatchCompressor(codec, 0);
        foreach (byte[] data in Samples(7))
        {
            byte[] compressed = Compress(compressor, data);
            Assert.Equal(data, OthersDecompress(codec, compressed));
            Assert.Equal(data, Decompress(codec, compressed));
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void What_others_compress_is_read_here(string name)
    {
        BatchCodec codec = Enum.Parse<BatchCodec>(name);
        foreach (byte[] data in Samples(8))
        {
            foreach (byte[] compressed in OthersCompress(codec, data)) Assert.Equal(data, Decompress(codec, compressed));
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Damaged_data_is_an_error_or_other_bytes_never_a_read_or_write_beyond(string name)
    {
        BatchCodec codec = Enum.Parse<BatchCodec>(name);
        using var guarded = new GuardedMemory();
        using var compressor = new BatchCompressor(codec, 0);
        var random = new Random(TestSeed.Or(11));
        int errors = 0;
        foreach (byte[] data in Samples(9).Where(d => d.Length <= 3000))
        {
            byte[] whole = Compress(compressor, data);
            for (int i = 0; i < 200; i++)
            {
                byte[] damaged = whole[..random.Next(random.Next(2) == 0 ? whole.Length + 1 : Math.Min(40, whole.Length + 1))];
                if (damaged.Length > 0 && random.Next(4) > 0)
                    for (int n = random.Next(1, 6); n > 0; n--) damaged[random.Next(damaged.Length)] = (byte)(random.Next(3) == 0 ? 255 : random.Next(256));
                try
                {
                    int length = _decompressor.Decompress(codec, guarded.AtEnd(damaged), damaged.Length, _made, 1 << 16);
                    Assert.InRange(length, 0, 1 << 16);
                }
                catch (CompressionException)
                {
                    errors++;
                }
            }
        }

        Assert.True(errors > 1000, $"{errors} errors");
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void What_becomes_too_large_is_refused(string name)
    {
        BatchCodec codec = Enum.Parse<BatchCodec>(name);
        using var compressor = new BatchCompressor(codec, 0);
        byte[] compressed = Compress(compressor, new byte[300_000]);
        Assert.Throws<CompressionException>(() => Decompress(codec, compressed, 299_999));
        Assert.Equal(300_000, Decompress(codec, compressed, 300_000).Length);
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Warm_codecs_allocate_nothing(string name)
    {
        BatchCodec codec = Enum.Parse<BatchCodec>(name);
        using var compressor = new BatchCompressor(codec, 0);
        byte[] data = Readings(500);
        using var source = new ByteBuffer();
        using var compressed = new ByteBuffer();
        source.Reserve(data.Length);
        data.CopyTo(new Span<byte>(source.Pointer, data.Length));
        compressed.Reserve(compressor.Bound(data.Length));
        long before = 0;
        for (int i = 0; i < 20; i++)
        {
            if (i == 10) before = GC.GetAllocatedBytesForCurrentThread();
            int length = compressor.Compress(source.Pointer, data.Length, compressed.Pointer, compressor.Bound(data.Length));
            _decompressor.Decompress(codec, compressed.Pointer, length, _made, Most);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Lz4_blocks_that_refer_to_earlier_ones_are_read()
    {
        byte[] data = [.. Readings(2000), .. Readings(2000)];
        var target = new MemoryStream();
        var settings = new LZ4EncoderSettings { ChainBlocks = true, BlockSize = 1 << 16, ContentChecksum = true };
        using (LZ4EncoderStream stream = LZ4Stream.Encode(target, settings, leaveOpen: true)) stream.Write(data);
        Assert.Equal(data, Decompress(BatchCodec.Lz4, target.ToArray()));
    }

    [Fact]
    public void Snappy_in_the_chunks_of_Java_is_read()
    {
        byte[] data = Readings(700);
        byte[] header = [0x82, .. "SNAPPY\0"u8, 0, 0, 0, 1, 0, 0, 0, 1];
        var chunks = new List<byte>(header);
        foreach (byte[] chunk in data.Chunk(1 << 15))
        {
            byte[] compressed = Snappier.Snappy.CompressToArray(chunk);
            chunks.AddRange([(byte)(compressed.Length >> 24), (byte)(compressed.Length >> 16), (byte)(compressed.Length >> 8), (byte)compressed.Length, .. compressed]);
        }

        Assert.Equal(data, Decompress(BatchCodec.Snappy, [.. chunks]));
    }

    /// <summary>The wire format's own data, and others that the formats' corner cases come up in.</summary>
    internal static IEnumerable<byte[]> Samples(int seed)
    {
        var random = new Random(TestSeed.Or(seed));
        for (int length = 0; length < 80; length++) yield return [.. Enumerable.Range(0, length).Select(_ => (byte)random.Next(length % 3 == 0 ? 2 : 256))];
        foreach (int count in new[] { 1, 7, 300, 3000 }) yield return Readings(count);
        foreach (int length in new[] { 1000, 65_535, 65_536, 65_537, 200_000 })
        {
            yield return new byte[length];
            byte[] noise = new byte[length];
            random.NextBytes(noise);
            yield return noise;
            // Repetitions at all distances, of all lengths, some overlapping themselves.
            var text = new List<byte>();
            while (text.Count < length)
            {
                if (text.Count == 0 || random.Next(3) == 0) text.AddRange(Enumerable.Range(0, random.Next(1, 40)).Select(_ => (byte)random.Next(256)));
                int distance = random.Next(1, Math.Min(text.Count, random.Next(2) == 0 ? 20 : 65_535) + 1);
                for (int n = random.Next(1, random.Next(8) == 0 ? 1000 : 90); n > 0; n--) text.Add(text[^distance]);
            }

            yield return [.. text];
        }
    }

    internal static byte[] Readings(int count)
    {
        var random = new Random(count);
        return Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, count).Select(i =>
            $"{{\"sensor_id\":\"sensor_{i % 500:D6}\",\"timestamp\":\"2026-11-01T00:00:{i % 60:D2}.{random.Next(1_000_000):D6}Z\",\"metric\":\"temperature\",\"value\":{random.Next(10_000) / 100.0},\"meta\":{{\"unit\":\"celsius\"}}}}")));
    }

    private static byte[] Compress(BatchCompressor compressor, byte[] data)
    {
        using var source = new ByteBuffer();
        using var target = new ByteBuffer();
        source.Reserve(Math.Max(data.Length, 1));
        data.CopyTo(new Span<byte>(source.Pointer, data.Length));
        int bound = compressor.Bound(data.Length);
        target.Reserve(bound);
        int length = compressor.Compress(source.Pointer, data.Length, target.Pointer, bound);
        Assert.InRange(length, 1, bound);
        return new Span<byte>(target.Pointer, length).ToArray();
    }

    private byte[] Decompress(BatchCodec codec, byte[] compressed, int most = Most)
    {
        fixed (byte* source = compressed)
        {
            int length = _decompressor.Decompress(codec, source, compressed.Length, _made, most);
            return new Span<byte>(_made.Pointer, length).ToArray();
        }
    }

    private static byte[] OthersDecompress(BatchCodec codec, byte[] compressed)
    {
        var target = new MemoryStream();
        switch (codec)
        {
            case BatchCodec.Gzip:
                using (var gzip = new GZipStream(new MemoryStream(compressed), CompressionMode.Decompress)) gzip.CopyTo(target);
                return target.ToArray();
            case BatchCodec.Lz4:
                using (LZ4DecoderStream lz4 = LZ4Stream.Decode(new MemoryStream(compressed))) lz4.CopyTo(target);
                return target.ToArray();
            case BatchCodec.Snappy:
                return Snappier.Snappy.DecompressToArray(compressed);
            default:
                using (var zstd = new ZstdSharp.DecompressionStream(new MemoryStream(compressed))) zstd.CopyTo(target);
                return target.ToArray();
        }
    }

    private static IEnumerable<byte[]> OthersCompress(BatchCodec codec, byte[] data)
    {
        switch (codec)
        {
            case BatchCodec.Gzip:
                foreach (CompressionLevel level in new[] { CompressionLevel.Fastest, CompressionLevel.SmallestSize, CompressionLevel.NoCompression })
                {
                    var target = new MemoryStream();
                    using (var gzip = new GZipStream(target, level, leaveOpen: true)) gzip.Write(data);
                    // An empty stream is written as nothing at all.
                    if (target.Length > 0) yield return target.ToArray();
                }

                break;
            case BatchCodec.Lz4:
                foreach (bool chained in new[] { false, true })
                {
                    foreach (var level in new[] { K4os.Compression.LZ4.LZ4Level.L00_FAST, K4os.Compression.LZ4.LZ4Level.L09_HC })
                    {
                        var target = new MemoryStream();
                        var settings = new LZ4EncoderSettings { ChainBlocks = chained, BlockSize = chained ? 1 << 18 : 1 << 16, CompressionLevel = level };
                        using (LZ4EncoderStream stream = LZ4Stream.Encode(target, settings, leaveOpen: true)) stream.Write(data);
                        yield return target.ToArray();
                    }
                }

                break;
            case BatchCodec.Snappy:
                yield return Snappier.Snappy.CompressToArray(data);
                break;
            default:
                using (var compressor = new ZstdSharp.Compressor(3)) yield return compressor.Wrap(data).ToArray();
                var streamed = new MemoryStream();
                using (var stream = new ZstdSharp.CompressionStream(streamed, 3, leaveOpen: true)) stream.Write(data);
                yield return streamed.ToArray();
                break;
        }
    }
}
