using System.Runtime.CompilerServices;
using FastIot.Simulation;
using static FastIot.Tests.Simulation.FleetRuns;

namespace FastIot.Tests.Simulation;

public sealed class FleetTests
{
    private static readonly FleetOptions s_small = new() { Sensors = 20, Seed = 7, AnomalyRate = 0.1, AnomalyFreeUs = 0 };

    [Fact]
    public void The_layouts_are_as_drawn()
    {
        Assert.Equal(32, Unsafe.SizeOf<SimulatedReading>());
        Assert.Equal(128, Unsafe.SizeOf<SensorState>());
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes_whatever_the_chunks()
    {
        Run one = Make(s_small, 2, chunk: 1), other = Make(s_small, 2, chunk: 4096);
        Assert.Equal(Bytes(one.Readings), Bytes(other.Readings));
        Assert.Equal(one.Events, other.Events);
        Assert.NotEqual(Bytes(one.Readings), Bytes(Make(s_small with { Seed = 8 }, 2).Readings));
    }

    [Fact]
    public void A_sensor_is_the_same_alone_and_in_the_fleet()
    {
        Run all = Make(s_small, 2), some = Make(s_small, 2, sensors: [3, 11, 19]);
        foreach (int sensor in new[] { 3, 11, 19 })
        {
            Assert.Equal(Bytes([.. all.BySensor[sensor]]), Bytes([.. some.BySensor[sensor]]));
            Assert.Equal(all.Events.Where(e => e.Sensor == sensor), some.Events.Where(e => e.Sensor == sensor));
        }

        Assert.Equal([3, 11, 19], some.BySensor.Select(s => s.Key).Order());
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    public void Time_runs_at_the_rate_and_is_disordered_by_jitter_alone(double rate)
    {
        var options = s_small with { Rate = rate, MaxLostShare = 0, Gaps = false };
        double hours = 600 / rate / 3600;
        Run run = Make(options, hours);
        foreach (var sensor in run.BySensor)
        {
            SimulatedReading[] own = [.. sensor];
            Assert.Equal(600, own.Length);
            for (int i = 0; i < own.Length; i++)
            {
                double inStep = own[i].TimeUs - options.StartUs - i * options.StepUs - options.StepUs * (sensor.Key + 0.5) / options.Sensors;
                Assert.InRange(inStep, -2, Math.Min(options.MaxJitterUs, 0.4 * options.StepUs));
            }
        }

        long latest = 0;
        foreach (SimulatedReading reading in run.Readings)
        {
            Assert.InRange(reading.TimeUs, latest - (long)Math.Min(options.MaxJitterUs, 0.4 * options.StepUs) - 1, long.MaxValue);
            latest = Math.Max(latest, reading.TimeUs);
        }
    }

    [Fact]
    public void A_fleet_ends_at_the_time_asked_for_and_goes_on_from_there()
    {
        using var fleet = new Fleet(s_small);
        SimulatedReading[] first = Drain(fleet, 0.5);
        Assert.Equal(s_small.StartUs + Hour / 2, fleet.PositionUs);
        Assert.Empty(Drain(fleet, 0.5));
        Assert.Equal(Bytes(Make(s_small, 1).Readings), Bytes([.. first, .. Drain(fleet, 1)]));
    }

    [Fact]
    public void Filling_allocates_nothing()
    {
        using var fleet = new Fleet(s_small with { Sensors = 1000 });
        var buffer = new SimulatedReading[4096];
        fleet.Fill(buffer);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 200; i++) fleet.Fill(buffer);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData("sensors")]
    [InlineData("rate must")]
    [InlineData("anomaly rate")]
    [InlineData("kind weights")]
    [InlineData("lost share")]
    [InlineData("ascend")]
    public void Bad_options_are_refused_with_the_reason(string reason)
    {
        Action make = reason switch
        {
            "sensors" => () => new Fleet(new FleetOptions { Sensors = 0 }),
            "rate must" => () => new Fleet(new FleetOptions { Rate = double.NaN }),
            "anomaly rate" => () => new Fleet(new FleetOptions { AnomalyRate = 0.6 }),
            "kind weights" => () => new Fleet(new FleetOptions { KindWeights = [1, 1] }),
            "lost share" => () => new Fleet(new FleetOptions { MaxLostShare = 0.9 }),
            _ => () => new Fleet(new FleetOptions(), [3, 3]),
        };
        Assert.Contains(reason, Assert.Throws<ArgumentException>(make).Message);
    }
}
