using BenchmarkDotNet.Attributes;
using FastIot.Features;
using FastIot.Windows;

namespace FastIot.Bench;

/// <summary>A window closes: six panes merged into rows, then their features and baselines; time per series.</summary>
[MemoryDiagnoser]
public unsafe class WindowBench
{
    private const int Panes = 6;
    private const int Series = 10_000;

    private readonly WindowBatch _batch = new();
    private PaneRing _panes = null!;
    private FeatureState _features = null!;
    private Pane*[] _slabs = [];

    [GlobalSetup]
    public void Setup()
    {
        _panes = new PaneRing(8, Series, betweenReadings: true);
        _features = new FeatureState(Series, FeatureSpec.Default);
        _batch.EnsureCapacity(Series);
        var random = new Random(1);
        for (int pane = 0; pane < Panes; pane++)
        {
            for (int i = 0; i < 10 * Series; i++) _panes.Place(pane, i % Series, 20 + random.NextDouble(), i);
        }

        _slabs = new Pane*[Panes];
        for (int pane = 0; pane < Panes; pane++) _slabs[pane] = _panes.Panes(pane);
        Merge();
    }

    [Benchmark(OperationsPerInvoke = Series)]
    public int Merge() => Merged(betweenReadings: false, vectors: true);

    [Benchmark(OperationsPerInvoke = Series)]
    public int MergeScalar() => Merged(betweenReadings: false, vectors: false);

    /// <summary>With differences and Hampel residuals, as a model that names them needs.</summary>
    [Benchmark(OperationsPerInvoke = Series)]
    public int MergeAll() => Merged(betweenReadings: true, vectors: true);

    [Benchmark(OperationsPerInvoke = Series)]
    public void Features()
    {
        _features.Observe(_batch);
        _features.Learn(_batch);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _batch.Dispose();
        _panes.Dispose();
        _features.Dispose();
    }

    private int Merged(bool betweenReadings, bool vectors)
    {
        fixed (Pane** slabs = _slabs) WindowMerge.Merge(slabs, Panes, Series, _batch, betweenReadings, vectors);
        return _batch.Count;
    }
}
