using FastIot.Scoring;

namespace FastIot.Simulation;

/// <summary>Starts and ends a sensor's anomalies, spread uniformly over its time but for the spacing.</summary>
internal sealed class AnomalyInjector
{
    private const long Never = long.MaxValue / 2;

    private readonly FleetOptions _options;
    private readonly Action<AnomalyEvent>? _onEvent;
    private readonly double _meanS;
    private readonly double _spacingS;

    // Mean of the exponential wait that follows an event and the spacing.
    private readonly double _waitS;

    public AnomalyInjector(FleetOptions options, Action<AnomalyEvent>? onEvent)
    {
        _options = options;
        _onEvent = onEvent;
        _meanS = AnomalyRecipe.MeanSeconds(options);
        _spacingS = options.AnomalySpacingUs / 1e6;
        _waitS = options.AnomalyRate > 0 ? Math.Max(0, _meanS / options.AnomalyRate - _meanS - _spacingS) : 0;
    }

    /// <summary>Sets the first event as if events had been going on for ever, so that the rate holds from the anomaly-free time's end.</summary>
    public void Begin(ref SensorPlan plan)
    {
        plan.EventAt = Never;
        if (_options.AnomalyRate <= 0) return;
        double busy = _meanS + _spacingS, wait = RandomStream.NextExponential(ref plan.AnomalyRandom, _waitS);
        if (RandomStream.NextUnit(ref plan.AnomalyRandom) * (busy + _waitS) < busy) wait += busy * RandomStream.NextUnit(ref plan.AnomalyRandom);
        plan.EventAt = Steps(_options.AnomalyFreeUs / 1e6 + wait);
    }

    public void Turn(in SensorParameters p, ref SensorPlan plan, ref SensorState state, long step)
    {
        if (plan.InEvent)
        {
            if (step < plan.EventEnd) return;
            End(ref plan, ref state, step);
        }

        if (step < plan.EventAt) return;
        if (step < plan.SilentUntil) plan.EventAt = plan.SilentUntil;
        else Start(p, ref plan, ref state, step);
    }

    private void Start(in SensorParameters p, ref SensorPlan plan, ref SensorState state, long step)
    {
        var kind = (AnomalyKind)RandomStream.NextIndex(ref plan.AnomalyRandom, _options.KindWeights);
        var tier = (AnomalyTier)RandomStream.NextIndex(ref plan.AnomalyRandom, _options.TierWeights);
        long steps = Length(kind, tier, ref plan);
        (double low, double high) = AnomalyRecipe.Magnitudes(kind, tier);
        double magnitude = RandomStream.NextBetween(ref plan.AnomalyRandom, low, high);
        double coin = RandomStream.NextUnit(ref plan.AnomalyRandom);
        switch (kind)
        {
            case AnomalyKind.Spike:
                magnitude *= Sign(p, state, magnitude * state.Sigma, coin);
                state.Offset = magnitude * state.Sigma;
                break;
            case AnomalyKind.Drift:
                double movement = SensorMovement.Rms(p);
                magnitude *= Sign(p, state, magnitude * movement, coin);
                state.OffsetSlope = magnitude * movement / steps;
                state.Offset = state.OffsetSlope;
                break;
            case AnomalyKind.Stuck:
                magnitude = steps / _options.Rate;
                state.Dither = coin < AnomalyRecipe.DitherShare ? (float)(AnomalyRecipe.DitherSigmas * state.Sigma) : 0;
                state.Flags |= SensorFlags.Stuck;
                break;
            default:
                plan.NoiseFactor = magnitude;
                state.Sigma *= magnitude;
                break;
        }

        plan.InEvent = true;
        plan.Kind = kind;
        plan.EventEnd = step + steps;
        state.Label = (sbyte)kind;
        _onEvent?.Invoke(new AnomalyEvent(state.Sensor, p.Type, kind, tier, TimeUs(state, step), TimeUs(state, plan.EventEnd), magnitude));
    }

    private void End(ref SensorPlan plan, ref SensorState state, long step)
    {
        plan.InEvent = false;
        plan.EventAt = step + Steps(_spacingS + RandomStream.NextExponential(ref plan.AnomalyRandom, _waitS));
        state.Sigma /= plan.NoiseFactor;
        plan.NoiseFactor = 1;
        state.Offset = 0;
        state.OffsetSlope = 0;
        state.Dither = 0;
        state.Flags &= ~SensorFlags.Stuck;
        state.Label = SimulatedReading.Normal;
    }

    private long Length(AnomalyKind kind, AnomalyTier tier, ref SensorPlan plan)
    {
        if (kind == AnomalyKind.Spike) return 1 + (long)(AnomalyRecipe.MaxSpikeSamples * RandomStream.NextUnit(ref plan.AnomalyRandom));
        (double low, double high) = AnomalyRecipe.Seconds(kind, tier);
        return Steps(RandomStream.NextLogBetween(ref plan.AnomalyRandom, low, high) * _options.DurationFactor);
    }

    // Either way, but where the quantity has a physical bound (no negative current, no humidity above 100 %) away from it.
    private static int Sign(in SensorParameters p, in SensorState state, double height, double coin)
    {
        bool bounded = p.Type is SensorType.Humidity or SensorType.Vibration or SensorType.Current;
        double lowest = p.Switches ? p.Low : state.Level;
        if (bounded && lowest - height < 0) return 1;
        if (p.Type == SensorType.Humidity && state.Level + height > 100) return -1;
        return coin < 0.5 ? -1 : 1;
    }

    private long Steps(double seconds) => Math.Max(1, (long)Math.Round(seconds * _options.Rate));

    private long TimeUs(in SensorState state, long step) => FleetClock.StepStartUs(_options, step) + state.PhaseUs;
}
