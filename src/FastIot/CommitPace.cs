namespace FastIot;

/// <summary>
/// When a worker commits. With slow brokers, or much to catch up with, most of the time goes into reading; a transaction stays well within the
/// brokers' time-out of it all the same.
/// </summary>
internal sealed class CommitPace(PipelineOptions options, TimeProvider time)
{
    private static readonly TimeSpan s_longestRest = TimeSpan.FromSeconds(5);

    private long _ended = time.GetTimestamp();
    private TimeSpan _took;

    /// <summary>Records come faster than they are taken: the log's end is not reached.</summary>
    public bool IsBehind { get; set; }

    /// <summary>Whether it is time, whatever there is to commit.</summary>
    public bool IsDue => Since >= options.CommitInterval && HasRested;

    /// <summary>Whether what waits for a commit may have one.</summary>
    public bool MayHurry => !IsBehind && Since >= options.CommitAtLeastAfter && HasRested;

    private TimeSpan Since => time.GetElapsedTime(_ended);

    private bool HasRested
    {
        get
        {
            TimeSpan rest = IsBehind ? 4 * _took : _took;
            return Since >= (rest < s_longestRest ? rest : s_longestRest);
        }
    }

    /// <summary>A commit has ended, well or not.</summary>
    /// <returns>Ticks that it took.</returns>
    public long Committed(long began)
    {
        _ended = time.GetTimestamp();
        _took = time.GetElapsedTime(began, _ended);
        return _ended - began;
    }
}
