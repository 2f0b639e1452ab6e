using System.Text;
using System.Text.Json;
using FastIot.Emit;

namespace FastIot.Tests.Engine;

internal sealed record SunkReading(OutputTopic Topic, string Key, string Value, string Reason, int Partition, long Offset, int Index);

/// <summary>Keeps what the pipeline writes. Refuses now and then, as a full queue does.</summary>
internal sealed class MemorySink(int refuseEvery = 7) : IRecordSink
{
    private int _calls;

    public List<(string Key, JsonElement Value)> Anomalies { get; } = [];

    public List<SunkReading> Readings { get; } = [];

    public int Flushes { get; private set; }

    public bool TryWriteAnomaly(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long bornTicks)
    {
        if (++_calls % refuseEvery == 0) return false;
        Anomalies.Add((Encoding.UTF8.GetString(key), JsonDocument.Parse(value.ToArray()).RootElement));
        return true;
    }

    public bool TryWriteReading(OutputTopic topic, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in Provenance provenance)
    {
        if (++_calls % refuseEvery == 0) return false;
        Readings.Add(new SunkReading(topic, Encoding.UTF8.GetString(key), Encoding.Latin1.GetString(value),
            Encoding.UTF8.GetString(provenance.Reason), provenance.Partition, provenance.Offset, provenance.Index));
        return true;
    }

    public void Poll()
    {
    }

    public void Flush(TimeSpan timeout) => Flushes++;

    public void Dispose()
    {
    }
}
