using FastIot.Scoring;

namespace FastIot.Simulation;

/// <summary>Lengths and magnitudes of the injected anomalies by kind and tier, and how far apart events must be for a wanted rate.</summary>
internal static class AnomalyRecipe
{
    /// <summary>A stuck sensor dithers in this share of events, by <see cref="DitherSigmas"/>.</summary>
    public const double DitherShare = 0.3;

    public const double DitherSigmas = 0.05;

    /// <summary>A spike lasts 1 to this many samples.</summary>
    public const int MaxSpikeSamples = 4;

    private static readonly (double Low, double High)[] s_spikeSigmas = [(4, 7), (7, 12), (12, 25)];
    private static readonly (double Low, double High)[] s_driftMovements = [(1.5, 3), (3, 6), (6, 12)];
    private static readonly (double Low, double High)[] s_stuckSeconds = [(30, 90), (90, 300), (300, 1200)];
    private static readonly (double Low, double High)[] s_noiseFactors = [(1.5, 2), (2, 3.5), (3.5, 8)];
    private static readonly (double Low, double High) s_driftSeconds = (300, 1800);
    private static readonly (double Low, double High) s_noiseSeconds = (60, 900);

    /// <summary>Magnitude range of the kind and tier; seconds for stuck.</summary>
    public static (double Low, double High) Magnitudes(AnomalyKind kind, AnomalyTier tier) => kind switch
    {
        AnomalyKind.Spike => s_spikeSigmas[(int)tier],
        AnomalyKind.Drift => s_driftMovements[(int)tier],
        AnomalyKind.Stuck => s_stuckSeconds[(int)tier],
        _ => s_noiseFactors[(int)tier],
    };

    /// <summary>Range of lengths in seconds. A spike's is counted in samples instead.</summary>
    public static (double Low, double High) Seconds(AnomalyKind kind, AnomalyTier tier) => kind switch
    {
        AnomalyKind.Drift => s_driftSeconds,
        AnomalyKind.Stuck => s_stuckSeconds[(int)tier],
        _ => s_noiseSeconds,
    };

    /// <summary>Mean length of an event in seconds under the options' mix. Lengths are drawn log-uniformly, as faults' lengths are.</summary>
    public static double MeanSeconds(FleetOptions options)
    {
        double kinds = options.KindWeights.Sum(), tiers = options.TierWeights.Sum(), mean = 0;
        for (int kind = 0; kind < AnomalyKinds.Modelled; kind++)
        {
            for (int tier = 0; tier < AnomalyTiers.Count; tier++)
            {
                double share = options.KindWeights[kind] / kinds * (options.TierWeights[tier] / tiers);
                mean += share * MeanSeconds((AnomalyKind)kind, (AnomalyTier)tier, options);
            }
        }

        return mean;
    }

    /// <summary>The highest anomaly rate that the spacing leaves room for.</summary>
    public static double HighestRate(FleetOptions options)
    {
        double mean = MeanSeconds(options);
        return mean / (mean + options.AnomalySpacingUs / 1e6);
    }

    private static double MeanSeconds(AnomalyKind kind, AnomalyTier tier, FleetOptions options)
    {
        if (kind == AnomalyKind.Spike) return (1 + MaxSpikeSamples) / 2.0 / options.Rate;
        (double low, double high) = Seconds(kind, tier);
        return (high - low) / Math.Log(high / low) * options.DurationFactor;
    }
}
