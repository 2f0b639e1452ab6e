using FastIot.Windows;

namespace FastIot.Evaluation;

/// <summary>Alarms against the labels in the stream, counted by window, of all partitions. Read by anybody.</summary>
public sealed class LabelFigures
{
    private long _found;
    private long _missed;
    private long _false;

    /// <summary>Scored windows that show a labelled anomaly, and alarmed.</summary>
    public long Found => Volatile.Read(ref _found);

    /// <summary>Those that did not.</summary>
    public long Missed => Volatile.Read(ref _missed);

    /// <summary>Scored windows far from every labelled anomaly that alarmed.</summary>
    public long False => Volatile.Read(ref _false);

    /// <summary>NaN while nothing alarmed.</summary>
    public double Precision => Found + False == 0 ? double.NaN : (double)Found / (Found + False);

    /// <summary>NaN while nothing was labelled.</summary>
    public double Recall => Found + Missed == 0 ? double.NaN : (double)Found / (Found + Missed);

    internal void Add(bool anomalous, bool alarm)
    {
        if (anomalous) Interlocked.Increment(ref alarm ? ref _found : ref _missed);
        else if (alarm) Interlocked.Increment(ref _false);
    }
}

/// <summary>
/// One partition's labels and windows. Only there when labels are asked for, and only looking on: nothing that the pipeline decides
/// depends on it.
/// </summary>
internal sealed class LabelMatch(LabelFigures figures, long windowUs)
{
    /// <summary>Events this far behind a window say nothing about it any more.</summary>
    private const long ForgetUs = 300_000_000;

    private readonly List<LabelRuns?> _bySlot = [];
    private readonly List<TruthEvent> _near = [];
    private readonly long[] _end = new long[1];

    /// <summary>A reading has gone into its pane.</summary>
    /// <param name="reading">Its JSON object.</param>
    public void Reading(int slot, long timeUs, ReadOnlySpan<byte> reading)
    {
        sbyte label = ReadingLabel.Of(reading);
        if (label == ReadingLabel.None) return;
        while (_bySlot.Count <= slot) _bySlot.Add(null);
        (_bySlot[slot] ??= new LabelRuns([])).Take(timeUs, label);
    }

    /// <summary>A window has been scored. Windows without a score, and series without labels, do not count.</summary>
    public void Window(WindowBatch batch)
    {
        _end[0] = batch.WindowEndUs;
        for (int row = 0; row < batch.Count; row++)
        {
            int slot = batch.Slot[row];
            if (float.IsNaN(batch.AnomalyScore[row]) || slot >= _bySlot.Count || _bySlot[slot] is not { } runs) continue;
            int label = EventLabels.Normal;
            if (runs.Events.Count > 0 || runs.Open != null)
            {
                runs.Events.RemoveAll(e => e.EndUs < batch.WindowEndUs - windowUs - ForgetUs);
                _near.Clear();
                _near.AddRange(runs.Events);
                if (runs.Open is { } open) _near.Add(open);
                label = EventLabels.Of(_end, _near, windowUs)[0];
            }

            if (label != EventLabels.DoNotCare) figures.Add(label >= 0, batch.IsAnomaly[row] != 0);
        }
    }
}
