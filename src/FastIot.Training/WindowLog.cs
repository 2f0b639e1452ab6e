using FastIot.Features;
using FastIot.Scoring;
using FastIot.Simulation;
using FastIot.Windows;

namespace FastIot.Training;

/// <summary>What a window is in training and evaluation.</summary>
internal static class WindowLabel
{
    public const sbyte Normal = -1;

    /// <summary>Touches an event without showing it, or lies within two minutes behind one: neither right nor wrong.</summary>
    public const sbyte DoNotCare = -2;

    private const long LeastOverlapUs = 30_000_000;
    private const long AfterEventUs = 120_000_000;

    /// <summary>Index of the event's kind, or one of the above, for the window that ends here; <paramref name="e"/> is the last event begun.</summary>
    public static sbyte Of(in AnomalyEvent e, long windowEndUs, WindowSpec spec)
    {
        long start = windowEndUs - spec.WindowUs;
        long overlap = Math.Min(windowEndUs, e.EndUs) - Math.Max(start, e.StartUs);
        if (overlap >= LeastOverlapUs || e.Kind == AnomalyKind.Spike && overlap > 0)
        {
            // A drift's window must end within the ramp: the jump back at its end is no drift.
            return e.Kind == AnomalyKind.Drift && windowEndUs > e.EndUs ? DoNotCare : (sbyte)e.Kind;
        }

        return overlap > 0 || start >= e.EndUs && start < e.EndUs + AfterEventUs ? DoNotCare : Normal;
    }
}

/// <summary>What the merge found for one series and window.</summary>
internal struct WindowRow
{
    public double Mean, StdDev, Min, Max;
    public float SumSqDiff, MaxDiff, MaxHampel;
    public int Series, Readings, ZeroDiffs;
    public sbyte Label;
}

/// <summary>
/// The closed windows of some series in memory, before any baseline: what is simulated or read once is played through the features as
/// often as wanted, under other rules of learning, bit for bit as the pipeline does it.
/// </summary>
internal sealed class WindowLog
{
    private List<WindowRow[]> _windows = [];

    public required WindowSpec Spec { get; init; }

    public required long FirstEndUs { get; init; }

    /// <summary>Type of each series.</summary>
    public required SensorType[] Types { get; init; }

    /// <summary>Windows that count, [from, to): the others are played for the baselines' sake only.</summary>
    public (int From, int To) Used { get; init; } = (0, int.MaxValue);

    /// <summary>Injected anomalies in order of their start; <see cref="AnomalyEvent.Sensor"/> is the index of the series here.</summary>
    public List<AnomalyEvent> Events { get; private init; } = [];

    public int Series => Types.Length;

    /// <summary>Window ends, one slide apart.</summary>
    public int Windows => _windows.Count;

    /// <summary>The same windows, of which these shares of the time count.</summary>
    public WindowLog Between(double from, double to) => new()
    {
        Spec = Spec,
        FirstEndUs = FirstEndUs,
        Types = Types,
        Events = Events,
        _windows = _windows,
        Used = ((int)(from * Windows), (int)(to * Windows)),
    };

    public bool Uses(int window) => window >= Used.From && window < Used.To;

    public long EndUs(int window) => FirstEndUs + window * Spec.SlideUs;

    public ReadOnlySpan<WindowRow> Rows(int window) => _windows[window];

    /// <summary>Appends the next window end's rows.</summary>
    public void Append(WindowBatch batch, Func<int, sbyte> label)
    {
        var rows = new WindowRow[batch.Count];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = new WindowRow
            {
                Mean = batch.Mean[i],
                StdDev = batch.StdDev[i],
                Min = batch.Min[i],
                Max = batch.Max[i],
                SumSqDiff = batch.SumSqDiff[i],
                MaxDiff = batch.MaxDiff[i],
                MaxHampel = batch.MaxHampel[i],
                ZeroDiffs = batch.ZeroDiffs[i],
                Series = batch.Slot[i],
                Readings = batch.ReadingCount[i],
                Label = label(batch.Slot[i]),
            };
        }

        _windows.Add(rows);
    }

    /// <summary>
    /// Plays all windows through fresh baselines. <paramref name="observed"/> sees each batch with its features (and the index of its
    /// window end), and sets <see cref="WindowBatch.LearnSlowly"/> of rows that the baselines shall learn little from.
    /// </summary>
    public void Play(FeatureSpec spec, Action<int, WindowBatch, FeatureState> observed)
    {
        using var features = new FeatureState(Series, spec);
        using var batch = new WindowBatch();
        batch.EnsureCapacity(Series);
        for (int w = 0; w < Windows; w++)
        {
            Load(batch, w);
            if (batch.Count == 0) continue;
            features.Observe(batch);
            observed(w, batch, features);
            features.Learn(batch);
        }
    }

    private void Load(WindowBatch batch, int window)
    {
        WindowRow[] rows = _windows[window];
        batch.Count = rows.Length;
        batch.WindowEndUs = EndUs(window);
        batch.LearnSlowly.Span[..rows.Length].Clear();
        for (int i = 0; i < rows.Length; i++)
        {
            ref WindowRow row = ref rows[i];
            batch.Slot[i] = row.Series;
            batch.ReadingCount[i] = row.Readings;
            batch.Mean[i] = row.Mean;
            batch.StdDev[i] = row.StdDev;
            batch.Min[i] = row.Min;
            batch.Max[i] = row.Max;
            batch.Range[i] = row.Max - row.Min;
            batch.SumSqDiff[i] = row.SumSqDiff;
            batch.MaxDiff[i] = row.MaxDiff;
            batch.MaxHampel[i] = row.MaxHampel;
            batch.ZeroDiffs[i] = row.ZeroDiffs;
        }
    }
}
