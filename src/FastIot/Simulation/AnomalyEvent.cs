using FastIot.Scoring;

namespace FastIot.Simulation;

/// <summary>How far an injected anomaly stands out.</summary>
public enum AnomalyTier : sbyte
{
    Hard,
    Medium,
    Easy,
}

public static class AnomalyTiers
{
    public const int Count = 3;

    public static string Name(AnomalyTier tier) => s_names[(int)tier];

    private static readonly string[] s_names = ["hard", "medium", "easy"];
}

/// <summary>One injected anomaly. A reading of the sensor is labelled if and only if its event time is in [start, end).</summary>
/// <param name="Sensor">The sensor's number.</param>
/// <param name="StartUs">Event time of the first step concerned.</param>
/// <param name="EndUs">Event time of the first normal step behind it, as planned: the simulation may end before.</param>
/// <param name="Magnitude">
/// Spike: height in the sensor's local noise σ, signed. Drift: rise over the ramp in U, the rms movement of its true level in 30 min, signed.
/// Stuck: its length in seconds. Noise: factor on the noise σ.
/// </param>
public readonly record struct AnomalyEvent(
    int Sensor, SensorType Type, AnomalyKind Kind, AnomalyTier Tier, long StartUs, long EndUs, double Magnitude)
{
    /// <summary>What the magnitude is counted in.</summary>
    public string Unit => s_units[(int)Kind];

    private static readonly string[] s_units = ["sigma", "u", "s", "x"];
}
