namespace FastIot;

/// <summary>How often a worker comes round: one that hangs in a call, or is halted, does not. The worker notes; others may ask for the last.</summary>
internal sealed class StepClock(TimeProvider time)
{
    private static readonly TimeSpan s_lately = TimeSpan.FromMinutes(1);

    private long _last = time.GetTimestamp();
    private long _longestAt;
    private TimeSpan _longest;

    /// <summary>How long ago the worker last came round.</summary>
    public TimeSpan SinceLast => time.GetElapsedTime(Volatile.Read(ref _last));

    /// <summary>The longest time without coming round, of the last minute.</summary>
    public TimeSpan LongestLately => SinceLast > _longest ? SinceLast : _longest;

    public void Note()
    {
        TimeSpan step = SinceLast;
        long now = time.GetTimestamp();
        if (step >= _longest || time.GetElapsedTime(_longestAt, now) > s_lately) (_longest, _longestAt) = (step, now);
        Volatile.Write(ref _last, now);
    }
}
