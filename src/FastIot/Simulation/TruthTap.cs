using FastIot.Decode;
using FastIot.Emit;

namespace FastIot.Simulation;

/// <summary>Shows a <see cref="TruthMatch"/> the anomalies on their way to the sink.</summary>
public sealed class TruthTap(IRecordSink sink, TruthMatch truth) : IRecordSink
{
    public bool TryWriteAnomaly(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long bornTicks)
    {
        if (!sink.TryWriteAnomaly(key, value, bornTicks)) return false;
        ReadOnlySpan<byte> name = "\"window_end\":\""u8;
        ReadOnlySpan<byte> time = value[(value.IndexOf(name) + name.Length)..];
        if (key.StartsWith("sensor_"u8) && int.TryParse(key[7..], out int sensor) && TimestampText.TryIso(time[..time.IndexOf((byte)'"')], out long us)) truth.AddAlarm(sensor, us);
        return true;
    }

    public bool TryWriteReading(OutputTopic topic, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in Provenance provenance) =>
        sink.TryWriteReading(topic, key, value, in provenance);

    public void Poll() => sink.Poll();

    public void Flush(TimeSpan timeout) => sink.Flush(timeout);

    public void Dispose() => sink.Dispose();
}
