using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Evaluation.Baselines;

/// <summary>
/// Collects labelled windows of a training fleet, and trains the baselines on them: isolation forest on healthy windows, logistic regression
/// and gradient boosting on both.
/// </summary>
internal sealed class BaselineTrainer : IWindowObserver, IDisposable
{
    private const int MostOfEach = 60_000;

    private readonly BaselineFeatures _features;
    private readonly EventLog _events;
    private readonly long _windowUs;
    private readonly Random _random;
    private readonly List<float[]> _healthy = [];
    private readonly List<float[]> _anomalous = [];
    private readonly List<List<TruthEvent>> _eventsOfSlot = [];
    private long _seenHealthy, _seenAnomalous;

    /// <param name="events">Knows every event that began before a window closes.</param>
    public BaselineTrainer(int[] columns, EventLog events, long windowUs, int seed)
    {
        (_features, _events, _windowUs, _random) = (new BaselineFeatures(columns), events, windowUs, new Random(seed));
    }

    /// <summary>What logistic regression sees: how far, not in which direction; long tails shortened.</summary>
    public static float Size(float z) => MathF.Log(1 + Math.Abs(z));

    public void Window(WindowBatch batch, SeriesTable series)
    {
        _features.Observe(batch, series.Count);
        long[] end = [batch.WindowEndUs];
        for (int row = 0; row < batch.Count; row++)
        {
            int slot = batch.Slot[row];
            if (_features.IsWarming(slot)) continue;
            int label = EventLabels.Of(end, Events(slot, series), _windowUs)[0];
            if (label == EventLabels.DoNotCare) continue;
            if (label >= 0) Keep(_anomalous, ref _seenAnomalous, slot, series);
            else Keep(_healthy, ref _seenHealthy, slot, series);
        }

        _features.Learn();
    }

    /// <exception cref="InvalidOperationException">The fleet had no events, or nothing else.</exception>
    public TrainedBaselines Train(int seed, BoostingOptions boosting, Action<double>? progress = null)
    {
        if (_healthy.Count == 0 || _anomalous.Count == 0) throw new InvalidOperationException($"the training fleet has {_healthy.Count} healthy windows and {_anomalous.Count} anomalous ones past warming: simulate more of it");
        int columns = _features.Columns.Length, now = (_features.InputCount - SensorTypes.Count) - columns;
        var forest = IsolationForest.Train([.. _healthy.Select(r => r[now..(now + columns)])], seed);
        float[][] rows = [.. _healthy, .. _anomalous];
        bool[] labels = [.. rows.Select((_, i) => i >= _healthy.Count)];
        var trees = GradientBoosting.Train(rows, labels, boosting, progress);
        return new TrainedBaselines(forest, LogisticRegression.Train([.. rows.Select(r => Array.ConvertAll(r, Size))], labels), trees);
    }

    public void Dispose() => _features.Dispose();

    private List<TruthEvent> Events(int slot, SeriesTable series)
    {
        while (_eventsOfSlot.Count <= slot) _eventsOfSlot.Add(_events.Of(EventLog.Name(series.SensorId(_eventsOfSlot.Count), series.Metric(_eventsOfSlot.Count))));
        return _eventsOfSlot[slot];
    }

    /// <summary>A fair sample of bounded size: each row seen is kept with the same chance.</summary>
    private void Keep(List<float[]> kept, ref long seen, int slot, SeriesTable series)
    {
        seen++;
        long place = kept.Count < MostOfEach ? kept.Count : _random.NextInt64(seen);
        if (place >= MostOfEach) return;
        float[] inputs = place == kept.Count ? new float[_features.InputCount] : kept[(int)place];
        _features.Inputs(slot, series.Type(slot), inputs);
        if (place == kept.Count) kept.Add(inputs);
    }
}
