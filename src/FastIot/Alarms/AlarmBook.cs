using System.Globalization;

namespace FastIot.Alarms;

/// <summary>A group, and what is due to be said of it.</summary>
internal readonly record struct AlarmMessage(AlarmGroup Group, AlarmStatus Status);

/// <summary>
/// What people know, and what they are to be told: puts episodes into groups and says which messages are due. Knows the time only as it is
/// told; used by the notifier alone. How often it calls is the notifier's business: what waits is kept up to date meanwhile.
/// </summary>
internal sealed class AlarmBook
{
    /// <summary>An episode of which nothing is heard for so long is over: its series, or its partition, has fallen silent.</summary>
    public static readonly TimeSpan Silent = TimeSpan.FromMinutes(30);

    /// <summary>So long after its end a group may still be told; then it is given up.</summary>
    public static readonly TimeSpan Latest = TimeSpan.FromHours(1);

    /// <summary>Whose episodes have all gone to another instance is remembered for so long: they may come back.</summary>
    private static readonly TimeSpan s_elsewhere = TimeSpan.FromMinutes(10);

    /// <summary>Between two looks whether a silence is over.</summary>
    private static readonly TimeSpan s_silenced = TimeSpan.FromSeconds(10);

    private readonly AlarmDelivery _delivery;
    private readonly AlarmCounters _counters;
    private readonly Dictionary<string, AlarmGroup> _groups = new(StringComparer.Ordinal);
    private readonly List<string> _gone = [];

    public AlarmBook(AlarmDelivery delivery, AlarmCounters counters) => (_delivery, _counters) = (delivery, counters);

    public Silences Silences { get; set; } = Silences.None;

    public Locations Locations { get; set; } = Locations.None;

    public int Groups => _groups.Count;

    /// <summary>An episode has opened, ended, or is another instance's from now on.</summary>
    public void Take(AlarmEpisode episode, DateTimeOffset now)
    {
        if (episode.Group == null && !Join(episode, now)) return;
        episode.Group!.Update(episode, episode.Figures, now);
    }

    /// <summary>Messages that are due, those that tell most first; each group's waits until <see cref="Told"/> is called for it.</summary>
    /// <param name="atEnd">The process ends: nobody will tell later what opened just now.</param>
    public List<AlarmMessage> Due(DateTimeOffset now, int most, bool atEnd = false)
    {
        var due = new List<AlarmMessage>();
        foreach ((string key, AlarmGroup group) in _groups)
        {
            if (group.IsUnderWay || (now < group.LookAt && !atEnd)) continue;
            if (Next(group, now, atEnd, out bool isDone) is { } status) due.Add(new AlarmMessage(group, status));
            if (isDone) _gone.Add(key);
        }

        foreach (string key in _gone) _groups.Remove(key);
        _gone.Clear();
        due.Sort((a, b) => Urgency(a) != Urgency(b) ? Urgency(a).CompareTo(Urgency(b)) : a.Group.FirstAt.CompareTo(b.Group.FirstAt));
        if (due.Count > most) due.RemoveRange(most, due.Count - most);
        foreach (AlarmMessage message in due) message.Group.IsUnderWay = true;
        return due;
    }

    /// <summary>The message has arrived, or was given up: then it is due again after the interval.</summary>
    public void Told(AlarmMessage message, bool arrived, DateTimeOffset now)
    {
        AlarmGroup group = message.Group;
        group.IsUnderWay = false;
        group.LookAt = arrived ? now : now + _delivery.Interval;
        if (!arrived) return;
        group.ToldAt = now;
        if (message.Status != AlarmStatus.Resolved)
        {
            group.IsAnnounced = true;
            return;
        }

        if (group.Open > 0) group.BeginAnew(now);
        else _groups.Remove(Key(group.Labels));
    }

    /// <returns>False where there are too many groups.</returns>
    private bool Join(AlarmEpisode episode, DateTimeOffset now)
    {
        IReadOnlyList<KeyValuePair<string, string>> labels = LabelsOf(episode);
        string key = Key(labels);
        if (!_groups.TryGetValue(key, out AlarmGroup? group))
        {
            if (_groups.Count >= _delivery.MaxGroups)
            {
                _counters.Drop();
                // Offered again with its next window.
                episode.IsHandedOver = false;
                return false;
            }

            _groups.Add(key, group = new AlarmGroup(labels, episode.Key.StartUs, now) { IsAnnounced = episode.IsKnown });
        }

        if (group.Open == 0) group.LookAt = now;
        group.Add(episode);
        episode.Group = group;
        (episode.SeenUs, episode.SeenAt) = (episode.Figures.LastUs, now);
        return true;
    }

    private AlarmStatus? Next(AlarmGroup group, DateTimeOffset now, bool atEnd, out bool isDone)
    {
        isDone = false;
        int audible = Look(group, now);
        bool isOver = group.Open == 0;
        group.LookAt = now + s_silenced;
        if (!group.IsAnnounced)
        {
            if (audible == 0 && isOver) isDone = true;
            if (isOver && now - group.EmptyAt > Latest) isDone = true;
            if (audible == 0 || isDone) return null;
            group.LookAt = group.FirstAt + _delivery.Wait;
            return now >= group.LookAt || atEnd ? AlarmStatus.Opened : null;
        }

        if (!isOver)
        {
            if (audible == 0) return null;
            if (now >= group.ToldAt + _delivery.Interval) return AlarmStatus.Ongoing;
            group.LookAt = group.ToldAt + _delivery.Interval;
            return null;
        }

        // The other instance says how it goes on; to end it here would be a lie.
        if (group.IsElsewhere)
        {
            isDone = now - group.EmptyAt > s_elsewhere;
            return null;
        }

        isDone = now - group.EmptyAt > Latest;
        if (isDone) return null;
        group.LookAt = group.EmptyAt + _delivery.Wait;
        return now >= group.LookAt ? AlarmStatus.Resolved : null;
    }

    /// <summary>Brings the group up to date.</summary>
    /// <returns>Episodes that no silence covers: open ones, or listed ones where none is open.</returns>
    private int Look(AlarmGroup group, DateTimeOffset now)
    {
        foreach (AlarmEpisode episode in group.OpenEpisodes)
        {
            EpisodeFigures figures = episode.Figures;
            if (figures.LastUs != episode.SeenUs) (episode.SeenUs, episode.SeenAt) = (figures.LastUs, now);
            bool isSilent = now - episode.SeenAt > Silent;
            // Only removed from what is walked through. Should the series come back, its worker offers the episode again.
            group.Update(episode, figures with { IsOver = figures.IsOver || isSilent }, now);
            if (!isSilent) continue;
            episode.Group = null;
            episode.IsHandedOver = false;
        }

        int audible = 0;
        foreach (AlarmEpisode episode in group.Open > 0 ? group.OpenEpisodes : group.Listed)
        {
            if (!Silences.Cover(episode.Key, now))
            {
                audible++;
            }
            else if (!episode.WasSilenced)
            {
                episode.WasSilenced = true;
                _counters.Silence();
            }
        }

        return audible;
    }

    private List<KeyValuePair<string, string>> LabelsOf(AlarmEpisode episode)
    {
        var labels = new List<KeyValuePair<string, string>>(_delivery.Labels);
        foreach (AlarmLabel label in _delivery.GroupBy)
        {
            string value = label switch
            {
                AlarmLabel.Location => Locations.Of(episode.Key.Sensor),
                AlarmLabel.Metric => episode.Key.Metric,
                AlarmLabel.Sensor => episode.Key.Sensor,
                _ => episode.Partition.ToString(CultureInfo.InvariantCulture),
            };
            if (value.Length > 0) labels.Add(new(AlarmLabels.Names[(int)label], value));
        }

        return labels;
    }

    private static int Urgency(AlarmMessage message) => message.Status switch
    {
        AlarmStatus.Opened => 0,
        AlarmStatus.Resolved => 1,
        _ => 2,
    };

    private static string Key(IEnumerable<KeyValuePair<string, string>> labels) => string.Join('\u001f', labels.Select(l => $"{l.Key}\u001e{l.Value}"));
}
