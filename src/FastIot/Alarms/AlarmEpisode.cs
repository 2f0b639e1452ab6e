using System.Text;
using FastIot.Features;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Alarms;

/// <summary>What makes an episode the same one, in whichever life of the process and whichever instance: its series, and the end of its first window.</summary>
internal readonly record struct EpisodeKey(string Sensor, string Metric, long StartUs);

/// <summary>What is to be said of an episode.</summary>
internal readonly record struct EpisodeFigures(long LastUs, long Windows, AnomalyKind Kind, float HighestScore, bool IsOver, bool IsElsewhere);

/// <summary>
/// One run of alarms of one series, on its way to people. Its worker writes, the notifier reads, both under the lock of the worker's
/// <see cref="AlarmTap"/>. The only thing that is allocated on a worker for alarms, once an episode.
/// </summary>
internal sealed class AlarmEpisode
{
    private readonly Lock _lock;
    private readonly Reason[] _reasons = new Reason[Reasons.Most];
    private int _reasonCount;
    private EpisodeFigures _figures;

    public AlarmEpisode(Lock tapLock, int partition, int slot, SeriesTable series, FeatureState features)
    {
        _lock = tapLock;
        (Partition, Slot) = (partition, slot);
        Key = new EpisodeKey(Encoding.UTF8.GetString(series.SensorId(slot)), Encoding.UTF8.GetString(series.Metric(slot)), features[slot].EpisodeStartUs);
        _figures = new EpisodeFigures(features[slot].LastAlarmUs, 0, AnomalyKind.Unknown, float.NaN, IsOver: false, IsElsewhere: false);
    }

    public EpisodeKey Key { get; }

    public int Partition { get; }

    public int Slot { get; }

    /// <summary>It began in a window that was out before this life: people have been told, by the life before.</summary>
    public bool IsKnown { get; init; }

    /// <summary>The notifier has it. Written by the worker, and by the notifier when it lets go of one that has fallen silent.</summary>
    public volatile bool IsHandedOver;

    /// <summary>The notifier's own: where it belongs.</summary>
    public AlarmGroup? Group { get; set; }

    /// <summary>The notifier's own: its last window in alarm, and when that was first seen to be the last one.</summary>
    public long SeenUs { get; set; }

    public DateTimeOffset SeenAt { get; set; }

    /// <summary>The notifier's own: it has been counted as silenced.</summary>
    public bool WasSilenced { get; set; }

    public EpisodeFigures Figures
    {
        get
        {
            lock (_lock) return _figures;
        }
    }

    /// <summary>The features that stood out most where its score was highest.</summary>
    public Reason[] StandingOut
    {
        get
        {
            lock (_lock) return _reasons[.._reasonCount];
        }
    }

    /// <summary>Another window in alarm. The caller has the lock.</summary>
    public void Continue(WindowBatch batch, int row)
    {
        // A warming series has no score; the flat-line rule that raised its alarm is at its threshold.
        float score = float.IsNaN(batch.AnomalyScore[row]) ? 1 : batch.AnomalyScore[row];
        _figures = _figures with { LastUs = batch.WindowEndUs, Windows = _figures.Windows + 1 };
        if (score <= _figures.HighestScore) return;
        _figures = _figures with { HighestScore = score, Kind = (AnomalyKind)batch.Kind[row] };
        _reasonCount = Reasons.Of(batch.Z.Span.Slice(row * FeatureNames.Count, FeatureNames.Count), _reasons);
    }

    /// <summary>No alarm for longer than a window. The caller has the lock.</summary>
    public void End() => _figures = _figures with { IsOver = true };

    /// <summary>Its partition is given up: another instance, or this one anew, goes on with it. The caller has the lock.</summary>
    public void Leave() => _figures = _figures with { IsElsewhere = true };
}
