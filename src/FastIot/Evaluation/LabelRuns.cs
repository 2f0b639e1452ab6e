using FastIot.Scoring;

namespace FastIot.Evaluation;

/// <summary>Labels of one series' readings, one after the other: runs of one label become events.</summary>
internal sealed class LabelRuns(List<TruthEvent> events)
{
    private sbyte _label = ReadingLabel.Normal;
    private long _startUs;
    private long _lastUs;

    /// <summary>Events that have ended.</summary>
    public List<TruthEvent> Events { get; } = events;

    /// <summary>The event that lasts, up to its last reading so far; null where there is none.</summary>
    public TruthEvent? Open => _label == ReadingLabel.Normal ? null : new TruthEvent((AnomalyKind)_label, null, _startUs, _lastUs + 1);

    public void Take(long timeUs, sbyte label)
    {
        if (label != _label)
        {
            // It ends where the next reading is another thing.
            if (Open is { } open) Events.Add(open with { EndUs = Math.Max(open.EndUs, timeUs) });
            (_label, _startUs, _lastUs) = (label, timeUs, timeUs);
        }

        _lastUs = Math.Max(_lastUs, timeUs);
    }

    /// <summary>No reading will follow.</summary>
    public void End()
    {
        if (Open is { } open) Events.Add(open);
        _label = ReadingLabel.Normal;
    }
}
