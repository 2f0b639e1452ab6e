using System.Buffers.Text;
using System.Globalization;
using System.Text;
using FastIot.Scoring;

namespace FastIot.Simulation;

/// <summary>
/// Writes simulated readings in the wire format (DESIGN section 2). One thread; allocates nothing. A malformed reading is broken in one of
/// several ways, in turn.
/// </summary>
public sealed class ReadingEncoder
{
    /// <summary>Longest record it writes.</summary>
    public const int MaxBytes = 320;

    private const int Zones = 100;
    private const int MaxDecimals = 4;
    private static readonly string[] s_units = ["celsius", "percent", "hectopascal", "mm_per_s", "ampere"];
    private static readonly byte[][] s_middles = [.. SensorTypes.Names.Select(n => Encoding.UTF8.GetBytes($"Z\",\"metric\":\"{n}\",\"value\":"))];
    private static readonly byte[][] s_metas = [.. s_units.Select(u => Encoding.UTF8.GetBytes($",\"meta\":{{\"unit\":\"{u}\",\"location\":\"zone_"))];
    private static readonly byte[][] s_labels =
    [
        .. Enumerable.Range(-1, AnomalyKinds.Modelled + 1).Select(k => Encoding.UTF8.GetBytes(k < 0
            ? "\",\"is_anomaly\":false,\"anomaly_type\":null}}"
            : $"\",\"is_anomaly\":true,\"anomaly_type\":\"{AnomalyKinds.Name((AnomalyKind)k)}\"}}}}")),
    ];

    private readonly byte[] _second = new byte[20];
    private long _secondUs = -1;
    private int _broken;

    /// <summary>The record's key: the sensor's id.</summary>
    /// <returns>Bytes written.</returns>
    public static int Key(int sensor, Span<byte> key)
    {
        "sensor_"u8.CopyTo(key);
        return 7 + Number(sensor, 6, key[7..]);
    }

    /// <summary>The record's value.</summary>
    /// <returns>Bytes written, at most <see cref="MaxBytes"/>.</returns>
    public int Encode(in SimulatedReading reading, Span<byte> record)
    {
        int type = reading.Sensor % SensorTypes.Count;
        int at = Copy("{\"sensor_id\":\""u8, record, 0);
        at += Key(reading.Sensor, record[at..]);
        at = Copy("\",\"timestamp\":\""u8, record, at);
        long second = reading.TimeUs / 1_000_000 * 1_000_000;
        if (second != _secondUs) NewSecond(second);
        at = Copy(_second, record, at);
        at += Number((int)(reading.TimeUs - second), 6, record[at..]);
        at = Copy(s_middles[type], record, at);
        at += Value(reading.Value, record[at..]);
        at = Copy(s_metas[type], record, at);
        at += Number(reading.Sensor % Zones, 2, record[at..]);
        at = Copy(s_labels[reading.Label + 1], record, at);
        return reading.Flaw == RecordFlaw.Malformed ? Break(record, at) : at;
    }

    /// <summary>Cuts off, garbles, or takes a member away.</summary>
    private int Break(Span<byte> record, int length)
    {
        switch (_broken++ % 4)
        {
            case 0:
                return length / 2;
            case 1:
                record[20] = 0xFF;
                return length;
            case 2:
                return Copy("{\"sensor_id\":\"sensor_000000\",\"timestamp\":\"2026-11-01T00:00:00Z\"}"u8, record, 0);
            default:
                return Copy("restarting..."u8, record, 0);
        }
    }

    private static int Copy(ReadOnlySpan<byte> bytes, Span<byte> record, int at)
    {
        bytes.CopyTo(record[at..]);
        return at + bytes.Length;
    }

    private void NewSecond(long second)
    {
        _secondUs = second;
        DateTime.UnixEpoch.AddTicks(second * TimeSpan.TicksPerMicrosecond).TryFormat(_second, out _, "yyyy-MM-dd'T'HH:mm:ss'.'", CultureInfo.InvariantCulture);
    }

    /// <summary>At least this many digits.</summary>
    private static int Number(int value, int digits, Span<byte> destination)
    {
        int length = digits;
        for (int more = value; length < 10; length++)
        {
            if (more < Power(length)) break;
        }

        for (int i = length - 1; i >= 0; i--, value /= 10) destination[i] = (byte)('0' + value % 10);
        return length;
    }

    private static long Power(int exponent) => exponent switch { 2 => 100, 3 => 1000, 4 => 10_000, 5 => 100_000, 6 => 1_000_000, 7 => 10_000_000, 8 => 100_000_000, _ => 1_000_000_000 };

    /// <summary>Shortest text that reads back to the same bits. Nearly all values have a few decimals: these are written as whole numbers.</summary>
    private static int Value(double value, Span<byte> destination)
    {
        double scale = 1;
        for (int decimals = 0; decimals <= MaxDecimals; decimals++, scale *= 10)
        {
            double scaled = Math.Round(value * scale);
            if (scaled / scale != value || Math.Abs(scaled) >= 1e15) continue;
            return Decimal((long)scaled, decimals, (long)scale, destination);
        }

        value.TryFormat(destination, out int written, "R", CultureInfo.InvariantCulture);
        return written;
    }

    private static int Decimal(long scaled, int decimals, long scale, Span<byte> destination)
    {
        int at = 0;
        if (scaled < 0)
        {
            destination[at++] = (byte)'-';
            scaled = -scaled;
        }

        Utf8Formatter.TryFormat(scaled / scale, destination[at..], out int written);
        at += written;
        if (decimals == 0) return at;
        destination[at++] = (byte)'.';
        long rest = scaled % scale;
        for (int i = decimals - 1; i >= 0; i--, rest /= 10) destination[at + i] = (byte)('0' + rest % 10);
        return at + decimals;
    }
}
