using System.Runtime.InteropServices;
using FastIot.Scoring;

namespace FastIot.Simulation;

/// <summary>
/// How one sensor behaves, drawn once. Its true level at time t is
/// <c>load(t) + gain(t) · (Σ amplitude · sin(2πt / period + phase) + wander(t))</c>: smooth types have gain 1 and a load that is the set
/// point; switching types have a load that is high or low, and a gain equal to it. Times are in seconds.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SensorParameters
{
    /// <summary>A day and two faster cycles.</summary>
    public const int Cycles = 3;

    public SensorType Type;

    /// <summary>1-based table of Student scales, 0 for normal noise.</summary>
    public byte StudentTable;

    /// <summary>Gain follows the load (vibration, current); else it is 1.</summary>
    public bool Multiplicative;

    /// <summary>Digits behind the point; the quantum is <see cref="QuantumStep"/> of the last one.</summary>
    public byte Decimals;

    public int QuantumStep;

    /// <summary>Load when on (or always), and when off.</summary>
    public double High;

    public double Low;

    public fixed double Amplitude[Cycles];

    public fixed double PeriodS[Cycles];

    public fixed double Phase[Cycles];

    /// <summary>Ornstein-Uhlenbeck wander: standard deviation and time constant.</summary>
    public double WanderSigma;

    public double WanderS;

    /// <summary>Set-point moves: mean time between them (0 = none), and the standard deviation of the set point about <see cref="High"/>.</summary>
    public double MoveEveryS;

    public double MoveSigma;

    /// <summary>Mean time of one on-off cycle (0 = always on), the share of it that is on, and by what share each half varies either way.</summary>
    public double SwitchPeriodS;

    public double OnShare;

    public double SwitchSpread;

    /// <summary>How long a switch takes.</summary>
    public double RampS;

    /// <summary>Noise σ is this, plus <see cref="NoisePerLoad"/> times the load.</summary>
    public double NoiseFloor;

    public double NoisePerLoad;

    /// <summary>Correlation of the noise from one sample to the next.</summary>
    public double NoiseCorrelation;

    public double LostShare;

    /// <summary>Mean time between gaps; 0 = none.</summary>
    public double GapEveryS;

    public double JitterS;

    public readonly bool Switches => SwitchPeriodS > 0;

    /// <summary>Noise σ at a load.</summary>
    public readonly double Noise(double load) => NoiseFloor + NoisePerLoad * Math.Abs(load);
}
