namespace FastIot.Features;

/// <summary>
/// Standardised features of each series' past windows: the last <see cref="RecentRows"/> of them, and every sixth further back. Windows
/// slide by a sixth of their length, so every sixth ones are disjoint: nothing is seen twice in the old part. 2,016 bytes a series.
/// </summary>
internal sealed unsafe class FeatureHistory : IDisposable
{
    public const int RecentRows = 16;
    public const int CoarseRows = 26;
    public const int CoarseStep = 6;

    /// <summary>Furthest back a lag may reach: then the coarse row wanted is still there, whatever the phase.</summary>
    public const int MaxLag = (CoarseRows - 1) * CoarseStep - (CoarseStep - 1);

    private const int RowFloats = FeatureNames.Count;
    private const int SlotFloats = (RecentRows + CoarseRows) * RowFloats;

    private readonly NativeArray<float> _rows;
    private readonly int[] _lags;

    public FeatureHistory(int slots, int[] lags)
    {
        foreach (int lag in lags)
        {
            if (lag is < 0 or > MaxLag) throw new ArgumentException($"lag {lag} is not within 0 to {MaxLag}");
        }

        _lags = lags;
        _rows = new NativeArray<float>(checked(slots * SlotFloats));
    }

    /// <summary>Bytes of one series.</summary>
    public const long SlotBytes = SlotFloats * sizeof(float);

    public long Bytes => _rows.Bytes;

    /// <summary>The histories of the first slots, as they lie.</summary>
    public Span<byte> BytesOf(int slots) => new(_rows.Pointer, checked((int)(slots * SlotBytes)));

    public void Grow(int slots) => _rows.Grow(checked(slots * SlotFloats));

    /// <summary>Appends the row of the series' window number <paramref name="window"/>, counted from 0.</summary>
    public void Append(int slot, int window, float* z)
    {
        float* rows = Slot(slot);
        Copy(z, rows + (window % RecentRows) * RowFloats);
        if (window % CoarseStep == 0) Copy(z, rows + (RecentRows + window / CoarseStep % CoarseRows) * RowFloats);
    }

    /// <summary>Writes the model's input [lags][12], oldest first; zeros before the series' first window.</summary>
    public void Gather(int slot, int windows, float* destination)
    {
        float* rows = Slot(slot);
        int last = windows - 1;
        foreach (int lag in _lags)
        {
            int window = last - lag;
            if (window < 0) new Span<float>(destination, RowFloats).Clear();
            else if (lag < RecentRows) Copy(rows + (window % RecentRows) * RowFloats, destination);
            else Copy(rows + (RecentRows + window / CoarseStep % CoarseRows) * RowFloats, destination);
            destination += RowFloats;
        }
    }

    /// <summary>The recent rows, oldest first: [rows][12].</summary>
    /// <returns>How many there are, at most <see cref="RecentRows"/>.</returns>
    public int Recent(int slot, int windows, Span<float> destination)
    {
        float* rows = Slot(slot);
        int count = Math.Min(windows, RecentRows);
        for (int i = 0; i < count; i++)
        {
            new ReadOnlySpan<float>(rows + ((windows - count + i) % RecentRows) * RowFloats, RowFloats).CopyTo(destination[(i * RowFloats)..]);
        }

        return count;
    }

    public void Dispose() => _rows.Dispose();

    private float* Slot(int slot) => _rows.Pointer + (long)slot * SlotFloats;

    private static void Copy(float* from, float* to) => new ReadOnlySpan<float>(from, RowFloats).CopyTo(new Span<float>(to, RowFloats));
}
