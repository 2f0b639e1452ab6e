using FastIot.Scoring;

namespace FastIot.Simulation;

/// <summary>Draws sensors: five types in turn, every parameter of its own.</summary>
internal static unsafe class SensorDraw
{
    public const double GapMeanS = 15;

    private const double Day = 86_400;

    /// <summary>Parameters of one sensor; a function of the options' seed, limits and the sensor's number only.</summary>
    public static SensorParameters Draw(FleetOptions options, int sensor, ref ulong random)
    {
        var p = new SensorParameters { Type = (SensorType)(sensor % SensorTypes.Count) };
        switch (p.Type)
        {
            case SensorType.Temperature: Smooth(ref p, ref random, (15, 75), (0.02, 0.2), (0.5, 4), (0.05, 0.6), (0.05, 0.4)); break;
            case SensorType.Humidity: Smooth(ref p, ref random, (30, 65), (0.1, 0.8), (2, 8), (0.2, 2), (0.3, 1.5)); break;
            case SensorType.Pressure: Smooth(ref p, ref random, (980, 1030), (0.02, 0.2), (0.3, 1.5), (0.05, 0.6), (0.1, 0.8)); break;
            case SensorType.Vibration: Vibration(ref p, ref random); break;
            default: Current(ref p, ref random); break;
        }

        Time(ref p, options, ref random);
        Quantum(ref p, ref random);
        return p;
    }

    private static void Smooth(ref SensorParameters p, ref ulong random, (double Low, double High) level, (double Low, double High) noise,
        (double Low, double High) daily, (double Low, double High) fast, (double Low, double High) wander)
    {
        p.High = RandomStream.NextBetween(ref random, level.Low, level.High);
        p.Low = p.High;
        p.NoiseFloor = RandomStream.NextLogBetween(ref random, noise.Low, noise.High);
        p.NoiseCorrelation = RandomStream.NextBetween(ref random, 0, 0.9);
        double first = RandomStream.NextLogBetween(ref random, fast.Low, fast.High);
        SetCycles(ref p, ref random, RandomStream.NextLogBetween(ref random, daily.Low, daily.High), first, first * RandomStream.NextUnit(ref random));
        p.WanderSigma = RandomStream.NextLogBetween(ref random, wander.Low, wander.High);
        p.WanderS = RandomStream.NextLogBetween(ref random, 20 * 60, 120 * 60);
        // Half of the sensors follow a set point that someone changes a few times a day.
        bool moves = RandomStream.NextUnit(ref random) < 0.5;
        p.MoveEveryS = moves ? RandomStream.NextBetween(ref random, 6 * 3600, 18 * 3600) : 0;
        p.MoveSigma = moves ? p.NoiseFloor * RandomStream.NextBetween(ref random, 3, 10) : 0;
        p.RampS = RandomStream.NextBetween(ref random, 60, 240);
    }

    private static void Vibration(ref SensorParameters p, ref ulong random)
    {
        Machine(ref p, ref random, level: (0.8, 8), idle: (0.05, 0.25), cycle: (0.01, 0.06), wander: (0.02, 0.06));
        p.NoisePerLoad = RandomStream.NextLogBetween(ref random, 0.04, 0.15);
        p.NoiseFloor = p.High * 0.002;
        p.StudentTable = (byte)(1 + RandomStream.Next(ref random) % (ulong)Gaussian.StudentFreedoms.Length);
        if (RandomStream.NextUnit(ref random) >= 0.6) return;
        Switching(ref p, ref random, periodS: (20 * 60, 120 * 60), onShare: (0.35, 0.8), spread: 0.7);
        p.RampS = RandomStream.NextBetween(ref random, 3, 20);
    }

    private static void Current(ref SensorParameters p, ref ulong random)
    {
        Machine(ref p, ref random, level: (2, 40), idle: (0.05, 0.3), cycle: (0.005, 0.03), wander: (0.01, 0.03));
        p.NoisePerLoad = RandomStream.NextLogBetween(ref random, 0.01, 0.04);
        p.NoiseFloor = p.High * 0.002;
        p.NoiseCorrelation = RandomStream.NextBetween(ref random, 0, 0.6);
        if (RandomStream.NextUnit(ref random) >= 0.7) return;
        Switching(ref p, ref random, periodS: (5 * 60, 30 * 60), onShare: (0.3, 0.7), spread: 0.2);
        p.RampS = RandomStream.NextBetween(ref random, 1, 5);
    }

    // Amplitudes as shares of the load.
    private static void Machine(ref SensorParameters p, ref ulong random, (double Low, double High) level, (double Low, double High) idle,
        (double Low, double High) cycle, (double Low, double High) wander)
    {
        p.Multiplicative = true;
        p.High = RandomStream.NextLogBetween(ref random, level.Low, level.High);
        p.Low = p.High * RandomStream.NextBetween(ref random, idle.Low, idle.High);
        double first = RandomStream.NextLogBetween(ref random, cycle.Low, cycle.High);
        SetCycles(ref p, ref random, RandomStream.NextBetween(ref random, 0, 0.1), first, first * RandomStream.NextUnit(ref random));
        p.WanderSigma = RandomStream.NextBetween(ref random, wander.Low, wander.High);
        p.WanderS = RandomStream.NextLogBetween(ref random, 10 * 60, 60 * 60);
    }

    private static void Switching(ref SensorParameters p, ref ulong random, (double Low, double High) periodS, (double Low, double High) onShare, double spread)
    {
        p.SwitchPeriodS = RandomStream.NextLogBetween(ref random, periodS.Low, periodS.High);
        p.OnShare = RandomStream.NextBetween(ref random, onShare.Low, onShare.High);
        p.SwitchSpread = spread;
    }

    // The day's phase is each sensor's own: a short simulation then sees all times of day.
    private static void SetCycles(ref SensorParameters p, ref ulong random, double daily, double first, double second)
    {
        p.Amplitude[0] = daily;
        p.Amplitude[1] = first;
        p.Amplitude[2] = second;
        p.PeriodS[0] = Day;
        p.PeriodS[1] = RandomStream.NextBetween(ref random, 15 * 60, 50 * 60);
        p.PeriodS[2] = RandomStream.NextBetween(ref random, 15 * 60, 50 * 60);
        for (int i = 0; i < SensorParameters.Cycles; i++) p.Phase[i] = 2 * Math.PI * RandomStream.NextUnit(ref random);
    }

    private static void Time(ref SensorParameters p, FleetOptions options, ref ulong random)
    {
        p.LostShare = options.MaxLostShare * RandomStream.NextUnit(ref random);
        double gapEvery = RandomStream.NextLogBetween(ref random, 3 * 3600, 24 * 3600);
        p.GapEveryS = options.Gaps ? gapEvery : 0;
        // Beyond 0.4 steps a reading could come behind the sensor's next one.
        p.JitterS = Math.Min(options.MaxJitterUs, 0.4 * options.StepUs) / 1e6 * RandomStream.NextUnit(ref random);
    }

    // The coarsest of 1, 2, 5 · 10⁻ᵈ that is not above a share (up to 1) of the least noise σ; at most 9 digits.
    private static void Quantum(ref SensorParameters p, ref ulong random)
    {
        double limit = p.Noise(p.Switches ? p.Low : p.High) * RandomStream.NextLogBetween(ref random, 0.05, 1);
        p.Decimals = (byte)Math.Clamp((int)Math.Ceiling(-Math.Log10(limit)), 0, 9);
        double quanta = limit * DecimalPower(p.Decimals);
        p.QuantumStep = quanta >= 5 ? 5 : quanta >= 2 ? 2 : 1;
    }

    /// <summary>10ᵈ for 0 to 9, exact.</summary>
    public static double DecimalPower(int decimals)
    {
        double power = 1;
        for (int i = 0; i < decimals; i++) power *= 10;
        return power;
    }
}
