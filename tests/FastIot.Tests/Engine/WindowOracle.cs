using FastIot.Tests.Windows;
using FastIot.Windows;

namespace FastIot.Tests.Engine;

/// <summary>One row as it must be.</summary>
internal sealed record ExpectedRow(string Sensor, string Metric, long WindowEndUs, double Mean, double StdDev, double Min, double Max, long Count);

/// <summary>
/// The windows of one partition, slowly and obviously: keeps every reading, decides lateness reading by reading, sums up in exact
/// arithmetic. Follows DESIGN section 3, shares no code with the engine.
/// </summary>
internal sealed class WindowOracle(WindowSpec spec)
{
    private readonly Dictionary<(string Sensor, string Metric), List<(long TimeUs, double Value)>> _readings = [];
    private long _watermarkUs = long.MinValue;

    public int Late { get; private set; }

    public int Used { get; private set; }

    public void Add(string sensor, string metric, long timeUs, double value)
    {
        long pane = timeUs / spec.SlideUs * spec.SlideUs;
        long lastEnd = pane + spec.WindowUs;
        if (_watermarkUs != long.MinValue && lastEnd <= _watermarkUs)
        {
            Late++;
            return;
        }

        // Partly late: counts in windows still open only.
        long from = _watermarkUs == long.MinValue ? long.MinValue : _watermarkUs;
        if (!_readings.TryGetValue((sensor, metric), out List<(long, double)>? list)) _readings.Add((sensor, metric), list = []);
        list.Add((timeUs, value));
        _openFrom[(sensor, metric, list.Count - 1)] = from;
        Used++;
        _watermarkUs = Math.Max(_watermarkUs, timeUs - spec.LatenessUs);
    }

    private readonly Dictionary<(string, string, int), long> _openFrom = [];

    public IEnumerable<ExpectedRow> Rows()
    {
        foreach (((string sensor, string metric), List<(long TimeUs, double Value)> readings) in _readings)
        {
            var windows = new SortedDictionary<long, List<double>>();
            for (int i = 0; i < readings.Count; i++)
            {
                long pane = readings[i].TimeUs / spec.SlideUs * spec.SlideUs;
                for (long end = pane + spec.SlideUs; end <= pane + spec.WindowUs; end += spec.SlideUs)
                {
                    if (end <= _openFrom[(sensor, metric, i)]) continue;
                    if (!windows.TryGetValue(end, out List<double>? values)) windows.Add(end, values = []);
                    values.Add(readings[i].Value);
                }
            }

            foreach ((long end, List<double> values) in windows)
            {
                (double mean, double stddev) = ExactStatistics.Of(values);
                yield return new ExpectedRow(sensor, metric, end, mean, stddev, values.Min(), values.Max(), values.Count);
            }
        }
    }
}
