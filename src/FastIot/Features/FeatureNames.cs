namespace FastIot.Features;

/// <summary>The transformed features a model may name, in the order of their columns (reference: the model's card).</summary>
public static class FeatureNames
{
    public const int Count = 12;

    public static readonly string[] All =
    [
        "mean", "log_stddev", "below_mean", "above_mean", "count", "log_range",
        "log_rms_diff", "log_max_diff", "zero_diff_fraction", "log_hampel", "level_120min", "level_5min",
    ];
}
