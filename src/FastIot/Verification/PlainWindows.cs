using FastIot.Windows;

namespace FastIot.Verification;

/// <summary>What became of one reading of the log.</summary>
internal enum Placed
{
    InWindows,
    Late,
    TooFarAhead,
    TooManySeries,
}

/// <summary>
/// The windows of one partition by the rules of event time, slowly: all readings of open windows lie in lists, and a window is computed from
/// them when the watermark reaches its end.
/// </summary>
/// <param name="spec">Lengths.</param>
/// <param name="mostSeries">Readings of more series are refused.</param>
/// <param name="closed">Called for each window end with at least one reading, in order: the end, and the features by series.</param>
internal sealed class PlainWindows(WindowSpec spec, int mostSeries, Action<long, Dictionary<(string Sensor, string Metric), PlainFeatures>> closed)
{
    private readonly Dictionary<(string Sensor, string Metric), List<(long TimeUs, double Value, long Offset)>> _open = [];
    private readonly HashSet<(string Sensor, string Metric)> _series = [];
    private long? _watermarkUs;
    private long _newestUs = long.MinValue;

    /// <summary>Last window end the watermark has reached; null before the first reading.</summary>
    public long? ClosedUs => _watermarkUs is { } watermark ? FloorToSlide(watermark) : null;

    /// <param name="recordTimestampMs">The record's own; negative = none.</param>
    public Placed Add(string sensor, string metric, long timeUs, double value, long offset, long recordTimestampMs)
    {
        if (recordTimestampMs >= 0 && timeUs > recordTimestampMs * 1000 + spec.MaxFutureUs) return Placed.TooFarAhead;
        if (ClosedUs is { } done && FloorToSlide(timeUs) + spec.WindowUs <= done) return Placed.Late;
        if (!_series.Contains((sensor, metric)) && _series.Count >= mostSeries) return Placed.TooManySeries;
        _series.Add((sensor, metric));
        AdvanceTo(timeUs - spec.LatenessUs);
        if (!_open.TryGetValue((sensor, metric), out List<(long, double, long)>? readings)) _open.Add((sensor, metric), readings = []);
        readings.Add((timeUs, value, offset));
        _newestUs = Math.Max(_newestUs, timeUs);
        return Placed.InWindows;
    }

    /// <summary>Closes what ends by then. The first watermark closes nothing: what ended before was never open.</summary>
    public void AdvanceTo(long watermarkUs)
    {
        long? before = ClosedUs;
        if (watermarkUs <= _watermarkUs) return;
        _watermarkUs = watermarkUs;
        if (before is not { } from) return;
        long until = Math.Min(ClosedUs!.Value, FloorToSlide(_newestUs) + spec.WindowUs);
        for (long end = from + spec.SlideUs; end <= until; end += spec.SlideUs) Close(end);
        // What is in no open window any more.
        long keepUs = ClosedUs!.Value + spec.SlideUs - spec.WindowUs;
        if (ClosedUs == from) return;
        foreach (((string, string) series, List<(long TimeUs, double, long)> readings) in _open.ToList())
        {
            readings.RemoveAll(r => r.TimeUs < keepUs);
            if (readings.Count == 0) _open.Remove(series);
        }
    }

    private void Close(long end)
    {
        var features = new Dictionary<(string, string), PlainFeatures>();
        var values = new List<(double, long)>();
        foreach (((string, string) series, List<(long TimeUs, double Value, long Offset)> readings) in _open)
        {
            values.Clear();
            foreach ((long timeUs, double value, long offset) in readings)
            {
                if (timeUs >= end - spec.WindowUs && timeUs < end) values.Add((value, offset));
            }

            if (values.Count > 0) features.Add(series, PlainStatistics.Of(values));
        }

        if (features.Count > 0) closed(end, features);
    }

    private long FloorToSlide(long us) => us - (us % spec.SlideUs + spec.SlideUs) % spec.SlideUs;
}
