using FastIot.Features;

namespace FastIot.Windows;

/// <summary>
/// The rows of one closed window of one partition, in columns: first what the merge finds, then the features and scores the later stages
/// add. One per worker; reused for every window.
/// </summary>
internal sealed class WindowBatch : IDisposable
{
    public long WindowEndUs;

    /// <summary>Rows: series with at least one reading in the window, by rising slot.</summary>
    public int Count;

    /// <summary>Rows that the model has scored.</summary>
    public int Scored;

    public NativeArray<int> Slot { get; } = new(0);

    public NativeArray<int> ReadingCount { get; } = new(0);

    public NativeArray<double> Mean { get; } = new(0);

    /// <summary>Sample standard deviation; NaN for one reading, or where it is beyond a double.</summary>
    public NativeArray<double> StdDev { get; } = new(0);

    public NativeArray<double> Min { get; } = new(0);

    public NativeArray<double> Max { get; } = new(0);

    public NativeArray<double> Range { get; } = new(0);

    public NativeArray<float> SumSqDiff { get; } = new(0);

    public NativeArray<float> MaxDiff { get; } = new(0);

    public NativeArray<float> MaxHampel { get; } = new(0);

    public NativeArray<int> ZeroDiffs { get; } = new(0);

    /// <summary>Transformed features before standardisation, [row][12].</summary>
    public NativeArray<float> Phi { get; } = new(0);

    /// <summary>Standardised features, [row][12].</summary>
    public NativeArray<float> Z { get; } = new(0);

    /// <summary>NaN while the series is warming, or without a model.</summary>
    public NativeArray<float> AnomalyScore { get; } = new(0);

    /// <summary>Raw score of the model's head; NaN as <see cref="AnomalyScore"/>, or where the model has no head.</summary>
    public NativeArray<float> HeadScore { get; } = new(0);

    public NativeArray<float> ReconstructionError { get; } = new(0);

    public NativeArray<byte> IsAnomaly { get; } = new(0);

    /// <summary>Rows that the baselines learn little from, lest a fault becomes the norm.</summary>
    public NativeArray<byte> LearnSlowly { get; } = new(0);

    public NativeArray<sbyte> Kind { get; } = new(0);

    /// <summary>How often a healthy sensor would show a window as strong as this; NaN where there is no score.</summary>
    public NativeArray<float> FalseAlarmsPerDay { get; } = new(0);

    /// <summary>Softmax of the model's kinds, [row][4]; zeros where no model ran.</summary>
    public NativeArray<float> KindScores { get; } = new(0);

    public int Capacity => Slot.Length;

    public long Bytes => Capacity * (2L * 4 + 5 * 8 + 4 * 4 + 2 * 4L * FeatureNames.Count + 4 * 4 + 3 + 16);

    /// <summary>A row's statistic by its place in <see cref="FeatureNames.Raw"/>; the deviation of a single reading is 0.</summary>
    public double Raw(int row, int feature) => feature switch
    {
        0 => Mean[row],
        1 => double.IsNaN(StdDev[row]) ? 0 : StdDev[row],
        2 => Min[row],
        3 => Max[row],
        4 => ReadingCount[row],
        _ => Range[row],
    };

    public void EnsureCapacity(int rows)
    {
        if (rows <= Capacity) return;
        Slot.Grow(rows);
        ReadingCount.Grow(rows);
        Mean.Grow(rows);
        StdDev.Grow(rows);
        Min.Grow(rows);
        Max.Grow(rows);
        Range.Grow(rows);
        SumSqDiff.Grow(rows);
        MaxDiff.Grow(rows);
        MaxHampel.Grow(rows);
        ZeroDiffs.Grow(rows);
        Phi.Grow(rows * FeatureNames.Count);
        Z.Grow(rows * FeatureNames.Count);
        AnomalyScore.Grow(rows);
        HeadScore.Grow(rows);
        ReconstructionError.Grow(rows);
        IsAnomaly.Grow(rows);
        LearnSlowly.Grow(rows);
        Kind.Grow(rows);
        FalseAlarmsPerDay.Grow(rows);
        KindScores.Grow(rows * Scoring.AnomalyKinds.Modelled);
    }

    public void Dispose()
    {
        Slot.Dispose();
        ReadingCount.Dispose();
        Mean.Dispose();
        StdDev.Dispose();
        Min.Dispose();
        Max.Dispose();
        Range.Dispose();
        SumSqDiff.Dispose();
        MaxDiff.Dispose();
        MaxHampel.Dispose();
        ZeroDiffs.Dispose();
        Phi.Dispose();
        Z.Dispose();
        AnomalyScore.Dispose();
        HeadScore.Dispose();
        ReconstructionError.Dispose();
        IsAnomaly.Dispose();
        LearnSlowly.Dispose();
        Kind.Dispose();
        FalseAlarmsPerDay.Dispose();
        KindScores.Dispose();
    }
}
