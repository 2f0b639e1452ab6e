namespace FastIot.Features;

/// <summary>Half-lives, floors and lags of the transformed features. What a model was trained with; half-lives in windows, so that any slide will do.</summary>
public sealed record FeatureSpec
{
    public static readonly FeatureSpec Default = new();

    /// <summary>Nobody asks for any: nothing is kept or learnt for them.</summary>
    public static readonly FeatureSpec None = new() { Names = [] };

    /// <summary>Columns of the model's input, of <see cref="FeatureNames.All"/> and <see cref="FeatureNames.Raw"/>, each at most once.</summary>
    public string[] Names { get; init; } = FeatureNames.All;

    /// <summary>Constants that standardise the raw ones among them, in their order: (value − mean) / scale.</summary>
    public double[] RawMean { get; init; } = [];

    public double[] RawScale { get; init; } = [];

    /// <summary>Whether panes must keep what lies between readings.</summary>
    public bool BetweenReadings => Names.Any(FeatureNames.IsBetweenReadings);

    /// <summary>Half-life of locations, spreads and scales: 60 min of 10 s slides.</summary>
    public int BaselineWindows { get; init; } = 360;

    public int Level30Windows { get; init; } = 180;

    public int Level120Windows { get; init; } = 720;

    public int Level5Windows { get; init; } = 30;

    /// <summary>Windows after which updates are winsorised.</summary>
    public int WinsoriseAfter { get; init; } = 30;

    /// <summary>Scales at which updates are winsorised.</summary>
    public float WinsoriseAt { get; init; } = 3;

    /// <summary>Share of the usual gain with which a baseline moves while its series is in alarm, so that a long fault is not soon learnt as normal.</summary>
    public float AlarmGain { get; init; } = 0.1f;

    /// <summary>
    /// A baseline moves slowly where the verdict's false alarms per day are at most this. Not the alarm budget in force: what a series'
    /// baselines are, and with them all scores, must not depend on how many alarms somebody wants to see.
    /// </summary>
    public float SlowAtFalseAlarmsPerDay { get; init; } = 1;

    /// <summary>Windows during which a series is warming.</summary>
    public int WarmingWindows { get; init; } = 180;

    /// <summary>Least spread of each feature. Vital: without them a quiet series turns any twitch into an alarm.</summary>
    public float[] Floors { get; init; } = [.25f, .06f, .25f, .25f, .8f, .06f, .06f, .08f, .05f, .08f, .25f, .25f];

    /// <summary>Rows of the model's input, as windows back, oldest first. Beyond <see cref="FeatureHistory.RecentRows"/> the row is the nearest older one that was kept.</summary>
    public int[] Lags { get; init; } = [144, 108, 72, 48, 36, 24, 18, 12, 9, 6, 5, 4, 3, 2, 1, 0];

    /// <summary>
    /// What keeps a model of these features from running on what is kept for others; null where nothing does. Warming is no part of a model.
    /// </summary>
    public string? DifferenceFrom(FeatureSpec kept)
    {
        return Difference("names", Names, kept.Names)
            ?? Difference("raw_mean", RawMean, kept.RawMean)
            ?? Difference("raw_scale", RawScale, kept.RawScale)
            ?? Difference("lags", Lags, kept.Lags)
            ?? Difference("floors", Floors, kept.Floors)
            ?? Difference("baseline_windows", [BaselineWindows], [kept.BaselineWindows])
            ?? Difference("level_windows", [Level30Windows, Level120Windows, Level5Windows], [kept.Level30Windows, kept.Level120Windows, kept.Level5Windows])
            ?? Difference("winsorise_after", [WinsoriseAfter], [kept.WinsoriseAfter])
            ?? Difference("winsorise_at", [WinsoriseAt], [kept.WinsoriseAt])
            ?? Difference("alarm_gain", [AlarmGain], [kept.AlarmGain])
            ?? Difference("slow_at_false_alarms_per_day", [SlowAtFalseAlarmsPerDay], [kept.SlowAtFalseAlarmsPerDay]);
    }

    /// <param name="member">As model.json calls it.</param>
    private static string? Difference<T>(string member, T[] wanted, T[] kept) =>
        wanted.SequenceEqual(kept) ? null : $"its features.{member} ({string.Join(", ", wanted)}) are not those that are kept ({string.Join(", ", kept)})";
}
