using System.Runtime.CompilerServices;
using FastIot.Ingest;
using FastIot.Kafka.Wire.Compression;

namespace FastIot.Kafka.Wire;

/// <summary>A batch cannot be read; the offset is that of its first record.</summary>
internal sealed class RecordFormatException(long offset, string message) : Exception(message)
{
    public long Offset => offset;
}

/// <summary>
/// Reads the records of one partition's part of a fetch answer: whole batches are checked (CRC-32C), decompressed and walked; control batches
/// and aborted transactions are passed over. Records point into the answer or into decompressed batches, and stay valid until
/// <see cref="Release"/>. Whatever the lengths in it say, nothing outside the given bytes is read. Allocates nothing once its buffers have grown.
/// </summary>
internal sealed unsafe class RecordReader : IDisposable
{
    /// <summary>Most bytes that one batch may become.</summary>
    public const int MostBatchBytes = 1 << 28;

    /// <summary>Batches whose records are given out at once.</summary>
    private const int Buffers = 16;

    /// <summary>Beyond this no other batch is begun: what was decompressed should still be in the second-level cache when it is used.</summary>
    private const int EnoughBytes = 1 << 18;

    private readonly ByteBuffer[] _buffers = new ByteBuffer[Buffers];
    private readonly BatchDecompressor _decompressor = new();
    private readonly AbortedTransactions _aborted = new();
    private int _buffersUsed;
    private int _bytesMade;
    private byte* _at;
    private byte* _end;
    private byte* _record;
    private byte* _recordsEnd;
    private int _recordsLeft;
    private long _batchOffset;
    private long _batchTimestamp;
    private long _batchLast;
    private bool _appendTime;
    private int _partition;

    public RecordReader()
    {
        for (int i = 0; i < Buffers; i++) _buffers[i] = new ByteBuffer();
    }

    /// <summary>Offset of the next record to give out: behind everything given out or passed over.</summary>
    public long Position { get; private set; }

    /// <summary>Nothing is left of the part.</summary>
    public bool Done => _recordsLeft == 0 && !HasBatch(_at, _end);

    /// <summary>Begins a part.</summary>
    /// <param name="from">Records before this offset, which may stand at the begin of the first batch, are not given out.</param>
    /// <param name="aborted">The part's aborted transactions as the answer has them: producer id and first offset, 16 bytes each; empty for read_uncommitted.</param>
    public void Open(byte* bytes, int length, int partition, long from, ReadOnlySpan<byte> aborted)
    {
        _at = bytes;
        _end = bytes + length;
        _recordsLeft = 0;
        _partition = partition;
        Position = from;
        _aborted.Begin(aborted);
    }

    /// <summary>Leaves out what is left of the part.</summary>
    public void Skip() => Open(null, 0, _partition, Position, []);

    /// <summary>The records given out are not used any more.</summary>
    public void Release()
    {
        if (_recordsLeft > 0 && _buffersUsed > 1)
        {
            // The batch under way stays where it is.
            (_buffers[0], _buffers[_buffersUsed - 1]) = (_buffers[_buffersUsed - 1], _buffers[0]);
        }

        _buffersUsed = _recordsLeft > 0 ? Math.Min(_buffersUsed, 1) : 0;
        _bytesMade = 0;
    }

    /// <summary>Gives out records.</summary>
    /// <returns>How many; 0 when the part is done, or so much is given out that <see cref="Release"/> must come first.</returns>
    /// <exception cref="RecordFormatException">A batch is damaged, or of a kind that is not read here.</exception>
    public int Read(Span<Record> records)
    {
        int count = 0;
        while (count < records.Length)
        {
            if (_recordsLeft > 0)
            {
                count += Walk(records[count..]);
                continue;
            }

            if (_bytesMade >= EnoughBytes || _buffersUsed == Buffers || !HasBatch(_at, _end)) break;
            OpenBatch();
        }

        return count;
    }

    /// <summary>Where the next fetch goes on behind this part: behind its last whole batch.</summary>
    public static long NextOffset(byte* bytes, int length, long from)
    {
        byte* end = bytes + length;
        for (byte* batch = bytes; HasBatch(batch, end); batch += RecordBatch.LogOverhead + RecordBatch.Int32(batch, RecordBatch.Length))
        {
            from = Math.Max(from, RecordBatch.Int64(batch, RecordBatch.BaseOffset) + RecordBatch.Int32(batch, RecordBatch.LastOffsetDelta) + 1);
        }

        return from;
    }

    public void Dispose()
    {
        foreach (ByteBuffer buffer in _buffers) buffer.Dispose();
        _decompressor.Dispose();
    }

    /// <summary>Whether a whole batch is there: the last one of an answer may be cut off anywhere.</summary>
    private static bool HasBatch(byte* batch, byte* end)
    {
        if (end - batch < RecordBatch.HeaderBytes) return false;
        int length = RecordBatch.Int32(batch, RecordBatch.Length);
        // A length that cannot be is an error of the batch, not a batch cut off: opened, it says so.
        return length < RecordBatch.HeaderBytes - RecordBatch.LogOverhead || length <= end - batch - RecordBatch.LogOverhead;
    }

    private void OpenBatch()
    {
        byte* batch = _at;
        long offset = RecordBatch.Int64(batch, RecordBatch.BaseOffset);
        int length = RecordBatch.Int32(batch, RecordBatch.Length), attributes = RecordBatch.Int16(batch, RecordBatch.Attributes);
        if (batch[RecordBatch.Magic] != RecordBatch.CurrentMagic)
            throw new RecordFormatException(offset, $"message format {batch[RecordBatch.Magic]} (before Kafka 0.11) is not read directly: kafka.ingest librdkafka reads it");
        if (length < RecordBatch.HeaderBytes - RecordBatch.LogOverhead) throw new RecordFormatException(offset, $"a batch of {length} bytes cannot be");
        byte* end = batch + RecordBatch.LogOverhead + length;
        uint said = (uint)RecordBatch.Int32(batch, RecordBatch.Crc), crc = Crc32C.Of(new ReadOnlySpan<byte>(batch + RecordBatch.Attributes, (int)(end - batch) - RecordBatch.Attributes));
        if (said != crc) throw new RecordFormatException(offset, $"the batch is damaged: its checksum is {crc:x8}, not {said:x8}");
        int count = RecordBatch.Int32(batch, RecordBatch.Count), lastDelta = RecordBatch.Int32(batch, RecordBatch.LastOffsetDelta);
        if (count < 0 || lastDelta < 0) throw new RecordFormatException(offset, $"a batch of {count} records up to {lastDelta} cannot be");
        _at = end;
        _batchOffset = offset;
        _batchLast = offset + lastDelta;
        _appendTime = (attributes & RecordBatch.LogAppendTime) != 0;
        _batchTimestamp = RecordBatch.Int64(batch, _appendTime ? RecordBatch.MaxTimestamp : RecordBatch.BaseTimestamp);
        long producer = RecordBatch.Int64(batch, RecordBatch.ProducerId);
        bool skipped = (attributes & RecordBatch.Transactional) != 0 && _aborted.Skips(producer, _batchLast);
        if ((attributes & RecordBatch.Control) != 0) _aborted.OnControl(producer, Marker(batch + RecordBatch.HeaderBytes, end, offset));
        if (skipped || (attributes & RecordBatch.Control) != 0 || count == 0 || _batchLast < Position)
        {
            Position = Math.Max(Position, _batchLast + 1);
            return;
        }

        Decompress((BatchCodec)(attributes & RecordBatch.CodecMask), batch + RecordBatch.HeaderBytes, end);
        _recordsLeft = count;
    }

    private void Decompress(BatchCodec codec, byte* records, byte* end)
    {
        _record = records;
        _recordsEnd = end;
        if (codec == BatchCodec.None)
        {
            _bytesMade += (int)(end - records);
            return;
        }

        ByteBuffer buffer = _buffers[_buffersUsed++];
        try
        {
            int length = _decompressor.Decompress(codec, records, (int)(end - records), buffer, MostBatchBytes);
            _bytesMade += length;
            _record = buffer.Pointer;
            _recordsEnd = buffer.Pointer + length;
        }
        catch (CompressionException e)
        {
            throw new RecordFormatException(_batchOffset, $"the batch cannot be decompressed: {e.Message}");
        }
    }

    private int Walk(Span<Record> records)
    {
        byte* at = _record, end = _recordsEnd;
        int left = _recordsLeft, count = 0;
        while (left > 0 && count < records.Length)
        {
            long length = Number(ref at, end);
            if (length < 0 || length > end - at) throw Broken("its length");
            byte* next = at + length;
            if (length == 0) throw Broken("no attributes");
            at++;
            long timestampDelta = Number(ref at, next), offset = _batchOffset + Number(ref at, next);
            long keyLength = Number(ref at, next);
            byte* key = at;
            if (keyLength > 0)
            {
                if (keyLength > next - at) throw Broken("its key");
                at += keyLength;
            }

            long valueLength = Number(ref at, next);
            if (valueLength > next - at) throw Broken("its value");
            if (offset > _batchLast) throw Broken("its offset");
            left--;
            if (offset >= Position)
            {
                ref Record record = ref records[count++];
                record.Key = keyLength >= 0 ? key : null;
                record.KeyLength = (int)Math.Max(keyLength, 0);
                record.Value = valueLength >= 0 ? at : null;
                record.ValueLength = (int)Math.Max(valueLength, 0);
                record.Offset = offset;
                record.TimestampMs = _appendTime ? _batchTimestamp : _batchTimestamp + timestampDelta;
                record.Partition = _partition;
                Position = offset + 1;
            }

            // Headers, if any, are between the value and the record's end.
            at = next;
        }

        _record = at;
        _recordsLeft = left;
        // Compaction may have taken the last ones away: the batch still ends where it did.
        if (left == 0) Position = Math.Max(Position, _batchLast + 1);
        return count;
    }

    /// <summary>Reads a number, not past the end; one that does not end there is an error.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long Number(ref byte* at, byte* end)
    {
        if (end - at >= 2)
        {
            ulong value = *at++;
            if (value >= 0x80)
            {
                // Lengths and timestamps, as a rule.
                if (*at >= 0x80) return LongNumber(ref at, end, value & 0x7F);
                value = value & 0x7F | (ulong)*at++ << 7;
            }

            return (long)(value >> 1) ^ -(long)(value & 1);
        }

        return LongNumber(ref at, end, 0, 0);
    }

    /// <param name="value">What the bytes before said, <paramref name="shift"/> bits of it.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private long LongNumber(ref byte* at, byte* end, ulong value, int shift = 7)
    {
        for (; at < end && shift < 70; shift += 7)
        {
            byte b = *at++;
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) return (long)(value >> 1) ^ -(long)(value & 1);
        }

        throw Broken("a number without end");
    }

    /// <summary>Type of a control record: its key is version and type, two bytes each.</summary>
    private short Marker(byte* at, byte* end, long offset)
    {
        _batchOffset = offset;
        long length = Number(ref at, end);
        if (length < 1 || length > end - at) throw Broken("its length");
        at++;
        Number(ref at, end);
        Number(ref at, end);
        long key = Number(ref at, end);
        if (key < 4 || key > end - at) throw Broken("no type of control record");
        return RecordBatch.Int16(at, 2);
    }

    private RecordFormatException Broken(string what) => new(_batchOffset, $"the batch has a broken record: {what}");
}
