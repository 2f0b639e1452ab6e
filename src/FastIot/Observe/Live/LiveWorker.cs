using FastIot.Features;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Observe.Live;

/// <summary>
/// What one worker shows. The worker writes at window ends, HTTP threads read, both under one lock that is free nearly always: never is
/// one taken per reading. Episodes are kept always, the rest only while somebody looks.
/// </summary>
internal sealed class LiveWorker(LiveView view)
{
    /// <summary>Episodes kept; a newer one takes the oldest one's place.</summary>
    public const int Episodes = 256;

    private readonly Lock _lock = new();
    private readonly LiveEpisode[] _ring = [.. Enumerable.Range(0, Episodes).Select(_ => new LiveEpisode())];
    private readonly Dictionary<(int Partition, int Slot), LiveEpisode> _latest = new(Episodes * 2);
    private readonly Dictionary<int, LivePartition> _partitions = [];
    private int _next;

    /// <summary>A window has been scored and its alarms are known.</summary>
    public void Window(int partition, WindowBatch batch, SeriesTable series, FeatureState features)
    {
        lock (_lock)
        {
            Alarms(partition, batch, series, features);
            if (!view.IsWatched) return;
            if (!_partitions.TryGetValue(partition, out LivePartition? shown)) _partitions.Add(partition, shown = new LivePartition());
            shown.Window(batch, series);
            foreach (LiveSeries watched in view.Watched) watched.Window(partition, batch, series, features);
        }
    }

    /// <summary>The partition is another member's, or begins anew: its slots mean nothing any more.</summary>
    public void Forget(int partition)
    {
        lock (_lock)
        {
            _partitions.Remove(partition);
            foreach ((int Partition, int Slot) key in _latest.Keys.Where(k => k.Partition == partition).ToArray()) _latest.Remove(key);
            foreach (LiveSeries watched in view.Watched) watched.Forget(partition);
        }
    }

    /// <summary>Reads everything as of one moment; keep it short, the worker waits.</summary>
    public void Read(Action<IEnumerable<LiveEpisode>, IReadOnlyDictionary<int, LivePartition>> reader)
    {
        lock (_lock) reader(_ring.Where(e => e.Partition >= 0), _partitions);
    }

    private void Alarms(int partition, WindowBatch batch, SeriesTable series, FeatureState features)
    {
        for (int row = 0; row < batch.Count; row++)
        {
            if (batch.IsAnomaly[row] == 0) continue;
            int slot = batch.Slot[row];
            if (_latest.TryGetValue((partition, slot), out LiveEpisode? episode) && episode.StartUs == features[slot].EpisodeStartUs)
            {
                episode.Continue(batch, row);
            }
            else
            {
                episode = _ring[_next];
                _next = (_next + 1) % Episodes;
                if (episode.Partition >= 0 && _latest.GetValueOrDefault((episode.Partition, episode.Slot)) == episode) _latest.Remove((episode.Partition, episode.Slot));
                episode.Begin(partition, batch, row, series, features);
                _latest[(partition, slot)] = episode;
            }
        }
    }
}
