using FastIot.Scoring;
using FastIot.Simulation;
using static FastIot.Tests.Simulation.FleetRuns;

namespace FastIot.Tests.Simulation;

/// <summary>The clean signals against the recipe.</summary>
public sealed class SignalTests
{
    private static readonly FleetOptions s_clean = new() { Sensors = 200, Seed = 3, AnomalyRate = 0 };

    [Fact]
    public void Normal_deviates_have_the_normal_law_far_into_the_tails()
    {
        const int Count = 20_000_000;
        ulong state = 42;
        double sum = 0, squares = 0, fourth = 0;
        double[] edges = [0.5, 1, 2, 3, 4], above = new double[5];
        for (int i = 0; i < Count; i++)
        {
            double x = Gaussian.Next(ref state);
            sum += x;
            squares += x * x;
            fourth += x * x * x * x;
            for (int e = 0; e < edges.Length && Math.Abs(x) > edges[e]; e++) above[e]++;
        }

        Assert.Equal(0, sum / Count, 0.001);
        Assert.Equal(1, squares / Count, 0.002);
        Assert.Equal(3, fourth / Count, 0.02);
        double[] expected = [0.6170750774519738, 0.31731050786291415, 0.04550026389635842, 0.0026997960632601866, 6.334248366623996e-5];
        for (int e = 0; e < edges.Length; e++)
        {
            // Five standard errors of the count.
            Assert.Equal(expected[e] * Count, above[e], 5 * Math.Sqrt(expected[e] * Count));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public unsafe void Student_deviates_have_unit_variance_and_heavy_tails(int table)
    {
        const int Count = 5_000_000;
        double freedom = Gaussian.StudentFreedoms[table];
        ulong state = 5;
        double squares = 0, fourth = 0;
        for (int i = 0; i < Count; i++)
        {
            double scale = Gaussian.Student[table * Gaussian.StudentScales + (int)(RandomStream.Next(ref state) & (Gaussian.StudentScales - 1))];
            double x = scale * Gaussian.Next(ref state);
            squares += x * x;
            fourth += x * x * x * x;
        }

        Assert.Equal(1, squares / Count, 0.01);
        // Kurtosis of t: 3 + 6 / (ν − 4).
        Assert.Equal(3 + 6 / (freedom - 4), fourth / Count, 0.25);
    }

    [Fact]
    public void Types_take_turns_and_shares_of_switching_sensors_are_the_recipes()
    {
        using var fleet = new Fleet(s_clean with { Sensors = 5000 });
        var parameters = Enumerable.Range(0, 5000).Select(i => fleet.Parameters(i)).ToArray();
        foreach (var type in parameters.GroupBy(p => p.Type))
        {
            Assert.Equal(1000, type.Count());
            double switching = type.Count(p => p.Switches) / 1000.0;
            double expected = type.Key switch { SensorType.Vibration => 0.6, SensorType.Current => 0.7, _ => 0 };
            Assert.Equal(expected, switching, 0.05);
            Assert.Equal(type.Key == SensorType.Vibration, type.All(p => p.StudentTable > 0));
        }

        Assert.All(parameters, p =>
        {
            Assert.InRange(p.NoiseCorrelation, 0, 0.9);
            Assert.InRange(p.PeriodSOf(1), 900, 3000);
            if (p.Type == SensorType.Current && p.Switches) Assert.InRange(p.SwitchPeriodS, 300, 1800);
            double quantum = p.QuantumStep / SensorDraw.DecimalPower(p.Decimals);
            Assert.InRange(quantum, 0, p.Noise(p.Switches ? p.Low : p.High));
        });
    }

    [Fact]
    public void Values_are_whole_quanta_and_decimals_of_the_sensors_own_length()
    {
        Run run = Make(s_clean, 0.2);
        using var fleet = new Fleet(s_clean);
        foreach (SimulatedReading reading in run.Readings)
        {
            SensorParameters p = fleet.Parameters(reading.Sensor);
            decimal value = decimal.Parse(reading.Value.ToString("R"), System.Globalization.NumberStyles.Float);
            decimal quanta = value * (decimal)SensorDraw.DecimalPower(p.Decimals) / p.QuantumStep;
            Assert.Equal(Math.Round(quanta), quanta);
        }
    }

    [Fact]
    public void Readings_are_lost_and_gaps_occur_as_drawn()
    {
        var options = s_clean with { Sensors = 300 };
        Run run = Make(options, 6);
        double lost = 1 - run.Readings.Length / (300 * 6 * 3600.0);
        // A mean of 1.5 % lost, and about 2 gaps a day of 15 s (0.04 %).
        Assert.InRange(lost, 0.012, 0.019);
        int gaps = 0;
        foreach (var sensor in run.BySensor)
        {
            long[] times = [.. sensor.Select(r => r.TimeUs)];
            gaps += Enumerable.Range(1, times.Length - 1).Count(i => times[i] - times[i - 1] > 7 * Second);
        }

        Assert.InRange(gaps, 100, 500);
        Run whole = Make(options with { MaxLostShare = 0, Gaps = false }, 1);
        Assert.Equal(300 * 3600, whole.Readings.Length);
    }

    [Fact]
    public void Noise_about_the_true_level_has_the_sensors_sigma_and_correlation()
    {
        var options = s_clean with { Sensors = 100, MaxLostShare = 0, Gaps = false };
        using var fleet = new Fleet(options);
        const int Steps = 20_000;
        var buffer = new SimulatedReading[100];
        double[] squares = new double[100], products = new double[100], before = new double[100], levels = new double[100];
        for (int step = 0; step < Steps; step++)
        {
            for (int i = 0; i < 100; i++) levels[i] = fleet.TrueLevel(i);
            Assert.Equal(100, fleet.Fill(buffer));
            for (int i = 0; i < 100; i++)
            {
                double noise = buffer[i].Value - levels[i];
                squares[i] += noise * noise;
                products[i] += noise * before[i];
                before[i] = noise;
            }
        }

        int checkedSensors = 0;
        for (int i = 0; i < 100; i++)
        {
            SensorParameters p = fleet.Parameters(i);
            // At a turn the level of the coming step is set late, and a switching load has two noise levels: only the smooth types are plain.
            if (p.Multiplicative) continue;
            checkedSensors++;
            double quantum = p.QuantumStep / SensorDraw.DecimalPower(p.Decimals);
            double sigma = Math.Sqrt(squares[i] / Steps - quantum * quantum / 12);
            Assert.InRange(sigma / p.NoiseFloor, 0.9, 1.1);
            Assert.Equal(p.NoiseCorrelation * p.NoiseFloor * p.NoiseFloor, products[i] / Steps, 0.12 * p.NoiseFloor * p.NoiseFloor);
        }

        Assert.Equal(60, checkedSensors);
    }

    [Fact]
    public void U_is_the_rms_movement_of_the_true_level_in_half_an_hour()
    {
        // One step a minute is enough: the level is a function of time, not of the rate.
        var options = s_clean with { Sensors = 100, Rate = 1 / 60.0 };
        using var fleet = new Fleet(options);
        const int Steps = 60 * 24 * 20, Lag = 30;
        var levels = new double[Steps, 100];
        var buffer = new SimulatedReading[100];
        for (int step = 0; step < Steps; step++)
        {
            fleet.Fill(buffer, fleet.Options.StartUs + (long)(step * options.StepUs) + 1);
            for (int i = 0; i < 100; i++) levels[step, i] = fleet.TrueLevel(i);
        }

        double[] ratios = new double[100];
        for (int i = 0; i < 100; i++)
        {
            double squares = 0;
            for (int step = Lag; step < Steps; step++) squares += Math.Pow(levels[step, i] - levels[step - Lag, i], 2);
            ratios[i] = Math.Sqrt(squares / (Steps - Lag)) / fleet.Movement(i);
        }

        Assert.All(ratios, r => Assert.InRange(r, 0.75, 1.3));
        Assert.Equal(1, ratios.Average(), 0.04);
    }
}

internal static class SensorParametersExtensions
{
    public static unsafe double PeriodSOf(this SensorParameters p, int cycle) => p.PeriodS[cycle];
}
