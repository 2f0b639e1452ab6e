using System.Diagnostics;

namespace FastIot;

/// <summary>
/// Maps event time to this machine's clock, to tell how long ago an event was due. Speed 1 and no origin: event time is wall time. The
/// demo runs event time faster. Only latencies and pacing depend on it, never a result.
/// </summary>
public sealed class EventClock
{
    private sealed record Origin(long EventUs, long Ticks);

    private readonly double _ticksPerEventUs;
    private volatile Origin _origin;

    /// <param name="eventOriginUs">Event time that is due now.</param>
    /// <param name="speed">Seconds of event time per second.</param>
    public EventClock(long eventOriginUs, double speed = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(speed);
        _ticksPerEventUs = Stopwatch.Frequency / 1e6 / speed;
        _origin = new Origin(eventOriginUs, Stopwatch.GetTimestamp());
    }

    public static EventClock Wall() => new(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1000);

    /// <summary>Event time that is due now.</summary>
    public long NowUs => _origin is var o ? o.EventUs + (long)((Stopwatch.GetTimestamp() - o.Ticks) / _ticksPerEventUs) : 0;

    /// <summary>From here on, and from now: this event time is due at this moment.</summary>
    public void Restart(long eventOriginUs) => _origin = new Origin(eventOriginUs, Stopwatch.GetTimestamp());

    /// <summary><see cref="Stopwatch"/> time at which the event was due.</summary>
    public long DueTicks(long eventUs)
    {
        Origin origin = _origin;
        return origin.Ticks + (long)((eventUs - origin.EventUs) * _ticksPerEventUs);
    }

    /// <summary>Whether the event lies before the clock's origin: it was never due.</summary>
    public bool Precedes(long eventUs) => eventUs < _origin.EventUs;
}
