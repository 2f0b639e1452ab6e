using System.Diagnostics;
using FastIot.Alarms;
using FastIot.Features;
using FastIot.Observe.Live;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot;

/// <summary>
/// What happens when a window closes: merge, features, scores, learn, outputs. One per worker, with the scratch rows that all its
/// partitions share.
/// </summary>
internal sealed unsafe class WindowCloser : IDisposable
{
    private readonly WindowSpec _spec;
    private readonly Evaluation.IWindowObserver? _observer;
    private readonly WindowBatch _batch = new();
    private readonly WorkerStatistics _statistics;
    private readonly LiveWorker? _live;
    private readonly ShadowScorer? _shadow;
    private readonly AlarmTap? _alarms;
    private readonly NativeArray<nint> _slabs;
    private readonly bool _hasFeatures;
    private readonly bool _vectors = Simd.Tier >= SimdTier.Vector256;

    /// <param name="live">Shows what closes; null = nobody can look.</param>
    /// <param name="shadow">Scores what closes once more, for comparison; null = nothing is compared.</param>
    /// <param name="alarms">Tells people; null = nobody is told.</param>
    public WindowCloser(PipelineOptions options, ScorerSet scorers, WorkerStatistics statistics, LiveWorker? live = null, ShadowScorer? shadow = null, AlarmTap? alarms = null)
    {
        _spec = options.Windows;
        Scorers = scorers;
        _observer = options.Observer;
        _hasFeatures = options.Features.Names.Length > 0;
        _statistics = statistics;
        _live = live;
        _shadow = shadow;
        _alarms = alarms;
        _slabs = new NativeArray<nint>(_spec.PanesPerWindow);
    }

    public ScorerSet Scorers { get; }

    public void Close(long endUs, int model, PaneRing panes, SeriesTable series, FeatureState features, PartitionOutputs outputs, long causeUs)
    {
        long started = Stopwatch.GetTimestamp();
        _batch.EnsureCapacity(series.Capacity);
        _batch.WindowEndUs = endUs;
        long first = (endUs - _spec.WindowUs) / _spec.SlideUs;
        for (int i = 0; i < _spec.PanesPerWindow; i++) _slabs[i] = (nint)panes.Panes(first + i);
        WindowMerge.Merge((Pane**)_slabs.Pointer, _spec.PanesPerWindow, series.Count, _batch, panes.BetweenReadings, _vectors);
        if (!outputs.Wants(endUs)) return;
        if (_batch.Count > 0) Score(endUs, model, series, features, outputs, causeUs, started);
        _alarms?.Window(outputs.Partition, _batch, series, features, outputs.IsNew(endUs));
    }

    /// <summary>The partition is given up: nothing of it is shown, compared or told any more.</summary>
    public void Forget(int partition)
    {
        _live?.Forget(partition);
        _shadow?.Forget(partition);
        _alarms?.Forget(partition);
    }

    public void Dispose()
    {
        Scorers.Dispose();
        _shadow?.Dispose();
        _batch.Dispose();
        _slabs.Dispose();
    }

    private void Score(long endUs, int model, SeriesTable series, FeatureState features, PartitionOutputs outputs, long causeUs, long started)
    {
        FaultPoint.Hit(FaultPoint.WindowClosed);

        if (_hasFeatures) features.Observe(_batch);
        long observed = Stopwatch.GetTimestamp();
        Scorers[model].Score(_batch, features, series);
        Episodes.Update(_batch, features, _spec.WindowUs);
        _observer?.Window(_batch, series);
        long scored = Stopwatch.GetTimestamp();
        if (_hasFeatures) features.Learn(_batch);
        outputs.Window(_batch, model, causeUs);
        _live?.Window(outputs.Partition, _batch, series, features);
        _statistics.ScoreTicks += scored - observed;
        _statistics.CloseTicks += Stopwatch.GetTimestamp() - started - (scored - observed);

        // Last, when every output has what it needs. What the model sees of a series is as it was before the baselines moved.
        _shadow?.Compare(outputs.Partition, _batch, features, series);
    }
}
