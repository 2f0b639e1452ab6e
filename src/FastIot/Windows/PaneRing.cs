using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace FastIot.Windows;

/// <summary>
/// The panes of one partition: a ring of slabs, each with one <see cref="Pane"/> per slot. Knows nothing of watermarks: who places a
/// reading has made sure that its pane is still open.
/// </summary>
internal sealed unsafe class PaneRing : IDisposable
{
    private const long Unused = long.MinValue;

    private readonly NativeArray<Pane>[] _panes;
    private readonly NativeArray<Tail>[] _tails;
    private readonly NativeArray<Pane> _empty;
    private readonly NativeArray<Tail> _emptyTails;
    private readonly long[] _index;
    private readonly long[] _baseOffset;
    private readonly int _mask;
    private readonly bool _betweenReadings;

    /// <param name="panes">Slabs, a power of two.</param>
    /// <param name="slots">Slots to begin with.</param>
    /// <param name="betweenReadings">Whether differences and Hampel residuals are kept.</param>
    public PaneRing(int panes, int slots, bool betweenReadings)
    {
        _mask = panes - 1;
        _betweenReadings = betweenReadings;
        _panes = new NativeArray<Pane>[panes];
        _tails = new NativeArray<Tail>[panes];
        _index = new long[panes];
        _baseOffset = new long[panes];
        for (int i = 0; i < panes; i++)
        {
            _panes[i] = new NativeArray<Pane>(slots);
            _tails[i] = new NativeArray<Tail>(betweenReadings ? slots : 0);
            _index[i] = Unused;
        }

        _empty = new NativeArray<Pane>(slots);
        _emptyTails = new NativeArray<Tail>(betweenReadings ? slots : 0);
    }

    public bool BetweenReadings => _betweenReadings;

    public int Slots => _empty.Length;

    public long Bytes
    {
        get
        {
            long bytes = _empty.Bytes + _emptyTails.Bytes;
            for (int i = 0; i < _panes.Length; i++) bytes += _panes[i].Bytes + _tails[i].Bytes;
            return bytes;
        }
    }

    public void Grow(int slots)
    {
        foreach (NativeArray<Pane> panes in _panes) panes.Grow(slots);
        _empty.Grow(slots);
        if (!_betweenReadings) return;
        foreach (NativeArray<Tail> tails in _tails) tails.Grow(slots);
        _emptyTails.Grow(slots);
    }

    /// <summary>Adds one reading to a pane (its number: start / slide). The first one of a pane takes over the slab of an expired one.</summary>
    /// <returns>True when it is the pane's first reading.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Place(long pane, int slot, double value, long offset)
    {
        int at = (int)pane & _mask;
        bool first = _index[at] != pane;
        if (first) TakeOver(at, pane, offset);
        ref Pane target = ref _panes[at].Pointer[slot];
        Pane.Add(ref target, value, (uint)Math.Min(offset - _baseOffset[at], uint.MaxValue));
        if (_betweenReadings) PlaceBetween(pane, at, slot, ref target, value);
        return first;
    }

    /// <summary>Fetches a series' place in a pane into the cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(long pane, int slot)
    {
        if (Sse.IsSupported) Sse.Prefetch0(_panes[(int)pane & _mask].Pointer + slot);
    }

    /// <summary>The pane's slab; one of zeros where the pane has no reading.</summary>
    public Pane* Panes(long pane)
    {
        int at = (int)pane & _mask;
        return _index[at] == pane ? _panes[at].Pointer : _empty.Pointer;
    }

    public bool Has(long pane) => _index[(int)pane & _mask] == pane;

    /// <summary>Offset of the series' last reading in the panes from <paramref name="first"/> to <paramref name="last"/>; −1 without any.</summary>
    public long LastOffset(long first, long last, int slot)
    {
        long offset = -1;
        for (long pane = first; pane <= last; pane++)
        {
            int at = (int)pane & _mask;
            if (_index[at] != pane || _panes[at][slot].Count == 0) continue;
            offset = Math.Max(offset, _baseOffset[at] + _panes[at][slot].LastOffset);
        }

        return offset;
    }

    public void Dispose()
    {
        foreach (NativeArray<Pane> panes in _panes) panes.Dispose();
        foreach (NativeArray<Tail> tails in _tails) tails.Dispose();
        _empty.Dispose();
        _emptyTails.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void PlaceBetween(long pane, int at, int slot, ref Pane target, double value)
    {
        int atBefore = (int)(pane - 1) & _mask;
        bool hasBefore = _index[atBefore] == pane - 1;
        int countBefore = hasBefore ? _panes[atBefore].Pointer[slot].Count : 0;
        ref Tail before = ref hasBefore ? ref _tails[atBefore].Pointer[slot] : ref _emptyTails.Pointer[slot];
        Tail.Add(ref _tails[at].Pointer[slot], ref target, ref before, countBefore, value);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TakeOver(int at, long pane, long offset)
    {
        _panes[at].Span.Clear();
        _index[at] = pane;
        _baseOffset[at] = offset;
    }
}
