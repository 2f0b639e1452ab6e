using System.Globalization;
using FastIot.Windows;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>A window as it must be, as far as it can be told without the engine.</summary>
internal readonly record struct PlainWindow(long WindowEndUs, string Sensor, long Count, double Min, double Max);

/// <summary>The rules of event time (DESIGN section 3), reading by reading, with nothing of the engine in it.</summary>
internal sealed class PlainWindows(WindowSpec spec, int cap)
{
    private readonly Dictionary<(long EndUs, int Series), PlainWindow> _windows = [];
    private readonly HashSet<int> _series = [];
    private long _watermarkUs = long.MinValue;

    /// <summary>Late readings and dead letters, as the sink of the simulation writes them.</summary>
    public List<string> Letters { get; } = [];

    public void AdvanceTo(long watermarkUs) => _watermarkUs = Math.Max(_watermarkUs, watermarkUs);

    public void Add(long offset, SimRecord record)
    {
        if (!record.IsReading)
        {
            Letter(offset, "malformed_json");
            return;
        }

        long pane = record.TimeUs / spec.SlideUs * spec.SlideUs;
        if (_watermarkUs != long.MinValue && pane + spec.WindowUs <= _watermarkUs)
        {
            Letter(offset, "late");
            return;
        }

        if (!_series.Contains(record.Series) && _series.Count == cap)
        {
            Letter(offset, "too_many_series");
            return;
        }

        _series.Add(record.Series);
        for (long end = pane + spec.SlideUs; end <= pane + spec.WindowUs; end += spec.SlideUs)
        {
            if (end <= _watermarkUs) continue;
            PlainWindow window = _windows.GetValueOrDefault((end, record.Series), new PlainWindow(end, SimLog.Sensor(record.Series), 0, double.MaxValue, double.MinValue));
            _windows[(end, record.Series)] = window with { Count = window.Count + 1, Min = Math.Min(window.Min, record.Value), Max = Math.Max(window.Max, record.Value) };
        }

        _watermarkUs = Math.Max(_watermarkUs, record.TimeUs - spec.LatenessUs);
    }

    public IEnumerable<PlainWindow> Closed() => _windows.Values.Where(w => w.WindowEndUs <= _watermarkUs);

    private void Letter(long offset, string reason) => Letters.Add(string.Create(CultureInfo.InvariantCulture, $"{offset}.0 {reason}"));
}
