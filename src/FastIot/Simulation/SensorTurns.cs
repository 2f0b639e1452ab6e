using FastIot.Scoring;

namespace FastIot.Simulation;

/// <summary>
/// Decides what changes for a sensor and when: pieces of its level, switching, lost readings, gaps. Between two turns a sensor only adds.
/// Anomalies are <see cref="AnomalyInjector"/>'s.
/// </summary>
internal sealed unsafe class SensorTurns : IDisposable
{
    private const long Never = long.MaxValue / 2;

    // The level is a chain of straight pieces of this length: a 15-minute cycle deviates from its chord by 0.06 % of its amplitude.
    private const double PieceS = 10;

    private readonly NativeArray<SensorParameters> _parameters;
    private readonly NativeArray<SensorPlan> _plans;
    private readonly AnomalyInjector _injector;
    private readonly double _rate;
    private readonly int _pieceSteps;

    public SensorTurns(FleetOptions options, int count, Action<AnomalyEvent>? onEvent)
    {
        _parameters = new NativeArray<SensorParameters>(count);
        _plans = new NativeArray<SensorPlan>(count);
        _injector = new AnomalyInjector(options, onEvent);
        _rate = options.Rate;
        _pieceSteps = (int)Math.Max(1, Math.Round(PieceS * _rate));
    }

    public ref readonly SensorParameters Parameters(int index) => ref _parameters[index];

    public void Dispose()
    {
        _parameters.Dispose();
        _plans.Dispose();
    }

    /// <summary>Draws a sensor and puts it somewhere in the middle of its life, ready for step 0.</summary>
    public void Begin(FleetOptions options, int index, ref SensorState state)
    {
        ulong random = RandomStream.Start(options.Seed, state.Sensor, 0);
        SensorParameters p = _parameters[index] = SensorDraw.Draw(options, state.Sensor, ref random);
        ref SensorPlan plan = ref _plans[index];
        state.Random = RandomStream.Start(options.Seed, state.Sensor, 1);
        plan.LevelRandom = RandomStream.Start(options.Seed, state.Sensor, 2);
        plan.SilenceRandom = RandomStream.Start(options.Seed, state.Sensor, 3);
        plan.AnomalyRandom = RandomStream.Start(options.Seed, state.Sensor, 4);
        state.PhaseUs = (int)(options.StepUs * ((state.Sensor + 0.5) / options.Sensors));
        state.JitterUs = (int)(p.JitterS * 1e6);
        state.Correlation = p.NoiseCorrelation;
        state.Innovation = Math.Sqrt(1 - p.NoiseCorrelation * p.NoiseCorrelation);
        state.QuantumStep = p.QuantumStep;
        state.DecimalPower = SensorDraw.DecimalPower(p.Decimals);
        state.Quanta = state.DecimalPower / p.QuantumStep;
        state.Student = p.StudentTable;
        state.Noise = Gaussian.Next(ref state.Random);
        state.Label = SimulatedReading.Normal;
        BeginPlan(p, ref plan);
        _injector.Begin(ref plan);
        plan.Target = Level(p, plan, 0);
        state.Last = Math.Round(plan.Target * state.Quanta) * state.QuantumStep / state.DecimalPower;
        Turn(index, ref state, 0, staggered: true);
    }

    /// <summary>Does what is due at the step, before the step's reading is made, and sets how long nothing more is.</summary>
    public void Turn(int index, ref SensorState state, long step) => Turn(index, ref state, step, staggered: false);

    private void Turn(int index, ref SensorState state, long step, bool staggered)
    {
        ref SensorPlan plan = ref _plans[index];
        ref readonly SensorParameters p = ref _parameters[index];
        if (step >= plan.SwitchAt) Switch(p, ref plan, step);
        if (step >= plan.MoveAt) Move(p, ref plan, step);
        if (step >= plan.KnotAt) Knot(p, ref plan, ref state, step, staggered);
        _injector.Turn(p, ref plan, ref state, step);
        Silence(p, ref plan, ref state, step);
        long next = Math.Min(Math.Min(plan.KnotAt, plan.InEvent ? plan.EventEnd : plan.EventAt), Math.Min(plan.LossAt, plan.GapAt));
        if (plan.SilentUntil > step) next = Math.Min(next, plan.SilentUntil);
        state.Left = (int)Math.Min(next - step, int.MaxValue);
    }

    private void BeginPlan(in SensorParameters p, ref SensorPlan plan)
    {
        plan.NoiseFactor = 1;
        plan.Wander = p.WanderSigma * Gaussian.Next(ref plan.LevelRandom);
        plan.On = !p.Switches || RandomStream.NextUnit(ref plan.LevelRandom) < p.OnShare;
        plan.LoadTo = plan.On ? p.High : p.Low;
        if (p.MoveEveryS > 0) plan.LoadTo += p.MoveSigma * Gaussian.Next(ref plan.LevelRandom);
        plan.SwitchAt = p.Switches ? Steps(HalfCycleS(p, ref plan) * RandomStream.NextUnit(ref plan.LevelRandom)) : Never;
        plan.MoveAt = Exponential(ref plan.LevelRandom, p.MoveEveryS);
        plan.GapAt = Exponential(ref plan.SilenceRandom, p.GapEveryS);
        plan.LossAt = RandomStream.NextGeometric(ref plan.SilenceRandom, p.LostShare) - 1;
    }

    private void Switch(in SensorParameters p, ref SensorPlan plan, long step)
    {
        plan.On = !plan.On;
        Ramp(p, ref plan, step, plan.On ? p.High : p.Low);
        plan.SwitchAt = step + Steps(HalfCycleS(p, ref plan));
    }

    private void Move(in SensorParameters p, ref SensorPlan plan, long step)
    {
        Ramp(p, ref plan, step, p.High + p.MoveSigma * Gaussian.Next(ref plan.LevelRandom));
        plan.MoveAt = step + Exponential(ref plan.LevelRandom, p.MoveEveryS);
    }

    private void Ramp(in SensorParameters p, ref SensorPlan plan, long step, double load)
    {
        plan.LoadFrom = plan.Load(step);
        plan.LoadTo = load;
        plan.RampFrom = step;
        plan.RampTo = step + Steps(p.RampS);
    }

    // Ends the straight piece and begins the next one, which ends early where something else bends the level.
    private void Knot(in SensorParameters p, ref SensorPlan plan, ref SensorState state, long step, bool staggered)
    {
        long next = step + (staggered ? 1 + (long)(RandomStream.Next(ref plan.LevelRandom) % (ulong)_pieceSteps) : _pieceSteps);
        if (plan.RampTo > step) next = Math.Min(next, plan.RampTo);
        next = Math.Min(next, Math.Min(plan.SwitchAt, plan.MoveAt));
        double kept = Math.Exp(-(next - step) / (_rate * p.WanderS));
        plan.Wander = kept * plan.Wander + p.WanderSigma * Math.Sqrt(1 - kept * kept) * Gaussian.Next(ref plan.LevelRandom);
        state.Level = plan.Target;
        plan.Target = Level(p, plan, next);
        plan.KnotAt = next;
        state.Slope = (plan.Target - state.Level) / (next - step);
        state.Sigma = p.Noise((plan.Load(step) + plan.Load(next)) / 2) * plan.NoiseFactor;
    }

    private double Level(in SensorParameters p, in SensorPlan plan, long step)
    {
        double seconds = step / _rate, modulation = plan.Wander;
        for (int i = 0; i < SensorParameters.Cycles; i++)
        {
            modulation += p.Amplitude[i] * Math.Sin(2 * Math.PI * (seconds / p.PeriodS[i] % 1) + p.Phase[i]);
        }

        double load = plan.Load(step);
        return load + (p.Multiplicative ? load : 1) * modulation;
    }

    private void Silence(in SensorParameters p, ref SensorPlan plan, ref SensorState state, long step)
    {
        // A spike is a handful of samples: lost, it would be an event that nobody can see.
        long holdOff = plan.InEvent && plan.Kind == AnomalyKind.Spike ? plan.EventEnd : step;
        plan.LossAt = Math.Max(plan.LossAt, holdOff);
        plan.GapAt = Math.Max(plan.GapAt, holdOff);
        if (plan.LossAt == step)
        {
            plan.SilentUntil = Math.Max(plan.SilentUntil, step + 1);
            plan.LossAt = step + RandomStream.NextGeometric(ref plan.SilenceRandom, p.LostShare);
        }

        if (plan.GapAt == step)
        {
            plan.SilentUntil = Math.Max(plan.SilentUntil, step + Exponential(ref plan.SilenceRandom, SensorDraw.GapMeanS));
            plan.GapAt = plan.SilentUntil + Exponential(ref plan.SilenceRandom, p.GapEveryS);
        }

        if (step < plan.SilentUntil) state.Flags |= SensorFlags.Silent;
        else state.Flags &= ~SensorFlags.Silent;
    }

    private static double HalfCycleS(in SensorParameters p, ref SensorPlan plan) =>
        p.SwitchPeriodS * (plan.On ? p.OnShare : 1 - p.OnShare) * (1 + p.SwitchSpread * (2 * RandomStream.NextUnit(ref plan.LevelRandom) - 1));

    private long Steps(double seconds) => Math.Max(1, (long)Math.Round(seconds * _rate));

    private long Exponential(ref ulong random, double meanS) => meanS > 0 ? Steps(RandomStream.NextExponential(ref random, meanS)) : Never;
}
