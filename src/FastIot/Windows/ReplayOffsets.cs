namespace FastIot.Windows;

/// <summary>
/// First offset of each pane that a replay may need, to tell where one must begin. As long as panes stay open or unstored: their number is
/// bounded by the files a partition may have waiting.
/// </summary>
internal sealed class ReplayOffsets(WindowSpec spec)
{
    private readonly List<(long PaneUs, long Offset)> _panes = new(128);
    private long _committed;

    public void Add(long paneUs, long offset) => _panes.Add((paneUs, offset));

    /// <summary>
    /// First offset of any reading that belongs to a window ending after <paramref name="safeUs"/>; <paramref name="position"/> where there
    /// is none. Never less than it was. Forgets the panes before.
    /// </summary>
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
        return _committed = Math.Max(_committed, offset);
    }
}
