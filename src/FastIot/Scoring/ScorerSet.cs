namespace FastIot.Scoring;

/// <summary>
/// The scorers of one worker, by version of the model. Usually one; beside it the one that a partition's committed windows were scored by,
/// as long as a replay may meet them.
/// </summary>
/// <param name="wanted">Version that new windows are to be scored by; 0 = no model. It may change.</param>
/// <param name="label">"name:version" of a version that has a scorer; null for 0.</param>
/// <param name="make">Makes the scorer of a version.</param>
/// <param name="release">Told when the scorer of a version is gone.</param>
internal sealed class ScorerSet(Func<int> wanted, Func<int, string?> label, Func<int, IWindowScorer> make, Action<int>? release = null) : IDisposable
{
    private readonly Dictionary<int, IWindowScorer> _scorers = [];

    public ScorerSet(int current, Func<int, string?> label, Func<int, IWindowScorer> make)
        : this(() => current, label, make)
    {
    }

    /// <summary>As taken up last, see <see cref="TakeUp"/>.</summary>
    public int Current { get; private set; } = wanted();

    /// <summary>Whether another version is wanted than the one taken up.</summary>
    public bool HasOther => wanted() != Current;

    /// <exception cref="ModelException">There is no such version any more; the message says where it was looked for.</exception>
    public IWindowScorer this[int version]
    {
        get
        {
            if (!_scorers.TryGetValue(version, out IWindowScorer? scorer)) _scorers.Add(version, scorer = make(version));
            return scorer;
        }
    }

    public string? Label(int version) => label(version);

    /// <summary>Takes up the version that is wanted, and lets go of those that nobody needs.</summary>
    /// <param name="needs">Whether a version may still have to score.</param>
    /// <exception cref="ModelException"/>
    public void TakeUp(Predicate<int> needs)
    {
        int version = wanted();
        _ = this[version];
        Current = version;
        foreach (int other in _scorers.Keys.Where(v => v != version && !needs(v)).ToArray())
        {
            _scorers[other].Dispose();
            _scorers.Remove(other);
            release?.Invoke(other);
        }
    }

    public void Dispose()
    {
        foreach ((int version, IWindowScorer scorer) in _scorers)
        {
            scorer.Dispose();
            release?.Invoke(version);
        }

        _scorers.Clear();
    }
}
