using FastIot.Emit;
using FastIot.Ingest;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>Keeps what is written, as the simulation compares it.</summary>
internal sealed class CollectingSink : IRecordSink
{
    public List<SimOutput> Outputs { get; } = [];

    public bool TryWriteAnomaly(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long bornTicks)
    {
        Outputs.Add(SimSink.Anomaly(value));
        return true;
    }

    public bool TryWriteReading(OutputTopic topic, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in Provenance provenance)
    {
        Outputs.Add(SimSink.Reading(topic, in provenance));
        return true;
    }

    public void Poll()
    {
    }

    public void Flush(TimeSpan timeout)
    {
    }

    public void Dispose()
    {
    }
}
