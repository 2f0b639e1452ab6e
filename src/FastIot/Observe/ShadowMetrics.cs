using FastIot.Scoring;
using Prometheus;

namespace FastIot.Observe;

/// <summary>A shadow beside the model in force: where they agree, how far their scores are apart, how often each alarms.</summary>
internal sealed class ShadowMetrics
{
    private readonly Shadow _shadow;
    private readonly Counter _windows, _alarms;
    private readonly Gauge _perDay;
    private readonly Gauge.Child _active;
    private readonly Counter.Child _seconds;
    private readonly Histogram.Child _differences;
    private readonly (long Windows, double Sum)[] _observed = new (long, double)[ShadowFigures.DifferenceBins];

    public ShadowMetrics(MetricFactory factory, Shadow shadow)
    {
        _shadow = shadow;
        _windows = factory.CreateCounter("fastiot_shadow_windows_total",
            "Windows that the model and its shadow have scored, by which of them alarms: both, live, shadow, neither; no_score where one gave no number", ["shadow", "type", "alarm"]);
        _alarms = factory.CreateCounter("fastiot_shadow_alarms_total", "Runs of alarming windows, by the model in force (live) and by its shadow", ["shadow", "type", "model"]);
        _perDay = factory.CreateGauge("fastiot_shadow_alarms_per_sensor_day", "The same per sensor and day, since the start", ["shadow", "type", "model"]);
        _differences = factory.CreateHistogram("fastiot_shadow_score_difference", "How far the anomaly scores of model and shadow are apart; 1 is the threshold of each",
            ["shadow"], new HistogramConfiguration { Buckets = ShadowFigures.DifferenceBounds }).WithLabels(shadow.Label);
        _seconds = factory.CreateCounter("fastiot_shadow_compute_seconds_total", "Time spent in the shadow, all workers", ["shadow"]).WithLabels(shadow.Label);
        _active = factory.CreateGauge("fastiot_shadow_active", "1 while the shadow scores; 0 once it has failed", ["shadow"]).WithLabels(shadow.Label);
    }

    /// <summary>Before a scrape.</summary>
    public void Update()
    {
        _active.Set(_shadow.IsOn ? 1 : 0);
        _seconds.IncTo(_shadow.Seconds);
        for (int type = 0; type < ModelDrift.Types; type++) UpdateType(type);
        for (int bin = 0; bin < _observed.Length; bin++) UpdateDifferences(bin);
    }

    private void UpdateType(int type)
    {
        double days = _shadow.SensorDays(type);
        if (days == 0 && _shadow.Windows(type, ShadowOutcome.NoScore) == 0) return;
        string name = ModelDrift.TypeNames[type];
        for (int i = 0; i < ShadowFigures.OutcomeNames.Length; i++) _windows.WithLabels(_shadow.Label, name, ShadowFigures.OutcomeNames[i]).IncTo(_shadow.Windows(type, (ShadowOutcome)i));
        for (int model = 0; model < ShadowFigures.Models; model++)
        {
            long alarms = _shadow.Alarms(model, type);
            _alarms.WithLabels(_shadow.Label, name, ShadowFigures.ModelNames[model]).IncTo(alarms);
            if (days > 0) _perDay.WithLabels(_shadow.Label, name, ShadowFigures.ModelNames[model]).Set(alarms / days);
        }
    }

    /// <summary>A histogram takes single observations: those since the last scrape all count as their mean, which lies within the bin as they do.</summary>
    private void UpdateDifferences(int bin)
    {
        (long windows, double sum) = _shadow.Differences(bin);
        long more = windows - _observed[bin].Windows;
        if (more <= 0) return;

        // A worker may be between its two additions: the mean must stay in the bin all the same.
        double least = bin == 0 ? 0 : double.BitIncrement(ShadowFigures.DifferenceBounds[bin - 1]);
        double most = bin < ShadowFigures.DifferenceBounds.Length ? ShadowFigures.DifferenceBounds[bin] : AlarmThresholds.MaxScore;
        _differences.Observe(Math.Clamp((sum - _observed[bin].Sum) / more, least, most), more);
        _observed[bin] = (windows, sum);
    }
}
