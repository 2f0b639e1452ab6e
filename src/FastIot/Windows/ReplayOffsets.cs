namespace FastIot.Windows;

/// <summary>
/// First offset of each pane that a replay may need, to tell where one must begin. As long as panes stay open or unstored: their number is
/// bounded by the files a partition may have waiting.
/// </summary>
internal sealed class ReplayOffsets(WindowSpec spec)
{
    private readonly List<(long PaneUs, long Offset)> _panes = new(128);
    private long _least;

    /// <summary>Where reading has begun: no commit may lie before.</summary>
    public void Begin(long offset) => _least = offset;

    /// <summary>The pane's first reading. A history from before the log (offset −1) needs no replay.</summary>
    public void Add(long paneUs, long offset) => _panes.Add((paneUs, offset < 0 ? _least : offset));

    /// <summary>
    /// First offset of any reading that belongs to a window ending after <paramref name="safeUs"/>; <paramref name="position"/> where there
    /// is none. Forgets the panes before.
    /// </summary>
    /// <exception cref="InvalidOperationException">It is less than it was: the protocol was broken, nothing may be committed.</exception>
    public long OffsetAfter(long safeUs, long position)
    {
        if (safeUs != long.MinValue)
        {
            for (int i = _panes.Count - 1; i >= 0; i--)
            {
                if (_panes[i].PaneUs + spec.WindowUs <= safeUs) _panes.RemoveAt(i);
            }
        }

        long offset = position;
        foreach ((long _, long first) in _panes) offset = Math.Min(offset, first);
        if (offset < _least) throw new InvalidOperationException($"the replay offset went back from {_least} to {offset}");
        return _least = offset;
    }
}
