using System.Buffers.Binary;
using System.Text;
using FastIot.Kafka.Wire;
using FastIot.Kafka.Wire.Compression;
using FastIot.Tests.Decode;

namespace FastIot.Tests.Kafka.Wire;

/// <summary>A partition's part of a fetch answer: what is read of it, and that nothing else is.</summary>
public sealed unsafe class RecordReaderTests : IDisposable
{
    private const long Begin = 1000;
    private const long Stamp = 1_793_577_600_000;

    private readonly RecordReader _reader = new();

    public void Dispose() => _reader.Dispose();

    [Fact]
    public void Batches_of_all_codecs_are_read_from_any_offset_in_any_portions()
    {
        var random = new Random(TestSeed.Or(21));
        byte[] part = [];
        var written = new List<Read>();
        for (int batch = 0; batch < 25; batch++)
        {
            Read[] records = Records(Begin + written.Count, random.Next(1, 400), random);
            written.AddRange(records);
            part = [.. part, .. Batch((BatchCodec)(batch % 5), records)];
        }

        // The last one is cut off somewhere, as brokers do.
        byte[] cut = Batch(BatchCodec.Gzip, Records(Begin + written.Count, 100, random));
        part = [.. part, .. cut[..random.Next(cut.Length)]];
        for (int i = 0; i < 40; i++)
        {
            long from = Begin + random.Next(written.Count + 1);
            Assert.Equal(written.Where(r => r.Offset >= from), ReadAll(part, from, portion: i == 0 ? 1 : random.Next(1, 2000)));
            Assert.Equal(Begin + written.Count, _reader.Position);
        }

        fixed (byte* at = part) Assert.Equal(Begin + written.Count, RecordReader.NextOffset(at, part.Length, Begin));
    }

    [Fact]
    public void Aborted_transactions_and_markers_are_passed_over()
    {
        byte[] part =
        [
            .. Transactional(producer: 1, 0, 3), .. Transactional(producer: 2, 3, 3), .. Batch(BatchCodec.None, Records(6, 2)),
            .. Marker(producer: 1, 8, commit: false), .. Transactional(producer: 1, 9, 2), .. Marker(producer: 2, 11, commit: true), .. Marker(producer: 1, 12, commit: true),
        ];
        byte[] aborted = new byte[16];
        BinaryPrimitives.WriteInt64BigEndian(aborted, 1);
        Assert.Equal([3, 4, 5, 6, 7, 9, 10], ReadAll(part, 0, aborted: aborted).Select(r => r.Offset));
        Assert.Equal(13, _reader.Position);
        // Begun in the midst of the aborted transaction.
        Assert.Equal([3, 4, 5, 6, 7, 9, 10], ReadAll(part, 2, aborted: aborted).Select(r => r.Offset));
        // Uncommitted: everything but the markers.
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 9, 10], ReadAll(part, 0).Select(r => r.Offset));
    }

    [Fact]
    public void Compacted_batches_end_where_they_did()
    {
        byte[] batch = Batch(BatchCodec.Lz4, Records(100, 5));
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(RecordBatch.LastOffsetDelta), 49);
        Seal(batch);
        Assert.Equal([100, 101, 102, 103, 104], ReadAll(batch, 100).Select(r => r.Offset));
        Assert.Equal(150, _reader.Position);
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(RecordBatch.Count), 0);
        Seal(batch);
        Assert.Empty(ReadAll(batch, 100));
        Assert.Equal(150, _reader.Position);
    }

    [Fact]
    public void With_append_time_all_records_have_the_time_of_the_batch()
    {
        byte[] batch = Batch(BatchCodec.None, Records(0, 5));
        BinaryPrimitives.WriteInt16BigEndian(batch.AsSpan(RecordBatch.Attributes), RecordBatch.LogAppendTime);
        BinaryPrimitives.WriteInt64BigEndian(batch.AsSpan(RecordBatch.MaxTimestamp), 77);
        Seal(batch);
        Assert.All(ReadAll(batch, 0), r => Assert.Equal(77, r.TimestampMs));
    }

    [Fact]
    public void Damage_and_old_formats_are_errors_with_the_offset()
    {
        byte[] batch = Batch(BatchCodec.Snappy, Records(Begin, 50));
        batch[100] ^= 1;
        var e = Assert.Throws<RecordFormatException>(() => ReadAll(batch, Begin));
        Assert.Equal(Begin, e.Offset);
        Assert.Contains("damaged: its checksum", e.Message);
        batch[RecordBatch.Magic] = 1;
        Assert.Contains("message format 1", Assert.Throws<RecordFormatException>(() => ReadAll(batch, Begin)).Message);
    }

    [Fact]
    public void Hostile_bytes_are_errors_never_reads_beyond()
    {
        using var guarded = new GuardedMemory();
        var random = new Random(TestSeed.Or(22));
        int errors = 0, read = 0;
        for (int round = 0; round < 30_000; round++)
        {
            byte[] part = Batch((BatchCodec)(round % 5), Records(Begin, random.Next(1, 20), random));
            if (random.Next(2) == 0) part = [.. part, .. Marker(1, Begin + 20, commit: false)];
            for (int n = random.Next(0, 5); n > 0; n--)
            {
                int place = random.Next(random.Next(2) == 0 ? RecordBatch.HeaderBytes : part.Length);
                part[place] = random.Next(3) switch { 0 => 0xFF, 1 => (byte)(part[place] ^ 1 << random.Next(8)), _ => (byte)random.Next(256) };
            }

            // With a checksum that fits, or nothing behind it would be looked at.
            if (random.Next(4) > 0) Seal(part);
            if (random.Next(3) == 0) part = part[..random.Next(part.Length + 1)];
            try
            {
                List<Read> records = ReadAll(guarded.AtEnd(part), part.Length, Begin, 7, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
                Assert.Equal(records.Select(r => r.Offset).Distinct().Order(), records.Select(r => r.Offset));
                read += records.Count;
            }
            catch (RecordFormatException)
            {
                errors++;
            }
        }

        Assert.True(errors > 5000 && read > 50_000, $"{errors} errors, {read} records");
    }

    [Fact]
    public void Reading_allocates_nothing_once_warm()
    {
        byte[] part = [.. Enumerable.Range(0, 5).SelectMany(codec => Batch((BatchCodec)codec, Records(codec * 100, 100)))];
        var records = new Record[64];
        long before = 0;
        int count = 0;
        fixed (byte* at = part)
        {
            for (int round = 0; round < 20; round++)
            {
                if (round == 10) before = GC.GetAllocatedBytesForCurrentThread();
                _reader.Open(at, part.Length, 0, 0, []);
                while (!_reader.Done)
                {
                    _reader.Release();
                    count += _reader.Read(records);
                }
            }
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(20 * 500, count);
    }

    private sealed record Read(long Offset, long TimestampMs, string? Key, string? Value);

    private static Read[] Records(long from, int count, Random? random = null) =>
        [.. Enumerable.Range(0, count).Select(i => new Read(from + i, Stamp + (random?.Next(-100_000, 100_000) ?? i), random?.Next(9) == 0 ? null : $"sensor_{i % 7}", new string('v', random?.Next(300) ?? 20) + i))];

    private static byte[] Batch(BatchCodec codec, Read[] records)
    {
        using var builder = new RecordBatchBuilder(1 << 20);
        using var compressor = new BatchCompressor(codec, 0);
        foreach (Read record in records) Assert.True(builder.TryAppend(Encoding.UTF8.GetBytes(record.Key ?? ""), Encoding.UTF8.GetBytes(record.Value!), record.TimestampMs));
        builder.Seal(compressor, 0, -1, -1, -1);
        byte[] batch = builder.Sealed[8..].ToArray();
        BinaryPrimitives.WriteInt64BigEndian(batch, records[0].Offset);
        return batch;
    }

    private static byte[] Transactional(long producer, long from, int count)
    {
        byte[] batch = Batch(BatchCodec.None, Records(from, count));
        BinaryPrimitives.WriteInt16BigEndian(batch.AsSpan(RecordBatch.Attributes), RecordBatch.Transactional);
        BinaryPrimitives.WriteInt64BigEndian(batch.AsSpan(RecordBatch.ProducerId), producer);
        return Seal(batch);
    }

    private static byte[] Marker(long producer, long offset, bool commit)
    {
        using var builder = new RecordBatchBuilder(1 << 10);
        using var compressor = new BatchCompressor(BatchCodec.None, 0);
        Assert.True(builder.TryAppend([0, 0, 0, commit ? (byte)1 : (byte)0], [0, 0, 0, 0, 0, 1], Stamp));
        builder.Seal(compressor, 0, producer, 0, -1);
        byte[] batch = builder.Sealed[8..].ToArray();
        BinaryPrimitives.WriteInt64BigEndian(batch, offset);
        BinaryPrimitives.WriteInt16BigEndian(batch.AsSpan(RecordBatch.Attributes), RecordBatch.Transactional | RecordBatch.Control);
        return Seal(batch);
    }

    private static byte[] Seal(byte[] batch)
    {
        if (batch.Length < RecordBatch.HeaderBytes) return batch;
        int length = BinaryPrimitives.ReadInt32BigEndian(batch.AsSpan(RecordBatch.Length));
        int end = length is > 9 && length <= batch.Length - RecordBatch.LogOverhead ? length + RecordBatch.LogOverhead : batch.Length;
        BinaryPrimitives.WriteUInt32BigEndian(batch.AsSpan(RecordBatch.Crc), Crc32C.Of(batch.AsSpan(RecordBatch.Attributes, end - RecordBatch.Attributes)));
        return batch;
    }

    private List<Read> ReadAll(byte[] part, long from, int portion = 1000, byte[]? aborted = null)
    {
        fixed (byte* at = part) return ReadAll(at, part.Length, from, portion, aborted);
    }

    private List<Read> ReadAll(byte* part, int length, long from, int portion, byte[]? aborted)
    {
        var all = new List<Read>();
        var records = new Record[portion];
        _reader.Open(part, length, 3, from, aborted);
        while (!_reader.Done)
        {
            _reader.Release();
            int count = _reader.Read(records);
            for (int i = 0; i < count; i++)
            {
                Assert.Equal(3, records[i].Partition);
                all.Add(new Read(records[i].Offset, records[i].TimestampMs, records[i].Key == null ? null : Encoding.UTF8.GetString(records[i].KeySpan), records[i].Value == null ? null : Encoding.UTF8.GetString(records[i].ValueSpan)));
            }
        }

        return all;
    }
}
