namespace FastIot.Features;

/// <summary>
/// Rows of the model's input of each series' past windows: the last <see cref="RecentRows"/> of them, and every sixth further back where a
/// lag reaches there. Windows slide by a sixth of their length, so every sixth ones are disjoint: nothing is seen twice in the old part.
/// 2,016 bytes a series for twelve features.
/// </summary>
internal sealed unsafe class FeatureHistory : IDisposable
{
    public const int RecentRows = 16;
    public const int CoarseRows = 26;
    public const int CoarseStep = 6;

    /// <summary>Furthest back a lag may reach: then the coarse row wanted is still there, whatever the phase.</summary>
    public const int MaxLag = (CoarseRows - 1) * CoarseStep - (CoarseStep - 1);

    private readonly NativeArray<float> _rows;
    private readonly int[] _lags;
    private readonly int _rowFloats;
    private readonly bool _coarse;

    /// <param name="slots">Series.</param>
    /// <param name="lags">As windows back.</param>
    /// <param name="columns">Features of a row.</param>
    public FeatureHistory(int slots, int[] lags, int columns = FeatureNames.Count)
    {
        foreach (int lag in lags)
        {
            if (lag is < 0 or > MaxLag) throw new ArgumentException($"lag {lag} is not within 0 to {MaxLag}");
        }

        _lags = lags;
        _rowFloats = columns;
        _coarse = lags.Any(lag => lag >= RecentRows);
        SlotFloats = (RecentRows + (_coarse ? CoarseRows : 0)) * columns;
        _rows = new NativeArray<float>(checked(slots * SlotFloats));
    }

    /// <summary>Bytes of one series.</summary>
    public long SlotBytes => (long)SlotFloats * sizeof(float);

    public long Bytes => _rows.Bytes;

    /// <summary>The histories of the first slots, as they lie.</summary>
    public Span<byte> BytesOf(int slots) => new(_rows.Pointer, checked((int)(slots * SlotBytes)));

    /// <summary>What is kept of one series: <see cref="RecentRows"/> rows in a ring, then <see cref="CoarseRows"/> in another where lags need them.</summary>
    public int SlotFloats { get; }

    public void Grow(int slots) => _rows.Grow(checked(slots * SlotFloats));

    /// <summary>Appends the row of the series' window number <paramref name="window"/>, counted from 0.</summary>
    public void Append(int slot, int window, float* row)
    {
        float* rows = Slot(slot);
        Copy(row, rows + (window % RecentRows) * _rowFloats);
        if (_coarse && window % CoarseStep == 0) Copy(row, rows + (RecentRows + window / CoarseStep % CoarseRows) * _rowFloats);
    }

    /// <summary>Writes the model's input [lags][columns], oldest first; zeros before the series' first window.</summary>
    public void Gather(int slot, int windows, float* destination)
    {
        float* rows = Slot(slot);
        int last = windows - 1;
        foreach (int lag in _lags)
        {
            int window = last - lag;
            if (window < 0) new Span<float>(destination, _rowFloats).Clear();
            else if (lag < RecentRows) Copy(rows + (window % RecentRows) * _rowFloats, destination);
            else Copy(rows + (RecentRows + window / CoarseStep % CoarseRows) * _rowFloats, destination);
            destination += _rowFloats;
        }
    }

    /// <summary>The recent rows, oldest first: [rows][columns].</summary>
    /// <returns>How many there are, at most <see cref="RecentRows"/>.</returns>
    public int Recent(int slot, int windows, Span<float> destination)
    {
        float* rows = Slot(slot);
        int count = Math.Min(windows, RecentRows);
        for (int i = 0; i < count; i++)
        {
            new ReadOnlySpan<float>(rows + ((windows - count + i) % RecentRows) * _rowFloats, _rowFloats).CopyTo(destination[(i * _rowFloats)..]);
        }

        return count;
    }

    public void Dispose() => _rows.Dispose();

    private float* Slot(int slot) => _rows.Pointer + (long)slot * SlotFloats;

    private void Copy(float* from, float* to) => new ReadOnlySpan<float>(from, _rowFloats).CopyTo(new Span<float>(to, _rowFloats));
}
