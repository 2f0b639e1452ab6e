namespace FastIot.Windows;

/// <summary>Length, slide and lateness of the windows, µs of event time. Windows are half open, [start, end), and ends are multiples of the slide.</summary>
public sealed record WindowSpec
{
    public static readonly WindowSpec Default = new();

    public long WindowUs { get; init; } = 60_000_000;

    public long SlideUs { get; init; } = 10_000_000;

    /// <summary>Allowed lateness: the watermark is the largest event time seen, minus this.</summary>
    public long LatenessUs { get; init; } = 2_000_000;

    /// <summary>A reading further ahead of its record's Kafka timestamp is rejected and never moves the watermark.</summary>
    public long MaxFutureUs { get; init; } = 60_000_000;

    /// <summary>Feature rows are stored in files that end at multiples of this.</summary>
    public long FlushUs { get; init; } = 60_000_000;

    public int PanesPerWindow => (int)(WindowUs / SlideUs);

    /// <summary>
    /// Panes held at once, a power of two: those of the oldest open window, those a reading may be ahead of the watermark,
    /// and the one before as context of the features between readings.
    /// </summary>
    public int RingPanes => (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(PanesPerWindow + 2 + LatenessUs / SlideUs));

    /// <exception cref="ArgumentException">A length that does not fit; the message says which and why.</exception>
    public WindowSpec Validate()
    {
        if (SlideUs <= 0) throw new ArgumentException($"slide must be positive, not {SlideUs} µs");
        if (WindowUs < SlideUs || WindowUs % SlideUs != 0) throw new ArgumentException($"window ({WindowUs} µs) must be a multiple of the slide ({SlideUs} µs)");
        if (PanesPerWindow > Limits.MaxPanesPerWindow) throw new ArgumentException($"window / slide is {PanesPerWindow}; at most {Limits.MaxPanesPerWindow}");
        if (LatenessUs < 0 || LatenessUs / SlideUs > 1024) throw new ArgumentException($"lateness must be 0 to 1,024 slides, not {LatenessUs} µs");
        if (MaxFutureUs < 0) throw new ArgumentException($"max-future must not be negative, not {MaxFutureUs} µs");
        if (FlushUs < SlideUs || FlushUs % SlideUs != 0) throw new ArgumentException($"flush interval ({FlushUs} µs) must be a multiple of the slide ({SlideUs} µs)");
        return this;
    }
}
