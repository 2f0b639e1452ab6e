namespace FastIot.Simulation;

/// <summary>
/// Plays a fleet into a target, at the pace of an event clock or as fast as the target takes it. What the target does not take is waited
/// for, never dropped.
/// </summary>
public sealed class Simulator : IDisposable
{
    private const int Chunk = 1024;
    private const int LongestWaitMs = 20;

    private readonly Fleet _fleet;
    private readonly Disorder? _disorder;
    private readonly IReadingTarget _target;
    private readonly ReadingEncoder _encoder = new();
    private readonly SimulatedReading[] _readings = new SimulatedReading[Chunk];
    private readonly List<SimulatedReading> _sent = [];
    private readonly byte[] _key = new byte[32];
    private readonly byte[] _value = new byte[ReadingEncoder.MaxBytes];
    private long _produced;
    private long _bytes;

    /// <param name="onEvent">Told of each anomaly when it starts.</param>
    public Simulator(FleetOptions fleet, DisorderOptions disorder, IReadingTarget target, Action<AnomalyEvent>? onEvent = null)
    {
        _fleet = new Fleet(fleet, null, onEvent);
        _disorder = disorder.Validate().None ? null : new Disorder(disorder, fleet.Seed);
        _target = target;
    }

    /// <summary>Records handed to the target.</summary>
    public long Produced => Volatile.Read(ref _produced);

    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Event time up to which all readings are made.</summary>
    public long PositionUs => _fleet.PositionUs;

    public Disorder? Disorder => _disorder;

    /// <summary>Goes on to this event time without sending anything: what was before is known already.</summary>
    public void SkipTo(long us)
    {
        while (_fleet.Fill(_readings, us) > 0)
        {
        }
    }

    /// <summary>Sends everything before <paramref name="untilUs"/>, or until cancelled.</summary>
    /// <param name="clock">Readings wait for their time; null: they do not.</param>
    /// <param name="mayGoOn">Asked now and then; while it says no, nothing is sent.</param>
    public void Run(long untilUs, EventClock? clock, Func<bool>? mayGoOn, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested && _fleet.PositionUs < untilUs)
        {
            _target.Poll();
            if (mayGoOn?.Invoke() == false)
            {
                _target.Wait();
                cancellation.WaitHandle.WaitOne(1);
                continue;
            }

            int count = _fleet.Fill(_readings, clock == null ? untilUs : Math.Min(untilUs, clock.NowUs));
            if (count > 0)
            {
                Send(_readings.AsSpan(0, count), cancellation);
                continue;
            }

            if (clock == null) break;
            double waitMs = (clock.DueTicks(_fleet.PositionUs) - System.Diagnostics.Stopwatch.GetTimestamp()) * 1e3 / System.Diagnostics.Stopwatch.Frequency;
            cancellation.WaitHandle.WaitOne((int)Math.Clamp(Math.Ceiling(waitMs), 1, LongestWaitMs));
        }

        if (_disorder == null || cancellation.IsCancellationRequested) return;
        _disorder.Drain(_sent);
        Send(cancellation);
    }

    public void Dispose() => _fleet.Dispose();

    private void Send(ReadOnlySpan<SimulatedReading> readings, CancellationToken cancellation)
    {
        if (_disorder == null)
        {
            foreach (ref readonly SimulatedReading reading in readings) Send(in reading, cancellation);
            return;
        }

        foreach (SimulatedReading reading in readings) _disorder.Apply(reading, _sent);
        Send(cancellation);
    }

    private void Send(CancellationToken cancellation)
    {
        foreach (SimulatedReading reading in _sent) Send(in reading, cancellation);
        _sent.Clear();
    }

    private void Send(in SimulatedReading reading, CancellationToken cancellation)
    {
        int key = ReadingEncoder.Key(reading.Sensor, _key), value = _encoder.Encode(in reading, _value);
        while (!_target.TryWrite(_key.AsSpan(0, key), _value.AsSpan(0, value), reading.SentUs / 1000))
        {
            if (cancellation.IsCancellationRequested) return;
            _target.Wait();
        }

        Volatile.Write(ref _produced, _produced + 1);
        Volatile.Write(ref _bytes, _bytes + value);
    }
}
