using System.Text;
using FastIot.Alarms;
using FastIot.Features;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Tests.Alarms;

/// <summary>One partition's series, and windows in which those that the test names are in alarm: what a tap sees, without a pipeline.</summary>
internal sealed unsafe class AlarmRig : IDisposable
{
    public const long WindowUs = 60_000_000;
    public const long SlideUs = 10_000_000;

    /// <summary>End of the window with number 0: 2026-11-01.</summary>
    public const long StartUs = 1_793_577_600_000_000 / SlideUs * SlideUs;

    private readonly SeriesTable _series = new(1000);
    private readonly FeatureState _features;
    private readonly WindowBatch _batch = new();

    /// <param name="sensors">All there are; each has the metric behind its colon, or "temperature".</param>
    public AlarmRig(params string[] sensors)
    {
        _features = new FeatureState(_series.Capacity, FeatureSpec.Default);
        _batch.EnsureCapacity(_series.Capacity);
        foreach (string sensor in sensors) Add(sensor);
    }

    /// <summary>Closes the window with this number.</summary>
    public void Window(AlarmTap tap, int number, bool isNew, params string[] inAlarm)
    {
        Fill(number, inAlarm);
        Close(tap, isNew);
    }

    /// <summary>The same in two steps, for who wants to measure the second.</summary>
    public void Fill(int number, params string[] inAlarm)
    {
        _batch.WindowEndUs = StartUs + number * SlideUs;
        _batch.Count = _series.Count;
        for (int slot = 0; slot < _series.Count; slot++)
        {
            _batch.Slot[slot] = slot;
            _batch.IsAnomaly[slot] = (byte)(inAlarm.Contains(Encoding.UTF8.GetString(_series.SensorId(slot))) ? 1 : 0);
            _batch.AnomalyScore[slot] = 1.5f + slot;
            _batch.Kind[slot] = (sbyte)AnomalyKind.Drift;
            _batch.Z[slot * FeatureNames.Count] = 7.5f;
        }
    }

    public void Close(AlarmTap tap, bool isNew)
    {
        Episodes.Update(_batch, _features, WindowUs);
        tap.Window(0, _batch, _series, _features, isNew);
    }

    /// <summary>The episode that the sensor's state says is open.</summary>
    public AlarmEpisode Episode(string sensor, bool isKnown = false) =>
        new(new Lock(), 0, Enumerable.Range(0, _series.Count).First(s => Encoding.UTF8.GetString(_series.SensorId(s)) == sensor), _series, _features) { IsKnown = isKnown };

    public void Dispose()
    {
        _series.Dispose();
        _features.Dispose();
        _batch.Dispose();
    }

    private void Add(string sensor)
    {
        string[] parts = sensor.Split(':');
        byte[] id = Encoding.UTF8.GetBytes(parts[0]), metric = Encoding.UTF8.GetBytes(parts.Length > 1 ? parts[1] : "temperature");
        fixed (byte* s = id, m = metric)
        {
            var reading = new Reading { SensorId = s, SensorIdLength = id.Length, Metric = m, MetricLength = metric.Length };
            _series.FindOrAdd(in reading);
        }
    }
}
