using FastIot.Decode;
using FastIot.Features;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Serving;

/// <summary>
/// Takes a request's readings through the pipeline's own panes, windows, features and scorer, from nothing to the last window: what the pipeline
/// would say of a series that it has seen from the first reading on. Nothing is kept from request to request.
/// </summary>
internal sealed unsafe class SeriesReplay : IDisposable
{
    /// <summary>Six hours of windows, more than the baselines remember.</summary>
    public const int MostPanes = 2160;

    public const int MostSeries = 1024;

    private readonly WindowSpec _spec = WindowSpec.Default;
    private readonly List<(long TimeUs, int Slot, double Value)> _readings = [];
    private readonly SeriesTable _series = new(MostSeries);
    private readonly WindowScorer _scorer;
    private readonly FeatureState _features;
    private readonly PaneRing _panes;

    /// <param name="scorer">Used by this replay only while it runs.</param>
    public SeriesReplay(WindowScorer scorer, FeatureSpec features)
    {
        _scorer = scorer;
        _features = new FeatureState(_series.Capacity, features);
        _panes = new PaneRing(_spec.RingPanes, _series.Capacity, betweenReadings: true);
    }

    public WindowSpec Windows => _spec;

    public SeriesTable Series => _series;

    public FeatureState Features => _features;

    /// <summary>Readings that cannot be used: their place in the list, and why.</summary>
    public List<(int Index, Rejection Reason)> Rejected { get; } = [];

    /// <summary>Decodes readings as they stand in Kafka records.</summary>
    public void Add(byte* json, int length)
    {
        using var decoder = new ReadingDecoder(new DecodeOptions());
        decoder.Open(json, length);
        while (decoder.Next(out Reading reading, out Rejection rejection))
        {
            int slot = rejection == Rejection.None ? _series.FindOrAdd(in reading) : -1;
            if (slot >= 0) _readings.Add((reading.TimeUs, slot, reading.Value));
            else Rejected.Add((decoder.Index, rejection == Rejection.None ? Rejection.TooManySeries : rejection));
        }

        _panes.Grow(_series.Capacity);
        _features.Grow(_series.Capacity);
    }

    /// <summary>Closes and scores every window, in order of time.</summary>
    /// <param name="closed">Called with the rows of each.</param>
    /// <exception cref="ServingException">No readings, or too long a time between the first and the last.</exception>
    public void Run(Action<WindowBatch> closed)
    {
        if (_readings.Count == 0) throw ServingException.Invalid("None of the readings can be used");
        // Ordered as the log would be if all were on time; readings of one moment stay as they came.
        (long TimeUs, int Slot, double Value)[] ordered = [.. _readings.OrderBy(r => r.TimeUs)];
        long first = ordered[0].TimeUs / _spec.SlideUs, last = ordered[^1].TimeUs / _spec.SlideUs;
        if (last - first >= MostPanes) throw ServingException.Invalid($"The readings span {(last - first + 1) * _spec.SlideUs / 1_000_000} s; at most {MostPanes * _spec.SlideUs / 1_000_000} s are scored");
        using var batch = new WindowBatch();
        int at = 0;
        for (long pane = first; pane <= last; pane++)
        {
            for (; at < ordered.Length && ordered[at].TimeUs / _spec.SlideUs == pane; at++) _panes.Place(pane, ordered[at].Slot, ordered[at].Value, -1);
            Close((pane + 1) * _spec.SlideUs, batch);
            if (batch.Count > 0) closed(batch);
        }
    }

    public void Dispose()
    {
        _series.Dispose();
        _features.Dispose();
        _panes.Dispose();
    }

    private void Close(long endUs, WindowBatch batch)
    {
        batch.EnsureCapacity(_series.Capacity);
        batch.WindowEndUs = endUs;
        Pane** panes = stackalloc Pane*[_spec.PanesPerWindow];
        long first = (endUs - _spec.WindowUs) / _spec.SlideUs;
        for (int i = 0; i < _spec.PanesPerWindow; i++) panes[i] = _panes.Panes(first + i);
        WindowMerge.Merge(panes, _spec.PanesPerWindow, _series.Count, batch, _panes.BetweenReadings, Simd.Tier >= SimdTier.Vector256);
        if (batch.Count == 0) return;
        _features.Observe(batch);
        _scorer.Score(batch, _features, _series);
        Episodes.Update(batch, _features, _spec.WindowUs);
        _features.Learn(batch);
    }
}
