using FastIot.Series;

namespace FastIot.Emit;

/// <summary>
/// Rows of one partition's closed windows between two file boundaries, in columns over native memory: what becomes one Parquet file.
/// The worker fills it, window by window; then it belongs to the file writer, and comes back cleared.
/// </summary>
/// <remarks>Rows lie in order of window end; within a window in order of slot. The file has them by series name (see <see cref="SeriesNames.Rank"/>).</remarks>
public sealed class FeatureRows : IDisposable
{
    /// <summary>Kind of a row that raised no alarm.</summary>
    public const sbyte NoKind = -1;

    public FeatureRows(int capacity)
    {
        Slot = new(capacity);
        WindowEndUs = new(capacity);
        Mean = new(capacity);
        StdDev = new(capacity);
        Min = new(capacity);
        Max = new(capacity);
        Range = new(capacity);
        ReadingCount = new(capacity);
        AnomalyScore = new(capacity);
        ReconstructionError = new(capacity);
        IsAnomaly = new(capacity);
        Kind = new(capacity);
        Model = new(capacity);
    }

    public int Partition { get; set; }

    /// <summary>Inclusive upper bound of the file's window ends.</summary>
    public long UpToUs { get; set; }

    /// <summary>Window end of the first and last row; meaningless while <see cref="Count"/> is 0.</summary>
    public long FirstWindowEndUs => WindowEndUs[0];

    public long LastWindowEndUs => WindowEndUs[Count - 1];

    public int Count { get; set; }

    /// <summary>Names of the slots, as of the hand-over.</summary>
    public SeriesNames? Names { get; set; }

    /// <summary>"name:version" of each model that <see cref="Model"/> refers to.</summary>
    public List<string> Models { get; } = [];

    public NativeArray<int> Slot { get; }

    public NativeArray<long> WindowEndUs { get; }

    public NativeArray<double> Mean { get; }

    /// <summary>NaN (null in the file) for one reading, or where it is beyond a double.</summary>
    public NativeArray<double> StdDev { get; }

    public NativeArray<double> Min { get; }

    public NativeArray<double> Max { get; }

    public NativeArray<double> Range { get; }

    public NativeArray<long> ReadingCount { get; }

    /// <summary>NaN (null in the file) while the series is warming, or where no model runs.</summary>
    public NativeArray<float> AnomalyScore { get; }

    /// <summary>NaN (null in the file) where <see cref="AnomalyScore"/> is.</summary>
    public NativeArray<float> ReconstructionError { get; }

    public NativeArray<byte> IsAnomaly { get; }

    /// <summary>Index into <see cref="Scoring.AnomalyKind"/>, or <see cref="NoKind"/>.</summary>
    public NativeArray<sbyte> Kind { get; }

    /// <summary>Index into <see cref="Models"/>, or −1 (null in the file).</summary>
    public NativeArray<sbyte> Model { get; }

    public long Bytes => Slot.Bytes + WindowEndUs.Bytes + Mean.Bytes + StdDev.Bytes + Min.Bytes + Max.Bytes + Range.Bytes + ReadingCount.Bytes
        + AnomalyScore.Bytes + ReconstructionError.Bytes + IsAnomaly.Bytes + Kind.Bytes + Model.Bytes;

    /// <summary>Makes room for <paramref name="rows"/> rows in all.</summary>
    public void EnsureCapacity(int rows)
    {
        if (rows <= Slot.Length) return;
        int capacity = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)rows);
        Slot.Grow(capacity);
        WindowEndUs.Grow(capacity);
        Mean.Grow(capacity);
        StdDev.Grow(capacity);
        Min.Grow(capacity);
        Max.Grow(capacity);
        Range.Grow(capacity);
        ReadingCount.Grow(capacity);
        AnomalyScore.Grow(capacity);
        ReconstructionError.Grow(capacity);
        IsAnomaly.Grow(capacity);
        Kind.Grow(capacity);
        Model.Grow(capacity);
    }

    public void Clear()
    {
        Count = 0;
        Names = null;
        Models.Clear();
    }

    public void Dispose()
    {
        Slot.Dispose();
        WindowEndUs.Dispose();
        Mean.Dispose();
        StdDev.Dispose();
        Min.Dispose();
        Max.Dispose();
        Range.Dispose();
        ReadingCount.Dispose();
        AnomalyScore.Dispose();
        ReconstructionError.Dispose();
        IsAnomaly.Dispose();
        Kind.Dispose();
        Model.Dispose();
    }
}
