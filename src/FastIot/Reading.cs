using System.Runtime.InteropServices;

namespace FastIot;

/// <summary>
/// One decoded reading. Points into the record it came from (or into the decoder's scratch, where an escape had to be
/// resolved): it is valid until the decoder's next call.
/// </summary>
/// <remarks>
/// <code>
///  0        8        16       24       32       36       40
///  ├────────┼────────┼────────┼────────┼────────┼────────┤
///  │SensorId│ Metric │ TimeUs │ Value  │ SensorIdLength, │
///  │   *    │   *    │  i64   │  f64   │ MetricLength i32│
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct Reading
{
    /// <summary>Sensor id, UTF-8, never null, 1 to <see cref="Limits.MaxSensorIdBytes"/> bytes.</summary>
    public byte* SensorId;

    /// <summary>Metric, UTF-8; null with length 0 where the reading names none.</summary>
    public byte* Metric;

    /// <summary>Event time, µs since the epoch, UTC; finer digits are cut.</summary>
    public long TimeUs;

    /// <summary>A finite number.</summary>
    public double Value;

    public int SensorIdLength;

    public int MetricLength;

    public readonly ReadOnlySpan<byte> SensorIdSpan => new(SensorId, SensorIdLength);

    public readonly ReadOnlySpan<byte> MetricSpan => new(Metric, MetricLength);
}
