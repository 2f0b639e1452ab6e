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
}

/// <summary>
/// Windows of a simulated fleet with the engine's own panes, merge and features, and their labels: what the model sees in training is bit
/// for bit what it sees in the pipeline.
/// </summary>
internal sealed unsafe class FleetWindows : IDisposable
{
    private const long LeastOverlapUs = 30_000_000;
    private const long AfterEventUs = 120_000_000;

    private readonly Fleet _fleet;
    private readonly WindowSpec _spec = WindowSpec.Default;
    private readonly PaneRing _panes;
    private readonly AnomalyEvent?[] _lastEvent;
    private readonly SimulatedReading[] _readings = new SimulatedReading[4096];
    private readonly NativeArray<nint> _slabs;

    public FleetWindows(FleetOptions options, FeatureSpec features)
    {
        _lastEvent = new AnomalyEvent?[options.Sensors];
        _fleet = new Fleet(options, null, e =>
        {
            _lastEvent[e.Sensor] = e;
            Events.Add(e);
        });
        _panes = new PaneRing(_spec.RingPanes, options.Sensors, betweenReadings: true);
        _slabs = new NativeArray<nint>(_spec.PanesPerWindow);
        Features = new FeatureState(options.Sensors, features);
        Batch.EnsureCapacity(options.Sensors);
    }

    public FeatureState Features { get; }

    public WindowBatch Batch { get; } = new();

    /// <summary>Events begun so far, in order of their start.</summary>
    public List<AnomalyEvent> Events { get; } = [];

    /// <summary>
    /// Plays the fleet for this long. For every window end, <paramref name="closed"/> sees <see cref="Batch"/> observed but not learnt
    /// from (so that it may score it and mark alarms).
    /// </summary>
    public void Play(double hours, Action closed)
    {
        long start = _fleet.Options.StartUs, until = start + (long)(hours * 3600e6);
        for (long end = Watermark.Floor(start, _spec.SlideUs) + _spec.SlideUs; end <= until; end += _spec.SlideUs)
        {
            int count;
            while ((count = _fleet.Fill(_readings, end)) > 0) Place(count);
            Close(end);
            if (Batch.Count == 0) continue;
            Features.Observe(Batch);
            Batch.IsAnomaly.Span.Clear();
            closed();
            Features.Learn(Batch);
        }
    }

    /// <summary>Index of a kind, or of <see cref="WindowLabel"/>.</summary>
    public sbyte Label(int sensor, long windowEndUs)
    {
        if (_lastEvent[sensor] is not { } e) return WindowLabel.Normal;
        long start = windowEndUs - _spec.WindowUs;
        long overlap = Math.Min(windowEndUs, e.EndUs) - Math.Max(start, e.StartUs);
        if (overlap >= LeastOverlapUs || e.Kind == AnomalyKind.Spike && overlap > 0)
        {
            // A drift's window must end within the ramp: the jump back at its end is no drift.
            return e.Kind == AnomalyKind.Drift && windowEndUs > e.EndUs ? WindowLabel.DoNotCare : (sbyte)e.Kind;
        }

        return overlap > 0 || start >= e.EndUs && start < e.EndUs + AfterEventUs ? WindowLabel.DoNotCare : WindowLabel.Normal;
    }

    public void Dispose()
    {
        _fleet.Dispose();
        _panes.Dispose();
        _slabs.Dispose();
        Features.Dispose();
        Batch.Dispose();
    }

    private void Place(int count)
    {
        for (int i = 0; i < count; i++)
        {
            ref SimulatedReading reading = ref _readings[i];
            _panes.Place(reading.TimeUs / _spec.SlideUs, reading.Sensor, reading.Value, 0);
        }
    }

    private void Close(long end)
    {
        long first = (end - _spec.WindowUs) / _spec.SlideUs;
        for (int i = 0; i < _spec.PanesPerWindow; i++) _slabs[i] = (nint)_panes.Panes(first + i);
        Batch.WindowEndUs = end;
        WindowMerge.Merge((Pane**)_slabs.Pointer, _spec.PanesPerWindow, _lastEvent.Length, Batch, betweenReadings: true, Simd.Tier >= SimdTier.Vector256);
    }
}
