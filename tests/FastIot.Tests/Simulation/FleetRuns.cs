using System.Runtime.InteropServices;
using FastIot.Simulation;

namespace FastIot.Tests.Simulation;

/// <summary>Runs fleets into memory.</summary>
internal static class FleetRuns
{
    public const long Second = 1_000_000;
    public const long Hour = 3600 * Second;

    public sealed record Run(FleetOptions Options, SimulatedReading[] Readings, AnomalyEvent[] Events)
    {
        public ILookup<int, SimulatedReading> BySensor { get; } = Readings.ToLookup(r => r.Sensor);
    }

    public static Run Make(FleetOptions options, double hours, int[]? sensors = null, int chunk = 4096)
    {
        var events = new List<AnomalyEvent>();
        using var fleet = new Fleet(options, sensors, events.Add);
        return new Run(options, Drain(fleet, hours, chunk), [.. events]);
    }

    public static SimulatedReading[] Drain(Fleet fleet, double hours, int chunk = 4096)
    {
        var readings = new List<SimulatedReading>();
        var buffer = new SimulatedReading[chunk];
        long until = fleet.Options.StartUs + (long)(hours * Hour);
        for (int count; (count = fleet.Fill(buffer, until)) > 0;) readings.AddRange(buffer.AsSpan(0, count));
        return [.. readings];
    }

    public static byte[] Bytes(SimulatedReading[] readings) => MemoryMarshal.AsBytes(readings.AsSpan()).ToArray();
}
