using FastIot.Windows;

namespace FastIot.Features;

/// <summary>Which features a model's input has as columns, and how a closed window's row becomes one of them.</summary>
internal sealed unsafe class InputColumns
{
    private readonly int[] _feature;
    private readonly double[] _mean;
    private readonly double[] _perScale;

    public InputColumns(FeatureSpec spec)
    {
        _feature = [.. spec.Names.Select(name => Array.IndexOf(FeatureNames.All, name) is >= 0 and int at ? at : FeatureNames.Count + Array.IndexOf(FeatureNames.Raw, name))];
        AreStandardised = _feature.AsSpan().SequenceEqual([.. Enumerable.Range(0, FeatureNames.Count)]);
        _mean = new double[_feature.Length];
        _perScale = new double[_feature.Length];
        for (int column = 0, raw = 0; column < _feature.Length; column++)
        {
            if (_feature[column] < FeatureNames.Count) continue;
            _mean[column] = spec.RawMean[raw];
            _perScale[column] = 1 / spec.RawScale[raw++];
        }
    }

    public int Count => _feature.Length;

    /// <summary>The columns are the twelve transformed features in their order: z as it is.</summary>
    public bool AreStandardised { get; }

    public void Fill(WindowBatch batch, int row, float* z, float* destination)
    {
        for (int column = 0; column < _feature.Length; column++)
        {
            int feature = _feature[column];
            destination[column] = feature < FeatureNames.Count ? z[feature]
                : FeatureState.Bounded((batch.Raw(row, feature - FeatureNames.Count) - _mean[column]) * _perScale[column]);
        }
    }
}
