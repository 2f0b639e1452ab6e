using FastIot.Evaluation;
using Prometheus;

namespace FastIot.Observe;

/// <summary>Precision and recall of windows against the labels in the stream, where a fleet carries them.</summary>
internal sealed class LabelMetrics
{
    private readonly LabelFigures _figures;
    private readonly Counter _windows;
    private readonly Gauge _precision, _recall;

    public LabelMetrics(MetricFactory factory, LabelFigures figures)
    {
        _figures = figures;
        _windows = factory.CreateCounter("fastiot_labelled_windows_total", "Scored windows by what the readings' labels say: found, missed, false_alarm; those at the edge of an anomaly are left out", ["outcome"]);
        _precision = factory.CreateGauge("fastiot_label_precision", "Share of the alarming windows that a label confirms, since the start", new GaugeConfiguration { SuppressInitialValue = true });
        _recall = factory.CreateGauge("fastiot_label_recall", "Share of the windows labelled anomalous that alarmed, since the start", new GaugeConfiguration { SuppressInitialValue = true });
    }

    /// <summary>Before a scrape.</summary>
    public void Update()
    {
        _windows.WithLabels("found").IncTo(_figures.Found);
        _windows.WithLabels("missed").IncTo(_figures.Missed);
        _windows.WithLabels("false_alarm").IncTo(_figures.False);
        if (!double.IsNaN(_figures.Precision)) _precision.Set(_figures.Precision);
        if (!double.IsNaN(_figures.Recall)) _recall.Set(_figures.Recall);
    }
}
