using System.Text;
using FastIot.Simulation;

namespace FastIot.Evaluation;

/// <summary>True events by series, as they become known. One thread.</summary>
internal sealed class EventLog
{
    private readonly Dictionary<string, List<TruthEvent>> _bySeries = new(StringComparer.Ordinal);

    public int Count => _bySeries.Values.Sum(e => e.Count);

    public IEnumerable<string> Series => _bySeries.Keys;

    /// <summary>"sensor metric"; the sensor alone where it has no metric.</summary>
    public static string Name(string sensor, string metric) => metric.Length == 0 ? sensor : $"{sensor} {metric}";

    public static string Name(ReadOnlySpan<byte> sensor, ReadOnlySpan<byte> metric) => Name(Encoding.UTF8.GetString(sensor), Encoding.UTF8.GetString(metric));

    /// <summary>Events of the series; the list grows as more become known.</summary>
    public List<TruthEvent> Of(string name)
    {
        if (!_bySeries.TryGetValue(name, out List<TruthEvent>? events)) _bySeries.Add(name, events = []);
        return events;
    }

    public void Add(AnomalyEvent anomaly) =>
        Of(Name(Fleet.SensorId(anomaly.Sensor), Fleet.Metric(anomaly.Sensor))).Add(new TruthEvent(anomaly.Kind, anomaly.Tier, anomaly.StartUs, anomaly.EndUs));
}
