namespace FastIot.Simulation;

/// <summary>What a fleet is. Two fleets with equal options give equal readings, bit for bit.</summary>
public sealed record FleetOptions
{
    /// <summary>Sensors, numbered from 0; the five types take turns. At most 100 million.</summary>
    public int Sensors { get; init; } = 10_000;

    /// <summary>Readings per second of each sensor, 0.001 to 10,000.</summary>
    public double Rate { get; init; } = 1;

    public ulong Seed { get; init; } = 1;

    /// <summary>Event time of the first step, µs since the epoch.</summary>
    public long StartUs { get; init; } = 1_793_491_200_000_000; // 2026-11-01T00:00:00Z

    /// <summary>Share of sensor-time that is anomalous, behind <see cref="AnomalyFreeUs"/>; 0 for a clean fleet.</summary>
    public double AnomalyRate { get; init; } = 0.02;

    /// <summary>Time from each sensor's start in which nothing is injected.</summary>
    public long AnomalyFreeUs { get; init; } = 30 * 60_000_000L;

    /// <summary>Least time between two events of one sensor.</summary>
    public long AnomalySpacingUs { get; init; } = 20 * 60_000_000L;

    /// <summary>Weights of spike, drift, stuck and noise, by number of events.</summary>
    public IReadOnlyList<double> KindWeights { get; init; } = [1, 1, 1, 1];

    /// <summary>Weights of hard, medium and easy.</summary>
    public IReadOnlyList<double> TierWeights { get; init; } = [1, 1, 1];

    /// <summary>Multiplies how long drift, stuck and noise last; 1 is the recipe, more makes faults of hours.</summary>
    public double DurationFactor { get; init; } = 1;

    /// <summary>Each sensor loses a share of its readings, drawn between 0 and this.</summary>
    public double MaxLostShare { get; init; } = 0.03;

    /// <summary>Whether sensors fall silent for about 15 s now and then.</summary>
    public bool Gaps { get; init; } = true;

    /// <summary>Each sensor's timestamps come late by up to a bound of its own, drawn between 0 and this (and 0.4 steps at most).</summary>
    public long MaxJitterUs { get; init; } = 400_000;

    /// <summary>Time between two readings of one sensor, µs.</summary>
    public double StepUs => 1e6 / Rate;

    /// <exception cref="ArgumentException">A value out of its range; the message says which.</exception>
    public FleetOptions Validate()
    {
        Check(Sensors is >= 1 and <= 100_000_000, $"sensors must be 1 to 100,000,000, not {Sensors}");
        Check(Rate is >= 0.001 and <= 10_000, $"rate must be 0.001 to 10,000 readings per second and sensor, not {Rate}");
        Check(StartUs is >= Limits.MinTimeUs and <= Limits.MaxTimeUs, $"the start ({StartUs} µs) must lie between 1970 and 2262");
        Check(AnomalyFreeUs >= 0, $"the anomaly-free time must not be negative, not {AnomalyFreeUs} µs");
        Check(AnomalySpacingUs >= 0, $"the spacing of anomalies must not be negative, not {AnomalySpacingUs} µs");
        Check(MaxLostShare is >= 0 and <= 0.5, $"the lost share must be 0 to 0.5, not {MaxLostShare}");
        Check(MaxJitterUs >= 0, $"jitter must not be negative, not {MaxJitterUs} µs");
        Check(DurationFactor is > 0 and <= 1000, $"the duration factor must be above 0 and at most 1,000, not {DurationFactor}");
        CheckWeights("kind", KindWeights, Scoring.AnomalyKinds.Modelled);
        CheckWeights("tier", TierWeights, AnomalyTiers.Count);
        double most = AnomalyRecipe.HighestRate(this);
        Check(AnomalyRate >= 0 && AnomalyRate <= most,
            $"the anomaly rate must be 0 to {most:0.###} with this mix and {AnomalySpacingUs / 60e6:0.#} min between events, not {AnomalyRate}");
        return this;
    }

    private static void CheckWeights(string name, IReadOnlyList<double> weights, int count) =>
        Check(weights.Count == count && weights.All(w => w >= 0 && double.IsFinite(w)) && weights.Sum() > 0,
            $"{name} weights must be {count} numbers from 0 up, not all 0, not [{string.Join(", ", weights)}]");

    private static void Check(bool holds, string message)
    {
        if (!holds) throw new ArgumentException(message);
    }
}
