using System.Runtime.InteropServices;

namespace FastIot.Features;

/// <summary>
/// What is learnt of one series: its running baselines, how long it has been seen, and its open run of alarms. Three cache lines.
/// </summary>
/// <remarks>
/// <code>
///    0         48          96        104       112       120      124      128
///    ├─────────┼───────────┼─────────┼─────────┼─────────┼────────┼────────┤
///    │ Mu[12]  │ Spread[12]│ Level30 │ Level120│ Level5  │ Log    │ Log    │
///    │  f32    │   f32     │  f64    │   f64   │  f64    │ Scale f│ Diff f │
///  128         132         136       140       144       152      160      192
///    ├─────────┼───────────┼─────────┼─────────┼─────────┼────────┼────────┤
///    │ Windows │ScaleWindow│DiffWind.│ Flat i32│ Episode │  Last  │Baseline│
///    │   i32   │   i32     │  i32    │         │ StartUs │ AlarmUs│Wind. i32│
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = 192)]
internal unsafe struct SeriesState
{
    /// <summary>Running location of each transformed feature.</summary>
    public fixed float Mu[FeatureNames.Count];

    /// <summary>Running mean absolute deviation of each transformed feature.</summary>
    public fixed float Spread[FeatureNames.Count];

    /// <summary>Running levels of the window mean, half-lives 30, 120 and 5 minutes, in the series' own unit.</summary>
    public double Level30;

    public double Level120;

    public double Level5;

    /// <summary>Running ln of the standard deviation, and of the rms difference: the scales everything else is measured in.</summary>
    public float LogScale;

    public float LogDiffScale;

    /// <summary>Windows seen.</summary>
    public int Windows;

    /// <summary>Windows whose standard deviation was positive, and whose rms difference was.</summary>
    public int ScaleWindows;

    public int DiffScaleWindows;

    /// <summary>Windows in a row in which all readings were equal.</summary>
    public int FlatWindows;

    /// <summary>Window end of the first alarm of the open run of alarms; 0 = none yet.</summary>
    public long EpisodeStartUs;

    /// <summary>Window end of the last alarm; 0 = none yet.</summary>
    public long LastAlarmUs;

    /// <summary>Windows the locations and spreads have learnt from; begins anew when a scale is first known.</summary>
    public int BaselineWindows;
}
