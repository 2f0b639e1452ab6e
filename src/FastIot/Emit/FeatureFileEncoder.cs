using Apache.Arrow;
using FastIot.Scoring;
using FastIot.Series;
using ParquetSharp;
using ParquetSharp.IO;
using FileWriter = ParquetSharp.Arrow.FileWriter;

namespace FastIot.Emit;

/// <summary>
/// Turns <see cref="FeatureRows"/> into one Parquet file: sorts by window end, then series name, and lends the sorted columns to Arrow
/// without another copy. One thread; its scratch memory is kept from file to file.
/// </summary>
/// <remarks>The same rows give the same bytes, in whatever order their slots were taken.</remarks>
internal sealed unsafe class FeatureFileEncoder : IFeatureFileEncoder
{
    private static readonly string[] s_plainColumns = ["mean", "stddev", "min", "max", "range", "anomaly_score", "reconstruction_error"];

    private static readonly string[] s_kindNames = [.. Enumerable.Range(0, AnomalyKinds.Modelled + 1).Select(k => AnomalyKinds.Name((AnomalyKind)k))];

    private readonly NativeArray<int> _order = new(0);
    private readonly NativeArray<int> _rowOfRank = new(0);
    private readonly List<NativeArray<byte>> _buffers = [];
    private readonly long _windowUs;
    private ResizableBuffer? _encoded;
    private int _used;

    public FeatureFileEncoder(long windowUs) => _windowUs = windowUs;

    public ReadOnlyMemory<byte> Encode(FeatureRows rows)
    {
        _encoded?.Dispose();
        _encoded = EncodeBuffer(rows);
        return new NativeMemoryManager((byte*)_encoded.Data, checked((int)_encoded.Size)).Memory;
    }

    private ResizableBuffer EncodeBuffer(FeatureRows rows)
    {
        Sort(rows);
        _used = 0;
        using RecordBatch batch = Batch(rows);
        var buffer = new ResizableBuffer();
        try
        {
            using var stream = new BufferOutputStream(buffer);
            using var properties = new WriterPropertiesBuilder();
            properties.Compression(Compression.Zstd).CompressionLevel(1).CreatedBy("FastIot");
            foreach (string column in s_plainColumns) properties.DisableDictionary(column);
            using WriterProperties built = properties.Build();
            using var writer = new FileWriter(stream, FeatureSchema.Arrow, built);
            writer.WriteRecordBatch(batch);
            // Not left to Dispose, which swallows errors.
            writer.Close();
            return buffer;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    public string? Difference(ReadOnlyMemory<byte> stored, ReadOnlyMemory<byte> written) => RewriteCheck.Difference(stored.Span, written.Span);

    public void Dispose()
    {
        _encoded?.Dispose();
        _order.Dispose();
        _rowOfRank.Dispose();
        foreach (NativeArray<byte> buffer in _buffers) buffer.Dispose();
    }

    /// <summary>Rows lie by window end already; within one, series are put in their names' order: no comparison, one pass over the ranks.</summary>
    private void Sort(FeatureRows rows)
    {
        ReadOnlySpan<int> rank = rows.Names!.Rank.Span;
        _order.Grow(rows.Count);
        _rowOfRank.Grow(rank.Length);
        Span<int> rowOfRank = _rowOfRank.Span[..rank.Length];
        int sorted = 0;
        for (int first = 0, end; first < rows.Count; first = end)
        {
            rowOfRank.Fill(-1);
            for (end = first; end < rows.Count && rows.WindowEndUs[end] == rows.WindowEndUs[first]; end++) rowOfRank[rank[rows.Slot[end]]] = end;
            foreach (int row in rowOfRank)
            {
                if (row >= 0) _order[sorted++] = row;
            }
        }
    }

    private RecordBatch Batch(FeatureRows rows)
    {
        SeriesNames names = rows.Names!;
        int n = rows.Count;
        IArrowArray[] columns =
        [
            Names(Codes(rows.Slot, names.SensorOfSlot.Span, n), ArrowBuffer.Empty, 0, n, Strings(names.SensorOffsets, names.SensorBytes)),
            Names(Codes(rows.Slot, names.MetricOfSlot.Span, n), ArrowBuffer.Empty, 0, n, Strings(names.MetricOffsets, names.MetricBytes)),
            new TimestampArray(FeatureSchema.Time, Values(rows.WindowEndUs, n, -_windowUs), ArrowBuffer.Empty, n, 0, 0),
            new TimestampArray(FeatureSchema.Time, Values(rows.WindowEndUs, n, 0), ArrowBuffer.Empty, n, 0, 0),
            new DoubleArray(Values(rows.Mean, n), ArrowBuffer.Empty, n, 0, 0),
            new DoubleArray(Values(rows.StdDev, n), Validity(rows.StdDev, n, out int stddevNulls), n, stddevNulls, 0),
            new DoubleArray(Values(rows.Min, n), ArrowBuffer.Empty, n, 0, 0),
            new DoubleArray(Values(rows.Max, n), ArrowBuffer.Empty, n, 0, 0),
            new DoubleArray(Values(rows.Range, n), ArrowBuffer.Empty, n, 0, 0),
            new Int64Array(Values(rows.ReadingCount, n), ArrowBuffer.Empty, n, 0, 0),
            new FloatArray(Values(rows.AnomalyScore, n), Validity(rows.AnomalyScore, n, out int scoreNulls), n, scoreNulls, 0),
            new FloatArray(Values(rows.ReconstructionError, n), Validity(rows.ReconstructionError, n, out int errorNulls), n, errorNulls, 0),
            new BooleanArray(Bits(rows.IsAnomaly, n, static flag => flag != 0, out _), ArrowBuffer.Empty, n, 0, 0),
            Names(Codes(rows.Kind, n), Bits(rows.Kind, n, static code => code >= 0, out int kindNulls), kindNulls, n, Strings(s_kindNames)),
            Names(Codes(rows.Model, n), Bits(rows.Model, n, static code => code >= 0, out int modelNulls), modelNulls, n, Strings(rows.Models)),
        ];
        return new RecordBatch(FeatureSchema.Arrow, columns, n);
    }

    private static DictionaryArray Names(ArrowBuffer codes, ArrowBuffer validity, int nulls, int n, StringArray strings) =>
        new(FeatureSchema.Names, new Int32Array(codes, validity, n, nulls, 0), strings);

    private static StringArray Strings(ReadOnlyMemory<int> offsets, ReadOnlyMemory<byte> bytes)
    {
        byte[] copy = System.Runtime.InteropServices.MemoryMarshal.AsBytes(offsets.Span).ToArray();
        return new StringArray(offsets.Length - 1, new ArrowBuffer(copy), new ArrowBuffer(bytes), ArrowBuffer.Empty, 0);
    }

    /// <summary>Never without an entry: a file whose rows name no model still has a column of that type.</summary>
    private static StringArray Strings(IEnumerable<string> strings)
    {
        var builder = new StringArray.Builder();
        foreach (string text in strings.DefaultIfEmpty("")) builder.Append(text);
        return builder.Build();
    }

    /// <summary>The column in the file's order.</summary>
    private ArrowBuffer Values<T>(NativeArray<T> column, int n) where T : unmanaged
    {
        ArrowBuffer buffer = Buffer(n * sizeof(T), out byte* bytes);
        var sorted = (T*)bytes;
        for (int i = 0; i < n; i++) sorted[i] = column[_order[i]];
        return buffer;
    }

    private ArrowBuffer Values(NativeArray<long> column, int n, long plus)
    {
        ArrowBuffer buffer = Buffer(n * sizeof(long), out byte* bytes);
        for (int i = 0; i < n; i++) ((long*)bytes)[i] = column[_order[i]] + plus;
        return buffer;
    }

    private ArrowBuffer Codes(NativeArray<int> slots, ReadOnlySpan<int> codeOfSlot, int n)
    {
        ArrowBuffer buffer = Buffer(n * sizeof(int), out byte* bytes);
        for (int i = 0; i < n; i++) ((int*)bytes)[i] = codeOfSlot[slots[_order[i]]];
        return buffer;
    }

    private ArrowBuffer Codes(NativeArray<sbyte> column, int n)
    {
        ArrowBuffer buffer = Buffer(n * sizeof(int), out byte* bytes);
        for (int i = 0; i < n; i++) ((int*)bytes)[i] = Math.Max(column[_order[i]], (sbyte)0);
        return buffer;
    }

    private ArrowBuffer Validity(NativeArray<double> column, int n, out int nulls) => Bits(column, n, static x => !double.IsNaN(x), out nulls);

    private ArrowBuffer Validity(NativeArray<float> column, int n, out int nulls) => Bits(column, n, static x => !float.IsNaN(x), out nulls);

    private ArrowBuffer Bits<T>(NativeArray<T> column, int n, Func<T, bool> isSet, out int unset) where T : unmanaged
    {
        ArrowBuffer buffer = Buffer((n + 7) / 8, out byte* bytes);
        new Span<byte>(bytes, (n + 7) / 8).Clear();
        unset = n;
        for (int i = 0; i < n; i++)
        {
            if (!isSet(column[_order[i]])) continue;
            bytes[i >> 3] |= (byte)(1 << (i & 7));
            unset--;
        }

        return buffer;
    }

    private ArrowBuffer Buffer(int length, out byte* bytes)
    {
        if (_used == _buffers.Count) _buffers.Add(new NativeArray<byte>(length));
        NativeArray<byte> buffer = _buffers[_used++];
        buffer.Grow(length);
        bytes = buffer.Pointer;
        return new ArrowBuffer(new NativeMemoryManager(bytes, length).Memory);
    }
}
