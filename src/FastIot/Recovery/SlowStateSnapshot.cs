using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FastIot.Features;
using FastIot.Series;

namespace FastIot.Recovery;

/// <summary>
/// The slow state of one partition at a window end as bytes: names of the series in order of their slots, baselines, feature histories,
/// open episodes. The same state gives the same bytes.
/// </summary>
/// <remarks>
/// Little endian:
/// <code>
///  magic "FIOTSLOW" │ format u32 │ layout u32 │ partition i32 │ series i32 │ window end i64 │ config hash 8 │ state hash u32 │ 0 u32
///  names: per slot   u8 length, sensor id │ u8 length, metric
///  SeriesState[series] │ history f32[series][rows][features]
///  SHA-256 of all before
/// </code>
/// A change of <see cref="SeriesState"/> or <see cref="FeatureHistory"/> needs another <see cref="Format"/>; <see cref="Layout"/> sees most
/// of them, a test the rest.
/// </remarks>
internal static unsafe class SlowStateSnapshot
{
    public const uint Format = 1;

    private const int HeaderBytes = 48;
    private const int HashBytes = SHA256.HashSizeInBytes;

    private static ReadOnlySpan<byte> Magic => "FIOTSLOW"u8;

    /// <summary>Sizes that the arrays depend on, in one number.</summary>
    public static uint Layout => (uint)(sizeof(SeriesState) << 20 | FeatureHistory.RecentRows << 12 | FeatureHistory.CoarseRows << 4 | FeatureNames.Count);

    /// <summary><c>state/GROUP/TOPIC/p00003-20261101T000100.000000Z-1a2b3c4d.snap</c>: names of one partition sort by time.</summary>
    public static string Name(PipelineOptions options, int partition, long windowEndUs, string configHash) => string.Create(CultureInfo.InvariantCulture,
        $"{Prefix(options, partition)}{DateTime.UnixEpoch.AddMicroseconds(windowEndUs):yyyyMMdd'T'HHmmss'.'ffffff'Z'}-{configHash}.snap");

    public static string Prefix(PipelineOptions options, int partition) => string.Create(CultureInfo.InvariantCulture,
        $"state/{Uri.EscapeDataString(options.Group)}/{Uri.EscapeDataString(options.Topic)}/p{partition:D5}-");

    /// <summary>Size of a snapshot of what is there now.</summary>
    public static long Bytes(SeriesTable series, FeatureState features) => HeaderBytes + NameBytes(series) + features.SlotBytes * series.Count + HashBytes;

    /// <summary>Copies the state; the hash is left to <see cref="Seal"/>, on another thread.</summary>
    /// <returns>Bytes in all, the hash included.</returns>
    public static int Write(SeriesTable series, FeatureState features, PipelineOptions options, int partition, long windowEndUs, string configHash, NativeArray<byte> target)
    {
        int total = checked((int)Bytes(series, features));
        target.Grow(total);
        var bytes = new Span<byte>(target.Pointer, total);
        WriteHeader(bytes, partition, series.Count, windowEndUs, configHash, options.StateHash());
        int at = HeaderBytes;
        for (int slot = 0; slot < series.Count; slot++)
        {
            WriteName(bytes, ref at, series.SensorId(slot));
            WriteName(bytes, ref at, series.Metric(slot));
        }

        features.CopyTo(series.Count, bytes[at..^HashBytes]);
        return total;
    }

    /// <summary>Puts the hash behind.</summary>
    /// <returns>Its first 8 digits, which the commit names.</returns>
    public static string Seal(Span<byte> snapshot)
    {
        Span<byte> hash = snapshot[^HashBytes..];
        SHA256.HashData(snapshot[..^HashBytes], hash);
        return Short(hash);
    }

    /// <summary>Takes the state over into an empty table.</summary>
    /// <param name="grow">Called when the table has grown, to grow what goes by slot.</param>
    /// <exception cref="InvalidDataException">It is damaged, of another format, or not the one that was committed; the message says which.</exception>
    public static void Read(ReadOnlySpan<byte> snapshot, PipelineOptions options, int partition, CommitMetadata committed, SeriesTable series,
        FeatureState features, Action grow)
    {
        if (snapshot.Length < HeaderBytes + HashBytes || !snapshot.StartsWith(Magic)) throw new InvalidDataException("it is no snapshot, or cut off");
        uint format = BinaryPrimitives.ReadUInt32LittleEndian(snapshot[8..]), layout = BinaryPrimitives.ReadUInt32LittleEndian(snapshot[12..]);
        if (format != Format || layout != Layout) throw new InvalidDataException($"it has format {format} (layout {layout:x}); this version of FastIot reads format {Format} (layout {Layout:x})");
        Span<byte> hash = stackalloc byte[HashBytes];
        SHA256.HashData(snapshot[..^HashBytes], hash);
        if (!hash.SequenceEqual(snapshot[^HashBytes..])) throw new InvalidDataException("its checksum is wrong: it is damaged");
        if (Short(hash) != committed.SnapshotHash) throw new InvalidDataException($"it is not the one that was committed (checksum {Short(hash)}, committed {committed.SnapshotHash})");
        if (BinaryPrimitives.ReadInt32LittleEndian(snapshot[16..]) != partition || BinaryPrimitives.ReadInt64LittleEndian(snapshot[24..]) != committed.SnapshotUs
            || BinaryPrimitives.ReadUInt32LittleEndian(snapshot[40..]) != options.StateHash())
        {
            throw new InvalidDataException("it is of another partition or window, or was learnt with other windows or features");
        }

        int count = BinaryPrimitives.ReadInt32LittleEndian(snapshot[20..]);
        int at = HeaderBytes;
        ReadNames(snapshot, ref at, count, series, grow);
        ReadOnlySpan<byte> arrays = snapshot[at..^HashBytes];
        if (arrays.Length != features.SlotBytes * count) throw new InvalidDataException($"{arrays.Length} bytes for {count} series");
        features.CopyFrom(count, arrays);
    }

    private static void WriteHeader(Span<byte> bytes, int partition, int series, long windowEndUs, string configHash, uint stateHash)
    {
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], Format);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], Layout);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[16..], partition);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[20..], series);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], windowEndUs);
        Encoding.ASCII.GetBytes(configHash, bytes.Slice(32, 8));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[40..], stateHash);
        bytes[44..HeaderBytes].Clear();
    }

    private static void ReadNames(ReadOnlySpan<byte> snapshot, ref int at, int count, SeriesTable series, Action grow)
    {
        for (int slot = 0; slot < count; slot++)
        {
            ReadOnlySpan<byte> sensor = ReadName(snapshot, ref at), metric = ReadName(snapshot, ref at);
            fixed (byte* s = sensor, m = metric)
            {
                int capacity = series.Capacity;
                var reading = new Reading { SensorId = s, SensorIdLength = sensor.Length, Metric = m, MetricLength = metric.Length };
                int taken = series.FindOrAdd(in reading);
                if (taken < 0) throw new InvalidDataException($"it has {count} series, more than the cap allows");
                if (taken != slot) throw new InvalidDataException($"series {slot} is there twice");
                if (series.Capacity != capacity) grow();
            }
        }
    }

    private static ReadOnlySpan<byte> ReadName(ReadOnlySpan<byte> snapshot, ref int at)
    {
        ReadOnlySpan<byte> name = snapshot.Slice(at + 1, snapshot[at]);
        at += 1 + name.Length;
        return name;
    }

    private static void WriteName(Span<byte> bytes, ref int at, ReadOnlySpan<byte> name)
    {
        bytes[at++] = (byte)name.Length;
        name.CopyTo(bytes[at..]);
        at += name.Length;
    }

    private static long NameBytes(SeriesTable series)
    {
        long bytes = 2L * series.Count;
        for (int slot = 0; slot < series.Count; slot++) bytes += series.SensorId(slot).Length + series.Metric(slot).Length;
        return bytes;
    }

    private static string Short(ReadOnlySpan<byte> hash) => Convert.ToHexStringLower(hash[..4]);
}
