namespace FastIot.Windows;

/// <summary>
/// Which windows of a partition are closed. The watermark is the largest event time seen minus the allowed lateness; the window that ends
/// at E is closed once the watermark has reached E. Only event times move it, never a clock.
/// </summary>
internal struct Watermark(WindowSpec spec)
{
    /// <summary>No reading yet.</summary>
    public const long None = long.MinValue;

    private readonly long _latenessUs = spec.LatenessUs;
    private readonly long _slideUs = spec.SlideUs;
    private readonly long _windowUs = spec.WindowUs;

    public long Us { get; private set; } = None;

    /// <summary>Largest multiple of the slide that the watermark has reached: the last window end closed.</summary>
    public long ClosedUs { get; private set; } = None;

    /// <summary>Start of the oldest pane that is still in an open window.</summary>
    public long OldestOpenPaneUs { get; private set; } = None;

    /// <summary>The watermark this event time would set.</summary>
    public readonly long After(long timeUs) => timeUs - _latenessUs;

    /// <returns>True when at least one window end has been reached: windows up to <see cref="ClosedUs"/> must be closed.</returns>
    public bool Advance(long watermarkUs)
    {
        if (watermarkUs <= Us) return false;
        bool first = Us == None;
        Us = watermarkUs;
        long closed = Floor(watermarkUs, _slideUs);
        if (closed == ClosedUs) return false;
        ClosedUs = closed;
        OldestOpenPaneUs = closed + _slideUs - _windowUs;
        return !first;
    }

    /// <summary>Late: the watermark has passed the end of every window of the reading's pane.</summary>
    public readonly bool IsLate(long timeUs) => timeUs < OldestOpenPaneUs;

    /// <summary>Largest multiple of <paramref name="step"/> not above <paramref name="value"/>, which may be negative.</summary>
    public static long Floor(long value, long step)
    {
        long floor = value / step * step;
        return floor > value ? floor - step : floor;
    }
}
