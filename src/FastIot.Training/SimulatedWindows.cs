using FastIot.Scoring;
using FastIot.Simulation;
using FastIot.Windows;

namespace FastIot.Training;

/// <summary>
/// Windows of a simulated fleet by the engine's own panes and merge: what the model sees in training is bit for bit what it sees in the
/// pipeline.
/// </summary>
internal static unsafe class SimulatedWindows
{
    private const int LeastShard = 50, MostShard = 250, WantedShards = 8;

    /// <summary>
    /// Series played together, nothing that results depend on: enough of them to fill a scoring chunk, which costs the same however few
    /// rows are in it; few enough that a shard's windows stay in memory and each thread has some.
    /// </summary>
    public static int ShardSeries(int all) => Math.Clamp((all + WantedShards - 1) / WantedShards, LeastShard, MostShard);

    public static int Shards(int all) => (all + ShardSeries(all) - 1) / ShardSeries(all);

    /// <summary>The fleet's sensors of one shard; series and events are numbered from 0 within it.</summary>
    public static WindowLog Simulate(FleetOptions options, double hours, int shard)
    {
        int size = ShardSeries(options.Sensors), first = shard * size, count = Math.Min(size, options.Sensors - first);
        WindowSpec spec = WindowSpec.Default;
        long firstEnd = Watermark.Floor(options.StartUs, spec.SlideUs) + spec.SlideUs, until = options.StartUs + (long)(hours * 3600e6);
        var log = new WindowLog { Spec = spec, FirstEndUs = firstEnd, Types = [.. Enumerable.Range(first, count).Select(Fleet.TypeOf)] };
        var last = new AnomalyEvent?[count];
        using var fleet = new Fleet(options, [.. Enumerable.Range(first, count)], e =>
        {
            last[e.Sensor - first] = e with { Sensor = e.Sensor - first };
            log.Events.Add(e with { Sensor = e.Sensor - first });
        });
        using var closer = new WindowCutter(spec, count);
        var readings = new SimulatedReading[4096];
        for (long end = firstEnd; end <= until; end += spec.SlideUs)
        {
            int made;
            while ((made = fleet.Fill(readings, end)) > 0)
            {
                for (int i = 0; i < made; i++) closer.Place(readings[i].TimeUs, readings[i].Sensor - first, readings[i].Value);
            }

            log.Append(closer.Close(end), series => last[series] is { } e ? WindowLabel.Of(e, end, spec) : WindowLabel.Normal);
        }

        return log;
    }
}

/// <summary>Panes and merge of some series whose readings come in order of their slides.</summary>
internal sealed unsafe class WindowCutter : IDisposable
{
    private readonly WindowSpec _spec;
    private readonly int _series;
    private readonly PaneRing _panes;
    private readonly NativeArray<nint> _slabs;
    private readonly WindowBatch _batch = new();

    public WindowCutter(WindowSpec spec, int series)
    {
        _spec = spec;
        _series = series;
        _panes = new PaneRing(spec.RingPanes, series, betweenReadings: true);
        _slabs = new NativeArray<nint>(spec.PanesPerWindow);
        _batch.EnsureCapacity(series);
    }

    public void Place(long timeUs, int series, double value) => _panes.Place(timeUs / _spec.SlideUs, series, value, 0);

    /// <returns>The rows of the window that ends here; valid until the next call.</returns>
    public WindowBatch Close(long endUs)
    {
        long first = (endUs - _spec.WindowUs) / _spec.SlideUs;
        for (int i = 0; i < _spec.PanesPerWindow; i++) _slabs[i] = (nint)_panes.Panes(first + i);
        _batch.WindowEndUs = endUs;
        WindowMerge.Merge((Pane**)_slabs.Pointer, _spec.PanesPerWindow, _series, _batch, betweenReadings: true, Simd.Tier >= SimdTier.Vector256);
        return _batch;
    }

    public void Dispose()
    {
        _panes.Dispose();
        _slabs.Dispose();
        _batch.Dispose();
    }
}
