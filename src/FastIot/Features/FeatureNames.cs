namespace FastIot.Features;

/// <summary>What a model may name as columns of its input.</summary>
public static class FeatureNames
{
    /// <summary>Transformed features.</summary>
    public const int Count = 12;

    /// <summary>The transformed features, standardised by the series' own baselines, in the order of their columns (formulas: FeatureState).</summary>
    public static readonly string[] All =
    [
        "mean", "log_stddev", "below_mean", "above_mean", "count", "log_range",
        "log_rms_diff", "log_max_diff", "zero_diff_fraction", "log_hampel", "level_120min", "level_5min",
    ];

    /// <summary>A window's statistics in the sensor's own unit, standardised by constants of the model; the deviation of a single reading is 0.</summary>
    public static readonly string[] Raw = ["raw_mean", "raw_stddev", "raw_min", "raw_max", "raw_count", "raw_range"];

    /// <summary>Columns a model's input has at most: each feature once.</summary>
    public static readonly int Most = All.Length + Raw.Length;

    /// <summary>Whether the feature is made of differences between readings, which panes keep only where a model wants them.</summary>
    internal static bool IsBetweenReadings(string name) => name is "log_rms_diff" or "log_max_diff" or "zero_diff_fraction" or "log_hampel";
}
