using FastIot.Emit;
using FastIot.Ingest;

namespace FastIot;

/// <summary>How much of a worker's surroundings can no longer be trusted, each with all before it.</summary>
internal enum Damage
{
    None,

    /// <summary>What is in memory: it is discarded, and read again from what is committed.</summary>
    State,

    /// <summary>The sink: the outcome of its last transaction is unknown, or it is fenced.</summary>
    Sink,

    /// <summary>The source: it failed, or taking the partitions up again did.</summary>
    Source,
}

/// <summary>
/// Keeps count of a worker's failures: what is to be made anew, when to try again, and when to give up. Time without a commit that
/// succeeded is what counts, not the number of failures.
/// </summary>
internal sealed class WorkerRecovery(TimeProvider time, TimeSpan stallTimeout)
{
    /// <summary>Rewinds in a row before source and sink are made anew.</summary>
    private const int Rewinds = 3;

    private const int MostFences = 3;

    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_sayAgain = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_fencesWithin = TimeSpan.FromMinutes(2);

    /// <summary>A little less than the shortest session that is usual.</summary>
    private static readonly TimeSpan s_session = TimeSpan.FromSeconds(14);

    private long _fencedSince;
    private int _fences;
    private string _said = "";
    private long _saidAt;
    private long _failingSince;
    private long _retryFrom;
    private TimeSpan _pause = s_firstPause;
    private int _failures;

    public Damage Damage { get; private set; }

    public string Reason { get; private set; } = "";

    /// <summary>Whether it is time to try again.</summary>
    public bool IsDue => time.GetTimestamp() >= _retryFrom;

    /// <summary>What a failure of this kind has damaged; null: nothing that trying again could mend.</summary>
    public static Damage? Of(Exception e, bool goesOnOverGaps) => e switch
    {
        EmitException => Damage.Sink,
        ObjectStoreException => Damage.Source,
        IngestException { Transient: true } => Damage.Source,
        IngestException { Gap: true } when goesOnOverGaps => Damage.Source,
        _ => null,
    };

    /// <summary>
    /// Whether a member that was fenced joins again. While brokers fail, a join that is sent again may fence the one before it. Who has been
    /// halted for longer than a session lasts, or is fenced again and again, must take it that another instance has its name.
    /// </summary>
    /// <param name="away">The longest time without coming round lately.</param>
    public bool MayJoinAgain(TimeSpan away)
    {
        long now = time.GetTimestamp();
        if (_fences == 0 || time.GetElapsedTime(_fencedSince, now) > s_fencesWithin) (_fences, _fencedSince) = (0, now);
        return ++_fences <= MostFences && away < s_session;
    }

    /// <summary>Whether this is to be said: what fails again and again for one reason is said every ten seconds.</summary>
    public bool IsNews(string reason)
    {
        if (reason == _said && time.GetElapsedTime(_saidAt) < s_sayAgain) return false;
        (_said, _saidAt) = (reason, time.GetTimestamp());
        return true;
    }

    /// <exception cref="IngestException">It has been failing for longer than a worker may.</exception>
    public void Failed(Damage damage, string reason)
    {
        long now = time.GetTimestamp();
        if (_failures++ == 0) _failingSince = now;
        if (time.GetElapsedTime(_failingSince, now) > stallTimeout)
            throw new IngestException($"no progress for {stallTimeout.TotalSeconds:0} s, with new connections tried: {reason}");
        Damage = (Damage)Math.Max((int)Damage, (int)(_failures > Rewinds ? Damage.Source : damage));
        Reason = reason;
        _retryFrom = now + (long)(_pause.TotalSeconds * time.TimestampFrequency);
        _pause = _pause * 2 < s_longestPause ? _pause * 2 : s_longestPause;
    }

    /// <summary>Everything is made anew as far as it was damaged.</summary>
    public void Restored() => Damage = Damage.None;

    /// <summary>A commit has succeeded: whatever was wrong is over.</summary>
    public void Progressed()
    {
        _failures = 0;
        _said = "";
        _pause = s_firstPause;
    }
}
