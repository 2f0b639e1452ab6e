namespace FastIot.Recovery;

/// <summary>A partition was idle: with everything before <paramref name="Position"/> read, all windows up to <paramref name="WindowEndUs"/> were closed.</summary>
public readonly record struct IdleDecision(long Position, long WindowEndUs);

/// <summary>
/// The idle decisions a replay can still meet. Two at most: one is settled (closed, stored, snapshotted, committed) before the next is
/// taken, so that the snapshot has passed all but the last.
/// </summary>
public readonly record struct IdleDecisions
{
    public const int Most = 2;

    private readonly IdleDecision _first;
    private readonly IdleDecision _second;

    private IdleDecisions(int count, IdleDecision first, IdleDecision second) => (Count, _first, _second) = (count, first, second);

    public int Count { get; }

    public IdleDecision this[int index] => index < 0 || index >= Count ? throw new ArgumentOutOfRangeException(nameof(index)) : index == 0 ? _first : _second;

    /// <exception cref="InvalidOperationException">There are as many as may be: the protocol was broken.</exception>
    public IdleDecisions With(IdleDecision decision) => Count switch
    {
        0 => new IdleDecisions(1, decision, default),
        1 => new IdleDecisions(2, _first, decision),
        _ => throw new InvalidOperationException($"a third idle decision ({decision}) while {_first} and {_second} are kept"),
    };

    /// <summary>Those of window ends after <paramref name="us"/>: what a replay whose watermark begins there can meet.</summary>
    public IdleDecisions After(long us)
    {
        var kept = new IdleDecisions();
        for (int i = 0; i < Count; i++)
        {
            if (this[i].WindowEndUs > us) kept = kept.With(this[i]);
        }

        return kept;
    }
}

/// <summary>
/// Version of the model that scores, 0 = none; and while it changes, the next one's, in force from window end <paramref name="NextFromUs"/>
/// on. A change is committed for a window end still to come before anything is scored by it, so that a replay scores alike.
/// </summary>
public readonly record struct ModelInForce(int Version, int Next = 0, long NextFromUs = long.MaxValue)
{
    public bool IsChanging => NextFromUs != long.MaxValue;

    /// <summary>The last one decided for.</summary>
    public int Latest => IsChanging ? Next : Version;

    public int At(long windowEndUs) => windowEndUs >= NextFromUs ? Next : Version;

    /// <summary>What a replay of windows after <paramref name="us"/> needs to know.</summary>
    public ModelInForce After(long us) => IsChanging && us >= NextFromUs ? new ModelInForce(Next) : this;
}
