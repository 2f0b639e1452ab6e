using FastIot.Scoring;
using FastIot.Simulation;
using static FastIot.Tests.Simulation.FleetRuns;

namespace FastIot.Tests.Simulation;

/// <summary>Injected anomalies against the recipe; each is measured against the same sensor without anomalies.</summary>
public sealed class AnomalyTests
{
    private static readonly FleetOptions s_options = new() { Sensors = 100, Seed = 12, AnomalyRate = 0.05, MaxLostShare = 0, Gaps = false };
    private static readonly Run s_run = Make(s_options, 12);
    private static readonly Run s_clean = Make(s_options with { AnomalyRate = 0 }, 12);

    [Fact]
    public void All_kinds_and_tiers_come_in_equal_shares()
    {
        int[] counts = [.. s_run.Events.GroupBy(e => (e.Kind, e.Tier)).Select(g => g.Count())];
        Assert.Equal(12, counts.Length);
        double expected = s_run.Events.Length / 12.0;
        Assert.All(counts, c => Assert.InRange(c, expected - 5 * Math.Sqrt(expected), expected + 5 * Math.Sqrt(expected)));
    }

    [Theory]
    [InlineData(0.02)]
    [InlineData(0.06)]
    public void The_share_of_anomalous_time_is_the_rate_from_the_start_on(double rate)
    {
        Run run = Make(s_options with { Sensors = 400, Rate = 0.1, AnomalyRate = rate, AnomalyFreeUs = 0 }, 24);
        Assert.Equal(rate, run.Readings.Average(r => r.IsAnomaly ? 1.0 : 0), 0.12 * rate);
        long third = run.Options.StartUs + 8 * Hour;
        Assert.Equal(rate, run.Readings.Where(r => r.TimeUs < third).Average(r => r.IsAnomaly ? 1.0 : 0), 0.2 * rate);
    }

    [Fact]
    public void Events_keep_their_distance_and_the_anomaly_free_time()
    {
        foreach (var sensor in s_run.Events.GroupBy(e => e.Sensor))
        {
            long free = s_options.StartUs + s_options.AnomalyFreeUs;
            foreach (AnomalyEvent e in sensor)
            {
                Assert.True(e.StartUs >= free, $"{e} starts too early");
                free = e.EndUs + s_options.AnomalySpacingUs;
            }
        }
    }

    [Fact]
    public void A_reading_is_labelled_exactly_when_it_lies_in_an_event()
    {
        var events = s_run.Events.ToLookup(e => e.Sensor);
        foreach (SimulatedReading reading in s_run.Readings)
        {
            int expected = SimulatedReading.Normal;
            foreach (AnomalyEvent e in events[reading.Sensor])
            {
                if (reading.TimeUs >= e.StartUs && reading.TimeUs < e.EndUs) expected = (int)e.Kind;
            }

            Assert.Equal(expected, reading.Label);
        }
    }

    [Fact]
    public void Lengths_and_magnitudes_are_in_their_ranges()
    {
        foreach (AnomalyEvent e in s_run.Events)
        {
            double seconds = (e.EndUs - e.StartUs) / 1e6, size = Math.Abs(e.Magnitude);
            (double low, double high) = (e.Kind, e.Tier) switch
            {
                (AnomalyKind.Spike, AnomalyTier.Hard) => (4, 7),
                (AnomalyKind.Spike, AnomalyTier.Medium) => (7, 12),
                (AnomalyKind.Spike, _) => (12, 25),
                (AnomalyKind.Drift, AnomalyTier.Hard) => (1.5, 3),
                (AnomalyKind.Drift, AnomalyTier.Medium) => (3, 6),
                (AnomalyKind.Drift, _) => (6, 12),
                (AnomalyKind.Stuck, AnomalyTier.Hard) => (30, 90),
                (AnomalyKind.Stuck, AnomalyTier.Medium) => (90, 300),
                (AnomalyKind.Stuck, _) => (300, 1200),
                (_, AnomalyTier.Hard) => (1.5, 2),
                (_, AnomalyTier.Medium) => (2, 3.5),
                _ => (3.5, 8.0),
            };
            Assert.InRange(size, low, high);
            (double shortest, double longest) = e.Kind switch
            {
                AnomalyKind.Spike => (1, 4),
                AnomalyKind.Drift => (300, 1800),
                AnomalyKind.Stuck => (size, size),
                _ => (60.0, 900.0),
            };
            Assert.InRange(seconds, shortest - 0.001, longest + 0.001);
        }
    }

    [Fact]
    public void Without_anomalies_the_sensor_is_the_same_between_events()
    {
        Assert.Equal(s_clean.Readings.Length, s_run.Readings.Length);
        for (int i = 0; i < s_run.Readings.Length; i++)
        {
            if (!s_run.Readings[i].IsAnomaly) Assert.Equal(s_clean.Readings[i].Value, s_run.Readings[i].Value);
        }
    }

    [Fact]
    public void Spikes_and_drifts_add_what_they_say()
    {
        using var fleet = new Fleet(s_options);
        foreach (AnomalyEvent e in s_run.Events.Where(e => e.Kind is AnomalyKind.Spike or AnomalyKind.Drift && e.EndUs < s_options.StartUs + 12 * Hour))
        {
            double[] added = [.. Added(e)];
            SensorParameters p = fleet.Parameters(e.Sensor);
            double quantum = p.QuantumStep / SensorDraw.DecimalPower(p.Decimals);
            if (e.Kind == AnomalyKind.Drift)
            {
                Assert.Equal(e.Magnitude * fleet.Movement(e.Sensor), added[^1], quantum * 1.001);
                Assert.InRange(added[added.Length / 2] / added[^1], 0.4, 0.6);
            }
            else
            {
                double lowest = p.Noise(p.Low), highest = p.Noise(p.High + 4 * p.MoveSigma);
                Assert.All(added, a => Assert.InRange(Math.Abs(a / e.Magnitude), lowest - quantum, highest + quantum));
                Assert.All(added, a => Assert.Equal(Math.Sign(e.Magnitude), Math.Sign(a)));
            }
        }
    }

    [Fact]
    public void Stuck_sensors_repeat_one_value_and_some_dither()
    {
        int flat = 0, all = 0;
        foreach (AnomalyEvent e in s_run.Events.Where(e => e.Kind == AnomalyKind.Stuck))
        {
            all++;
            if (Inside(s_run, e).Select(r => r.Value).Distinct().Count() == 1) flat++;
        }

        // 30 % dither; some of them by less than their quantum.
        Assert.InRange((double)flat / all, 0.65, 0.95);
    }

    [Fact]
    public void Noise_widens_by_its_factor()
    {
        using var fleet = new Fleet(s_options);
        var ratios = new List<double>();
        foreach (AnomalyEvent e in s_run.Events.Where(e => e.Kind == AnomalyKind.Noise))
        {
            // With the same deviates, the difference to the clean sensor is (factor − 1) · noise.
            SensorParameters p = fleet.Parameters(e.Sensor);
            if (p.Multiplicative || e.EndUs - e.StartUs < 300 * Second) continue;
            double rms = Math.Sqrt(Added(e).Average(a => a * a));
            ratios.Add(rms / ((e.Magnitude - 1) * p.NoiseFloor));
        }

        Assert.True(ratios.Count > 20);
        Assert.Equal(1, ratios.Average(), 0.1);
    }

    [Fact]
    public void Kinds_can_be_left_out_and_lengths_stretched()
    {
        Run run = Make(s_options with { KindWeights = [0, 1, 0, 1], TierWeights = [0, 0, 1], DurationFactor = 8 }, 12);
        Assert.NotEmpty(run.Events);
        Assert.All(run.Events, e => Assert.True(e.Kind is AnomalyKind.Drift or AnomalyKind.Noise && e.Tier == AnomalyTier.Easy));
        Assert.Contains(run.Events, e => e.EndUs - e.StartUs > 2 * Hour);
    }

    private static IEnumerable<SimulatedReading> Inside(Run run, AnomalyEvent e) =>
        run.BySensor[e.Sensor].Where(r => r.TimeUs >= e.StartUs && r.TimeUs < e.EndUs);

    private static IEnumerable<double> Added(AnomalyEvent e) =>
        Inside(s_run, e).Zip(Inside(s_clean, e), (with, without) =>
        {
            Assert.Equal(without.TimeUs, with.TimeUs);
            return with.Value - without.Value;
        });
}
