using BenchmarkDotNet.Attributes;
using FastIot.Simulation;

namespace FastIot.Bench;

/// <summary>The simulator's part of a record: a reading made, and written as JSON.</summary>
[MemoryDiagnoser]
public class EncodeBench
{
    private const int Readings = 1000;

    private readonly ReadingEncoder _encoder = new();
    private readonly SimulatedReading[] _readings = new SimulatedReading[Readings];
    private readonly byte[] _record = new byte[ReadingEncoder.MaxBytes];
    private readonly Fleet _fleet = new(new FleetOptions { Sensors = 10_000 });

    [GlobalSetup]
    public void Setup() => _fleet.Fill(_readings);

    [Benchmark(OperationsPerInvoke = Readings)]
    public int Simulate() => _fleet.Fill(_readings);

    [Benchmark(OperationsPerInvoke = Readings)]
    public int Encode()
    {
        int bytes = 0;
        for (int i = 0; i < Readings; i++) bytes += _encoder.Encode(in _readings[i], _record);
        return bytes;
    }
}
