using FastIot.Kafka.Wire.Compression;

namespace FastIot.Kafka.Wire;

/// <summary>Writes records straight into a record batch, then seals it: compressed, numbered, checksummed. Memory is kept for the next one.</summary>
internal sealed unsafe class RecordBatchBuilder(int mostBytes) : IDisposable
{
    /// <summary>Room in front of the batch for what a produce request says before it: partition and size.</summary>
    private const int PrefixBytes = 2 * sizeof(int);
    private const int FirstBytes = 1 << 14;

    private const int Begin = PrefixBytes + RecordBatch.HeaderBytes;

    private readonly ByteBuffer _records = new();
    private readonly ByteBuffer _compressed = new();
    private int _length = Begin;
    private long _baseTimestamp;
    private long _maxTimestamp;
    private byte* _sealed;
    private int _sealedBytes;

    public int Count { get; private set; }

    /// <summary>Once sealed: the batch as it stands in a produce request, behind its partition and its size; until <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Sealed => new(_sealed, _sealedBytes);

    /// <summary>Adds a record, unless the batch is full. One that is larger than a batch may be gets one of its own.</summary>
    /// <param name="key">Empty: the record has none.</param>
    public bool TryAppend(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long timestampMs)
    {
        int most = key.Length + value.Length + RecordBatch.RecordOverhead;
        if (_length + most > _records.Capacity && !MakeRoom(most)) return false;
        if (Count == 0) _baseTimestamp = _maxTimestamp = timestampMs;
        _maxTimestamp = Math.Max(_maxTimestamp, timestampMs);
        long delta = timestampMs - _baseTimestamp;
        int keyLength = key.IsEmpty ? -1 : key.Length;
        int size = 1 + RecordBatch.SizeOf(delta) + RecordBatch.SizeOf(Count) + RecordBatch.SizeOf(keyLength) + key.Length + RecordBatch.SizeOf(value.Length) + value.Length + 1;
        byte* to = RecordBatch.Write(_records.Pointer + _length, size);
        *to++ = 0; // attributes
        to = RecordBatch.Write(to, delta);
        to = RecordBatch.Write(to, Count);
        to = RecordBatch.Write(to, keyLength);
        key.CopyTo(new Span<byte>(to, key.Length));
        to = RecordBatch.Write(to + key.Length, value.Length);
        value.CopyTo(new Span<byte>(to, value.Length));
        to += value.Length;
        *to++ = 0; // headers
        _length = (int)(to - _records.Pointer);
        Count++;
        return true;
    }

    /// <summary>Compresses, and writes the header.</summary>
    /// <param name="baseSequence">Number of the first record in what this producer sends to the partition.</param>
    public void Seal(BatchCompressor compressor, int partition, long producerId, short producerEpoch, int baseSequence)
    {
        int size = _length - PrefixBytes;
        _sealed = _records.Pointer;
        if (compressor.Codec != BatchCodec.None)
        {
            int records = _length - Begin, bound = compressor.Bound(records);
            _compressed.Reserve(Begin + bound);
            _sealed = _compressed.Pointer;
            size = RecordBatch.HeaderBytes + compressor.Compress(_records.Pointer + Begin, records, _sealed + Begin, bound);
        }

        _sealedBytes = PrefixBytes + size;
        RecordBatch.SetInt32(_sealed, 0, partition);
        RecordBatch.SetInt32(_sealed, sizeof(int), size);
        byte* header = _sealed + PrefixBytes;
        RecordBatch.SetInt64(header, RecordBatch.BaseOffset, 0);
        RecordBatch.SetInt32(header, RecordBatch.Length, size - RecordBatch.LogOverhead);
        RecordBatch.SetInt32(header, RecordBatch.LeaderEpoch, -1);
        header[RecordBatch.Magic] = RecordBatch.CurrentMagic;
        RecordBatch.SetInt16(header, RecordBatch.Attributes, (short)compressor.Codec);
        RecordBatch.SetInt32(header, RecordBatch.LastOffsetDelta, Count - 1);
        RecordBatch.SetInt64(header, RecordBatch.BaseTimestamp, _baseTimestamp);
        RecordBatch.SetInt64(header, RecordBatch.MaxTimestamp, _maxTimestamp);
        RecordBatch.SetInt64(header, RecordBatch.ProducerId, producerId);
        RecordBatch.SetInt16(header, RecordBatch.ProducerEpoch, producerEpoch);
        RecordBatch.SetInt32(header, RecordBatch.BaseSequence, baseSequence);
        RecordBatch.SetInt32(header, RecordBatch.Count, Count);
        RecordBatch.SetInt32(header, RecordBatch.Crc, (int)Crc32C.Of(new ReadOnlySpan<byte>(header + RecordBatch.Attributes, size - RecordBatch.Attributes)));
    }

    public void Clear()
    {
        _length = Begin;
        Count = 0;
        _sealed = null;
        _sealedBytes = 0;
    }

    public void Dispose()
    {
        _records.Dispose();
        _compressed.Dispose();
    }

    private bool MakeRoom(int most)
    {
        if (Count > 0 && _length + most > mostBytes) return false;
        _records.Reserve(Math.Max(Math.Min(FirstBytes, mostBytes), _length + most), _length);
        return true;
    }
}
