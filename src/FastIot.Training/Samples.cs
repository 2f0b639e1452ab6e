using FastIot.Features;
using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Training;

/// <summary>Model inputs with labels: all anomalous windows of a fleet, and a share of its normal ones.</summary>
internal sealed unsafe class Samples : IDisposable
{
    private readonly NativeArray<float> _features = new(0);
    private readonly List<sbyte> _labels = [];
    private readonly List<sbyte> _types = [];

    public Samples(int lags) => RowFloats = lags * FeatureNames.Count;

    public int RowFloats { get; }

    public int Count => _labels.Count;

    /// <summary>Indices of normal windows, and of those of each kind.</summary>
    public List<int> Normal { get; } = [];

    public List<int>[] OfKind { get; } = [.. Enumerable.Range(0, AnomalyKinds.Modelled).Select(_ => new List<int>())];

    public sbyte Label(int index) => _labels[index];

    public sbyte Type(int index) => _types[index];

    public ReadOnlySpan<float> Features(int index) => new(_features.Pointer + (long)index * RowFloats, RowFloats);

    /// <summary>Plays a fleet and keeps its windows past warming.</summary>
    public void Add(FleetOptions fleet, double hours, FeatureSpec spec, double normalShare, Action<double> progress)
    {
        using var windows = new FleetWindows(fleet, spec);
        var random = new Random((int)fleet.Seed);
        windows.Play(hours, () =>
        {
            for (int row = 0; row < windows.Batch.Count; row++)
            {
                int sensor = windows.Batch.Slot[row];
                if (windows.Features.IsWarming(sensor)) continue;
                sbyte label = windows.Label(sensor, windows.Batch.WindowEndUs);
                if (label == WindowLabel.DoNotCare || label == WindowLabel.Normal && random.NextDouble() >= normalShare) continue;
                Add(windows, sensor, label);
            }

            progress((windows.Batch.WindowEndUs - fleet.StartUs) / (hours * 3600e6));
        });
    }

    public void Dispose() => _features.Dispose();

    private void Add(FleetWindows windows, int sensor, sbyte label)
    {
        long needed = (long)(Count + 1) * RowFloats;
        if (needed > _features.Length) _features.Grow((int)Math.Min(int.MaxValue, Math.Max(needed, 3L * _features.Length / 2)));
        windows.Features.Gather(sensor, _features.Pointer + (long)Count * RowFloats);
        (label == WindowLabel.Normal ? Normal : OfKind[label]).Add(Count);
        _labels.Add(label);
        _types.Add((sbyte)Fleet.TypeOf(sensor));
    }
}
