using System.Runtime.CompilerServices;
using FastIot.Scoring;

namespace FastIot.Simulation;

/// <summary>
/// A fleet of simulated sensors, or some of its sensors. Each sensor's readings depend on the seed and its number only: not on how many
/// readings are asked for at once, nor on which other sensors this instance makes. Readings come step by step, within a step in order of
/// sensors, which is the order of event time but for jitter. Not safe for use by several threads.
/// </summary>
public sealed unsafe class Fleet : IDisposable
{
    private readonly FleetOptions _options;
    private readonly NativeArray<SensorState> _states;
    private readonly SensorTurns _turns;
    private readonly int _count;
    private long _step;
    private int _next;

    /// <param name="options">The whole fleet.</param>
    /// <param name="sensors">Numbers of the sensors to make, ascending; null for all.</param>
    /// <param name="onEvent">Told of each anomaly when it starts, from within <see cref="Fill"/>, before its first reading.</param>
    public Fleet(FleetOptions options, int[]? sensors = null, Action<AnomalyEvent>? onEvent = null)
    {
        _options = options.Validate();
        CheckSensors(options, sensors);
        _count = sensors?.Length ?? options.Sensors;
        _states = new NativeArray<SensorState>(_count);
        _turns = new SensorTurns(options, _count, onEvent);
        for (int i = 0; i < _count; i++)
        {
            _states[i].Sensor = sensors?[i] ?? i;
            _turns.Begin(options, i, ref _states[i]);
        }
    }

    public FleetOptions Options => _options;

    /// <summary>Sensors that this instance makes.</summary>
    public int Count => _count;

    /// <summary>Start of the step that the next reading belongs to, µs since the epoch: everything before it has been made.</summary>
    public long PositionUs => FleetClock.StepStartUs(_options, _step);

    /// <summary>Native memory in use.</summary>
    public long Bytes => (long)_count * (sizeof(SensorState) + sizeof(SensorParameters) + sizeof(SensorPlan));

    /// <summary>Type of a sensor.</summary>
    public static SensorType TypeOf(int sensor) => (SensorType)(sensor % SensorTypes.Count);

    /// <summary>Metric of a sensor, as <see cref="SensorTypes"/> names it.</summary>
    public static string Metric(int sensor) => SensorTypes.Names[sensor % SensorTypes.Count];

    /// <summary>Id of a sensor, <c>sensor_000042</c>.</summary>
    public static string SensorId(int sensor) => $"sensor_{sensor:D6}";

    /// <summary>U of the sensor at this place of the instance: rms movement of its true level in 30 min, in its unit.</summary>
    public double Movement(int index) => SensorMovement.Rms(_turns.Parameters(index));

    /// <summary>
    /// Makes the next readings, as many as fit, but none of a step that starts at or after <paramref name="untilUs"/>.
    /// </summary>
    /// <returns>Number of readings made; fewer than fit, possibly 0, once the time is reached.</returns>
    public int Fill(Span<SimulatedReading> readings, long untilUs = long.MaxValue)
    {
        int made = 0;
        while (PositionUs < untilUs)
        {
            made += FillStep(readings[made..]);
            if (_next < _count) return made;
            _next = 0;
            _step++;
        }

        return made;
    }

    public void Dispose()
    {
        _states.Dispose();
        _turns.Dispose();
    }

    /// <summary>True level of a sensor at its coming step, without noise and anomalies (for tests).</summary>
    internal double TrueLevel(int index) => _states[index].Level;

    internal ref readonly SensorParameters Parameters(int index) => ref _turns.Parameters(index);

    private int FillStep(Span<SimulatedReading> readings)
    {
        double* layers = Gaussian.Layer, students = Gaussian.Student;
        long startUs = PositionUs;
        int made = 0;
        for (; _next < _count && made < readings.Length; _next++)
        {
            ref SensorState state = ref _states[_next];
            if (state.Left == 0) _turns.Turn(_next, ref state, _step);
            state.Left--;
            ulong bits = RandomStream.Next(ref state.Random);
            double deviate = Gaussian.Next(ref state.Random, layers);
            if (state.Student != 0) deviate *= students[(state.Student - 1) * Gaussian.StudentScales + (int)(bits & (Gaussian.StudentScales - 1))];
            state.Noise = state.Correlation * state.Noise + state.Innovation * deviate;
            double value = state.Level + state.Offset + state.Sigma * state.Noise;
            state.Level += state.Slope;
            state.Offset += state.OffsetSlope;
            if (state.Flags != SensorFlags.None && !Exceptional(ref state, deviate, ref value)) continue;
            // Rounded to a whole number of last digits, then divided once: the double nearest to the decimal that is written. Adding
            // zero turns −0 into 0.
            value = Math.Round(value * state.Quanta) * state.QuantumStep / state.DecimalPower + 0.0;
            if ((state.Flags & SensorFlags.Stuck) == 0) state.Last = value;
            ref SimulatedReading reading = ref readings[made++];
            reading.TimeUs = startUs + state.PhaseUs + (long)(((bits >> 32) * (ulong)(uint)state.JitterUs) >> 32);
            reading.SentUs = reading.TimeUs;
            reading.Value = value;
            reading.Sensor = state.Sensor;
            reading.Label = state.Label;
            reading.Flaw = RecordFlaw.None;
        }

        return made;
    }

    // False where nothing is sent.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Exceptional(ref SensorState state, double deviate, ref double value)
    {
        if ((state.Flags & SensorFlags.Silent) != 0) return false;
        value = state.Last + state.Dither * deviate;
        return true;
    }

    private static void CheckSensors(FleetOptions options, int[]? sensors)
    {
        if (sensors is null) return;
        for (int i = 0; i < sensors.Length; i++)
        {
            if (sensors[i] < 0 || sensors[i] >= options.Sensors || i > 0 && sensors[i] <= sensors[i - 1])
            {
                throw new ArgumentException($"sensor {sensors[i]} at place {i}: numbers must ascend and lie below {options.Sensors}", nameof(sensors));
            }
        }
    }
}
