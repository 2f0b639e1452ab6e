using System.Runtime.InteropServices;

namespace FastIot.Simulation;

[Flags]
internal enum SensorFlags : byte
{
    None,
    /// <summary>Nothing is sent: a gap or a lost reading.</summary>
    Silent = 1,
    /// <summary>The last value is repeated.</summary>
    Stuck = 2,
}

/// <summary>
/// What every step of a sensor touches: two cache lines. Between two turns (<see cref="SensorPlan"/>) a step is the same few additions for
/// every type; whatever starts or ends does so at a turn.
/// </summary>
/// <remarks>
/// <code>
///   0  Random   Level    Slope        Offset        OffsetSlope  Noise          Correlation     Innovation
///  64  Sigma    Quanta   QuantumStep  DecimalPower  Last         Left, PhaseUs  JitterUs, Dither  Sensor, Flags, Label, Student
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct SensorState
{
    public ulong Random;

    /// <summary>True level at the coming step, and its change per step.</summary>
    public double Level;

    public double Slope;

    /// <summary>What an anomaly adds at the coming step, and its change per step.</summary>
    public double Offset;

    public double OffsetSlope;

    /// <summary>Noise of unit variance: the last sample, its weight in the next one, and the weight of what is new.</summary>
    public double Noise;

    public double Correlation;

    public double Innovation;

    /// <summary>Noise σ now, an anomaly's factor included.</summary>
    public double Sigma;

    /// <summary>Quanta per unit; last digits per quantum; last digits per unit.</summary>
    public double Quanta;

    public double QuantumStep;

    public double DecimalPower;

    /// <summary>The value sent last.</summary>
    public double Last;

    /// <summary>Steps until the next turn.</summary>
    public int Left;

    /// <summary>The sensor's place within each step, µs.</summary>
    public int PhaseUs;

    public int JitterUs;

    /// <summary>σ of what is added to a stuck value.</summary>
    public float Dither;

    public int Sensor;

    public SensorFlags Flags;

    public sbyte Label;

    /// <summary>1-based table of Student scales, 0 for normal noise.</summary>
    public byte Student;
}
