using FastIot.Features;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Evaluation.Baselines;

/// <summary>
/// What the baselines see of a window: the raw six standardised by the series' own running mean and deviation, the transformed features of
/// the engine, and a few of their past values. The baselines of the engine's features are kept apart from the pipeline's, and no alarm slows
/// them: the figures do not depend on the model beside them.
/// </summary>
internal sealed unsafe class BaselineFeatures : IDisposable
{
    public const int Raw = 6;

    private const float RawClip = 3;
    private const int RawWarming = 30;
    private const float MostInput = 50;

    /// <summary>Places of the lags 36, 12, 6, 3, 1 and 0 windows among the default ones.</summary>
    private static readonly int[] s_lags = [.. new[] { 36, 12, 6, 3, 1, 0 }.Select(l => Array.IndexOf(FeatureSpec.Default.Lags, l))];

    private readonly FeatureState _state = new(16, FeatureSpec.Default);
    private readonly WindowBatch _batch = new();
    private readonly int[] _columns;
    private readonly float[] _history = new float[FeatureSpec.Default.Lags.Length * FeatureNames.Count];
    private readonly double _gain = 1 - Math.Pow(2, -1.0 / FeatureSpec.Default.BaselineWindows);
    private RawState[] _raw = new RawState[16];
    private int _slots = 16;

    /// <param name="columns">Transformed features there are; files of features hold no differences between readings.</param>
    public BaselineFeatures(int[] columns) => _columns = columns;

    /// <summary>All twelve.</summary>
    public static int[] AllColumns { get; } = [.. Enumerable.Range(0, FeatureNames.Count)];

    /// <summary>Those that follow from the public six.</summary>
    public static int[] PublicColumns { get; } = [0, 1, 2, 3, 4, 5, 10, 11];

    /// <summary>Length of <see cref="Inputs"/>.</summary>
    public int InputCount => s_lags.Length * _columns.Length + SensorTypes.Count;

    public ReadOnlySpan<int> Columns => _columns;

    /// <summary>Takes a closed window's rows; call <see cref="Learn"/> when done with them.</summary>
    public void Observe(WindowBatch batch, int slots)
    {
        Grow(slots);
        RawColumns.Copy(batch, _batch);
        _state.Observe(_batch);
    }

    public void Learn() => _state.Learn(_batch);

    public bool IsWarming(int slot) => _state.IsWarming(slot);

    public ReadOnlySpan<float> Z(int row) => new(_batch.Z.Pointer + row * FeatureNames.Count, FeatureNames.Count);

    /// <summary>The raw six, standardised; then learnt, winsorised at three deviations.</summary>
    public void RawZ(WindowBatch batch, int row, Span<float> z)
    {
        ref RawState state = ref _raw[batch.Slot[row]];
        double gain = Math.Max(_gain, 1.0 / ++state.Windows);
        for (int f = 0; f < Raw; f++)
        {
            double deviation = Math.Sqrt(state.Variance[f]) + 1e-9 * Math.Abs(state.Mean[f]) + 1e-30, apart = batch.Raw(row, f) - state.Mean[f];
            z[f] = state.Windows <= 2 ? 0 : (float)Math.Clamp(apart / deviation, -FeatureState.MaxZ, FeatureState.MaxZ);
            if (state.Windows > RawWarming) apart = Math.Clamp(apart, -RawClip * deviation, RawClip * deviation);
            state.Mean[f] += gain * apart;
            state.Variance[f] = (1 - gain) * (state.Variance[f] + gain * apart * apart);
        }
    }

    /// <summary>Inputs of the trained baselines: the columns at six lags, and the type one-hot.</summary>
    public void Inputs(int slot, SensorType type, Span<float> inputs)
    {
        fixed (float* history = _history) _state.Gather(slot, history);
        int at = 0;
        foreach (int lag in s_lags)
        {
            foreach (int column in _columns) inputs[at++] = Math.Clamp(_history[lag * FeatureNames.Count + column], -MostInput, MostInput);
        }

        inputs[at..].Clear();
        if (type != SensorType.Other) inputs[at + (int)type] = 1;
    }

    public void Dispose()
    {
        _state.Dispose();
        _batch.Dispose();
    }

    private void Grow(int slots)
    {
        if (slots <= _slots) return;
        _slots = Math.Max(slots, 2 * _slots);
        _state.Grow(_slots);
        Array.Resize(ref _raw, _slots);
    }

    private struct RawState
    {
        public int Windows;
        public SixDoubles Mean;
        public SixDoubles Variance;
    }

    [System.Runtime.CompilerServices.InlineArray(Raw)]
    private struct SixDoubles
    {
        private double _first;
    }
}
