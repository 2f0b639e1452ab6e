namespace FastIot.Alarms;

/// <summary>What became of alarms on their way to people. Counted from several threads.</summary>
public sealed class AlarmCounters
{
    private long _taken, _dropped, _silenced, _sent, _failed, _retries, _calls;
    private int _groups;

    /// <summary>Hand-overs of episodes that the queue took.</summary>
    public long Taken => Volatile.Read(ref _taken);

    /// <summary>Hand-overs that found the queue, or the table of groups, full; tried again while the episode goes on.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Episodes that a silence covered.</summary>
    public long Silenced => Volatile.Read(ref _silenced);

    /// <summary>Messages that the receiver has accepted.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Messages that were given up.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Calls that failed and were made again.</summary>
    public long Retries => Volatile.Read(ref _retries);

    /// <summary>Calls made.</summary>
    public long Calls => Volatile.Read(ref _calls);

    /// <summary>Groups that people know of, or are about to.</summary>
    public int Groups
    {
        get => Volatile.Read(ref _groups);
        internal set => Volatile.Write(ref _groups, value);
    }

    internal void Take() => Interlocked.Increment(ref _taken);

    internal void Drop() => Interlocked.Increment(ref _dropped);

    internal void Silence() => Interlocked.Increment(ref _silenced);

    internal void Send(int messages) => Interlocked.Add(ref _sent, messages);

    internal void Fail(int messages) => Interlocked.Add(ref _failed, messages);

    internal void Retry() => Interlocked.Increment(ref _retries);

    internal void Call() => Interlocked.Increment(ref _calls);
}
