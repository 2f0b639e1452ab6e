namespace FastIot.Scoring;

/// <summary>
/// The scorers of one worker, by version of the model. Usually one; beside it the one that a partition's committed windows were scored by,
/// as long as a replay may meet them.
/// </summary>
/// <param name="current">Version that new windows are to be scored by; 0 = no model.</param>
/// <param name="label">"name:version" of a version; null for 0.</param>
/// <param name="make">Makes the scorer of a version.</param>
internal sealed class ScorerSet(int current, Func<int, string?> label, Func<int, IWindowScorer> make) : IDisposable
{
    private readonly Dictionary<int, IWindowScorer> _scorers = [];

    public int Current { get; } = current;

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

    public void Dispose()
    {
        foreach (IWindowScorer scorer in _scorers.Values) scorer.Dispose();
    }
}
