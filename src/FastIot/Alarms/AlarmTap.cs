using FastIot.Features;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Alarms;

/// <summary>
/// One worker's way to the notifier: finds episodes that open and end as windows close, and hands them over. Never waits: where the
/// notifier's queue is full, an episode is offered again with its next window. Allocates once an episode, nothing per window.
/// </summary>
internal sealed class AlarmTap
{
    /// <summary>Episodes open at once; of more, people learn nothing new, and they are counted as dropped.</summary>
    public const int MaxOpen = 65_536;

    private readonly AlarmNotifier _notifier;
    private readonly long _windowUs;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, Open> _partitions = [];
    private int _open;

    /// <param name="windowUs">Length of a window: an episode is over that long behind its last alarm.</param>
    public AlarmTap(AlarmNotifier notifier, long windowUs) => (_notifier, _windowUs) = (notifier, windowUs);

    /// <summary>A partition's open episodes, by slot.</summary>
    private sealed class Open
    {
        public Dictionary<int, AlarmEpisode> BySlot { get; } = [];

        /// <summary>Windows are new: what is open goes to people.</summary>
        public bool IsLive { get; set; }
    }

    /// <summary>A window has been scored and its alarms are known; or nothing was in it.</summary>
    /// <param name="isNew">False in a replay of what was out before: people have been told.</param>
    public void Window(int partition, WindowBatch batch, SeriesTable series, FeatureState features, bool isNew)
    {
        if (!_partitions.TryGetValue(partition, out Open? open))
        {
            _partitions.Add(partition, open = new Open());
            TakeUp(partition, open, batch.WindowEndUs, series, features, isNew);
        }

        if (open.BySlot.Count > 0) End(open, batch.WindowEndUs);
        if (isNew && !open.IsLive)
        {
            open.IsLive = true;
            foreach (AlarmEpisode episode in open.BySlot.Values) HandOver(episode);
        }

        Span<byte> alarms = batch.IsAnomaly.Span[..batch.Count];
        for (int row = 0, next; (next = alarms[row..].IndexOfAnyExcept((byte)0)) >= 0; row++) Alarm(partition, open, batch, row += next, series, features);
    }

    /// <summary>The partition is another member's, or begins anew: its slots mean nothing any more.</summary>
    public void Forget(int partition)
    {
        if (!_partitions.Remove(partition, out Open? open)) return;
        foreach (AlarmEpisode episode in open.BySlot.Values)
        {
            lock (_lock) episode.Leave();
            if (episode.IsHandedOver) _notifier.Offer(episode);
        }

        _open -= open.BySlot.Count;
    }

    /// <summary>Episodes that a life before has left open, by the slow state taken over: their end is to be told, or that they go on.</summary>
    private void TakeUp(int partition, Open open, long endUs, SeriesTable series, FeatureState features, bool isNew)
    {
        for (int slot = 0; slot < series.Count; slot++)
        {
            long lastUs = features[slot].LastAlarmUs;
            // Those that begin with this very window are not the former life's.
            if (lastUs == 0 || endUs - lastUs > _windowUs || (isNew && features[slot].EpisodeStartUs == endUs)) continue;
            if (HasRoom()) Add(open, new AlarmEpisode(_lock, partition, slot, series, features) { IsKnown = true });
        }
    }

    private void End(Open open, long endUs)
    {
        foreach ((int slot, AlarmEpisode episode) in open.BySlot)
        {
            lock (_lock)
            {
                if (endUs - episode.Figures.LastUs <= _windowUs) continue;
                episode.End();
            }

            // Removing is all that may be done to a dictionary while it is walked through.
            open.BySlot.Remove(slot);
            _open--;
            if (episode.IsHandedOver) _notifier.Offer(episode);
        }
    }

    private void Alarm(int partition, Open open, WindowBatch batch, int row, SeriesTable series, FeatureState features)
    {
        int slot = batch.Slot[row];
        if (!open.BySlot.TryGetValue(slot, out AlarmEpisode? episode))
        {
            if (!HasRoom()) return;
            Add(open, episode = new AlarmEpisode(_lock, partition, slot, series, features) { IsKnown = !open.IsLive });
        }

        lock (_lock) episode.Continue(batch, row);
        if (open.IsLive && !episode.IsHandedOver) HandOver(episode);
    }

    private void Add(Open open, AlarmEpisode episode)
    {
        open.BySlot.Add(episode.Slot, episode);
        _open++;
    }

    private bool HasRoom()
    {
        if (_open < MaxOpen) return true;
        _notifier.Drop();
        return false;
    }

    // The flag first: the notifier may take it back as soon as it has the episode.
    private void HandOver(AlarmEpisode episode)
    {
        episode.IsHandedOver = true;
        if (!_notifier.Offer(episode)) episode.IsHandedOver = false;
    }
}
