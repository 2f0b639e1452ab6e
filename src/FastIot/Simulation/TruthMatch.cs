using FastIot.Scoring;

namespace FastIot.Simulation;

/// <summary>
/// Compares alarms with injected events while both come in. An event is found when a window that touches it alarms; a false alarm is a run of
/// alarms (60 s apart at most) that touches no event, nor the two minutes behind one. Safe for use by several threads.
/// </summary>
public sealed class TruthMatch(long windowUs)
{
    private const long AfterEventUs = 120_000_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<int, List<(AnomalyEvent Event, bool Found)>> _events = [];
    private readonly Dictionary<int, long> _lastFalseUs = [];
    private long _falseAlarms;

    public void Add(AnomalyEvent anomaly)
    {
        lock (_lock)
        {
            if (!_events.TryGetValue(anomaly.Sensor, out List<(AnomalyEvent, bool)>? events)) _events.Add(anomaly.Sensor, events = []);
            events.Add((anomaly, false));
        }
    }

    public void AddAlarm(int sensor, long windowEndUs)
    {
        lock (_lock)
        {
            bool near = false;
            if (_events.TryGetValue(sensor, out List<(AnomalyEvent Event, bool Found)>? events))
            {
                for (int i = 0; i < events.Count; i++)
                {
                    AnomalyEvent e = events[i].Event;
                    if (windowEndUs <= e.StartUs || windowEndUs - windowUs >= e.EndUs + AfterEventUs) continue;
                    near = true;
                    if (windowEndUs - windowUs < e.EndUs) events[i] = (e, true);
                }
            }

            if (near) return;
            if (!_lastFalseUs.TryGetValue(sensor, out long last) || windowEndUs - last > windowUs) _falseAlarms++;
            _lastFalseUs[sensor] = windowEndUs;
        }
    }

    /// <summary>Runs of alarms that touch no event.</summary>
    public long FalseAlarms
    {
        get
        {
            lock (_lock) return _falseAlarms;
        }
    }

    /// <summary>Events that began before this time, and how many of them were found, by kind.</summary>
    public (long Events, long Found)[] ByKind(long startedBeforeUs)
    {
        var counts = new (long Events, long Found)[AnomalyKinds.Modelled];
        lock (_lock)
        {
            foreach ((AnomalyEvent e, bool found) in _events.Values.SelectMany(e => e))
            {
                if (e.StartUs >= startedBeforeUs) continue;
                counts[(int)e.Kind].Events++;
                if (found) counts[(int)e.Kind].Found++;
            }
        }

        return counts;
    }
}
