namespace FastIot;

/// <summary>What has become of a commit.</summary>
public enum CommitOutcome
{
    /// <summary>Records and offsets are there, all of them.</summary>
    Committed,

    /// <summary>
    /// Nothing of it is there nor will be: a generation that has passed, a transaction that was aborted. What was written since the last
    /// commit is gone with it; the client can be used again. The worker rewinds to what is committed.
    /// </summary>
    Aborted,

    /// <summary>
    /// Nobody knows (a time-out), or the client is of no more use (fenced, fatal). The worker discards sink and state, and reads again what
    /// the broker says is committed.
    /// </summary>
    Unknown,
}

/// <summary>The outcome of a commit and, unless it went well, what was answered, by whom and what to do.</summary>
public readonly record struct CommitResult(CommitOutcome Outcome, string? Reason = null)
{
    public static readonly CommitResult Committed = new(CommitOutcome.Committed);

    public static CommitResult Aborted(string reason) => new(CommitOutcome.Aborted, reason);

    public static CommitResult Unknown(string reason) => new(CommitOutcome.Unknown, reason);
}
