using System.Runtime.InteropServices;
using FastIot.Scoring;

namespace FastIot.Simulation;

/// <summary>What is wrong with a record besides its reading (<see cref="DisorderOptions"/>).</summary>
public enum RecordFlaw : byte
{
    None,
    /// <summary>The record's value is no valid reading.</summary>
    Malformed,
    /// <summary>The record has no key.</summary>
    NullKey,
}

/// <summary>One reading of the fleet.</summary>
/// <remarks>
/// <code>
///  0        8        16       24       28     29     30     32
///  ├────────┼────────┼────────┼────────┼──────┼──────┼──────┤
///  │ TimeUs │ SentUs │ Value  │ Sensor │Label │ Flaw │ pad  │
///  │  i64   │  i64   │  f64   │  i32   │ i8   │  u8  │      │
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct SimulatedReading
{
    /// <summary><see cref="Label"/> of a reading outside every event.</summary>
    public const sbyte Normal = -1;

    /// <summary>Event time as the reading states it.</summary>
    public long TimeUs;

    /// <summary>True time at which it is sent: the record's timestamp.</summary>
    public long SentUs;

    /// <summary>Always finite; a decimal number of the sensor's own digits, rounded once.</summary>
    public double Value;

    public int Sensor;

    /// <summary>The <see cref="AnomalyKind"/> of the event it belongs to, or <see cref="Normal"/>.</summary>
    public sbyte Label;

    public RecordFlaw Flaw;

    public readonly bool IsAnomaly => Label >= 0;
}
