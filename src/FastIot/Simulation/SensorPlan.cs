using System.Runtime.InteropServices;
using FastIot.Scoring;

namespace FastIot.Simulation;

/// <summary>What a sensor does next, by step number; touched at turns only.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SensorPlan
{
    /// <summary>
    /// Randomness of the level, of silence and of anomalies, each apart: with and without anomalies a sensor is the same outside of them.
    /// </summary>
    public ulong LevelRandom;

    public ulong SilenceRandom;

    public ulong AnomalyRandom;

    /// <summary>End of the straight piece of level now walked.</summary>
    public long KnotAt;

    public long SwitchAt;

    public long MoveAt;

    public long LossAt;

    public long GapAt;

    /// <summary>First step that is sent again; in the past unless silent.</summary>
    public long SilentUntil;

    public long EventAt;

    public long EventEnd;

    public bool InEvent;

    public bool On;

    public AnomalyKind Kind;

    /// <summary>Level at <see cref="KnotAt"/>.</summary>
    public double Target;

    public double Wander;

    /// <summary>The load goes from one value to another in a straight line between two steps.</summary>
    public double LoadFrom;

    public double LoadTo;

    public long RampFrom;

    public long RampTo;

    /// <summary>Factor on the noise σ.</summary>
    public double NoiseFactor;

    public readonly double Load(long step) =>
        step >= RampTo ? LoadTo : LoadFrom + (LoadTo - LoadFrom) * (step - RampFrom) / (RampTo - RampFrom);
}
