namespace FastIot.Alarms;

/// <summary>What a message says of its group.</summary>
internal enum AlarmStatus
{
    Opened,
    Ongoing,
    Resolved,
}

/// <summary>
/// The episodes that have the labels of the grouping in common, from the first one's opening to the last one's end. The labels alone are
/// its identity to the receiver: the same after a restart.
/// </summary>
internal sealed class AlarmGroup
{
    /// <summary>Episodes that a message lists.</summary>
    public const int MaxListed = 10;

    private readonly Dictionary<EpisodeKey, AlarmEpisode> _open = [];
    private readonly HashSet<EpisodeKey> _elsewhere = [];
    private readonly List<AlarmEpisode> _ended = [];

    public AlarmGroup(IReadOnlyList<KeyValuePair<string, string>> labels, long startUs, DateTimeOffset now) => (Labels, StartUs, FirstAt, LookAt) = (labels, startUs, now, now);

    public IReadOnlyList<KeyValuePair<string, string>> Labels { get; }

    /// <summary>End of the first window in alarm.</summary>
    public long StartUs { get; private set; }

    /// <summary>Last window in alarm, as far as looked.</summary>
    public long LastUs { get; private set; }

    /// <summary>Episodes that there have been, open ones included.</summary>
    public int Episodes { get; private set; }

    public int Open => _open.Count;

    /// <summary>When it became known here.</summary>
    public DateTimeOffset FirstAt { get; private set; }

    /// <summary>When its last open episode was gone.</summary>
    public DateTimeOffset EmptyAt { get; private set; }

    /// <summary>When people were last told of it here.</summary>
    public DateTimeOffset ToldAt { get; set; }

    /// <summary>When to look at it again.</summary>
    public DateTimeOffset LookAt { get; set; }

    /// <summary>People know of it.</summary>
    public bool IsAnnounced { get; set; }

    /// <summary>A message about it is under way.</summary>
    public bool IsUnderWay { get; set; }

    /// <summary>Another instance has episodes of it, and will say how it goes on.</summary>
    public bool IsElsewhere => _elsewhere.Count > 0;

    /// <summary>All there is to list: open episodes, and some that have ended.</summary>
    public IEnumerable<AlarmEpisode> Listed => _open.Values.Concat(_ended);

    public IEnumerable<AlarmEpisode> OpenEpisodes => _open.Values;

    /// <summary>A new episode, or the same one from a worker that has begun anew.</summary>
    public void Add(AlarmEpisode episode)
    {
        _elsewhere.Remove(episode.Key);
        _ended.RemoveAll(e => e.Key == episode.Key);
        if (!_open.ContainsKey(episode.Key)) Episodes++;
        _open[episode.Key] = episode;
        StartUs = Math.Min(StartUs, episode.Key.StartUs);
    }

    /// <summary>Takes note of what has become of an episode.</summary>
    public void Update(AlarmEpisode episode, in EpisodeFigures figures, DateTimeOffset now)
    {
        LastUs = Math.Max(LastUs, figures.LastUs);
        if (!figures.IsOver && !figures.IsElsewhere) return;

        // Another object may have taken its place: a partition that was given up is back, and its worker has begun anew.
        if (_open.GetValueOrDefault(episode.Key) != episode) return;
        _open.Remove(episode.Key);
        if (figures.IsElsewhere) _elsewhere.Add(episode.Key);
        Remember(episode);
        if (_open.Count == 0) EmptyAt = LookAt = now;
    }

    /// <summary>It ended while its all-clear was under way, and has opened again: another one, from the people's view.</summary>
    public void BeginAnew(DateTimeOffset now)
    {
        (IsAnnounced, FirstAt, LookAt, Episodes) = (false, now, now, _open.Count);
        StartUs = _open.Keys.Min(k => k.StartUs);
        _ended.Clear();
    }

    private void Remember(AlarmEpisode episode)
    {
        if (_ended.Count == MaxListed) _ended.Remove(_ended.MinBy(e => e.Figures.HighestScore)!);
        _ended.Add(episode);
    }
}
