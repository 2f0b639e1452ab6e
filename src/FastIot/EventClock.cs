using System.Diagnostics;

namespace FastIot;

/// <summary>
/// Maps event time to this machine's clock, to tell how long ago an event was due. Speed 1 and no origin: event time is wall time. The
/// demo runs event time faster. Only latencies depend on it, never a result.
/// </summary>
public sealed class EventClock
{
    private readonly long _eventOriginUs;
    private readonly long _ticksOrigin;
    private readonly double _ticksPerEventUs;

    /// <param name="eventOriginUs">Event time that is due now.</param>
    /// <param name="speed">Seconds of event time per second.</param>
    public EventClock(long eventOriginUs, double speed = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(speed);
        _eventOriginUs = eventOriginUs;
        _ticksOrigin = Stopwatch.GetTimestamp();
        _ticksPerEventUs = Stopwatch.Frequency / 1e6 / speed;
    }

    public static EventClock Wall() => new(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1000);

    /// <summary><see cref="Stopwatch"/> time at which the event was due.</summary>
    public long DueTicks(long eventUs) => _ticksOrigin + (long)((eventUs - _eventOriginUs) * _ticksPerEventUs);
}
