using System.Globalization;
using Prometheus;

namespace FastIot.Observe;

/// <summary>
/// Latency of anomalies: quantiles since the start, and a histogram whose rate says what it is now. Everything also by the predecessor's name,
/// for dashboards that read it as a gauge, by its buckets, or as sum over count.
/// </summary>
public sealed class LatencyMetrics
{
    private static readonly (string Name, double Share)[] s_quantiles = [("0.5", .5), ("0.95", .95), ("0.99", .99)];
    private static readonly double[] s_bounds = [.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300];

    private readonly LatencyHistogram _latency;
    private readonly Gauge _quantiles, _oldQuantiles;
    private readonly Family _histogram, _oldHistogram;

    public LatencyMetrics(MetricFactory factory, LatencyHistogram latency)
    {
        _latency = latency;
        _quantiles = factory.CreateGauge("fastiot_anomaly_latency_seconds", "From a window's last event being due to its anomaly's acknowledgement, since the start", ["quantile"]);
        _oldQuantiles = factory.CreateGauge("processing_latency_seconds", "As fastiot_anomaly_latency_seconds, under the predecessor's name", ["quantile"]);
        _histogram = new Family(factory, "fastiot_event_to_anomaly_seconds", "Anomalies by latency, from a window's last event being due to the anomaly's acknowledgement", "Their number", "Their latencies together");
        const string old = "As fastiot_event_to_anomaly_seconds, under the predecessor's name";
        _oldHistogram = new Family(factory, "processing_latency_seconds", old, old, old);
    }

    /// <summary>Before a scrape.</summary>
    public void Update()
    {
        _histogram.Update(_latency);
        _oldHistogram.Update(_latency);
        if (_latency.Count == 0) return;
        foreach ((string name, double share) in s_quantiles)
        {
            double seconds = _latency.QuantileMs(share) / 1e3;
            _quantiles.WithLabels(name).Set(seconds);
            _oldQuantiles.WithLabels(name).Set(seconds);
        }
    }

    /// <summary>A histogram as its three parts: the client library's own counts every observation a second time.</summary>
    private sealed class Family(MetricFactory factory, string name, string buckets, string number, string total)
    {
        private readonly Counter _buckets = factory.CreateCounter(name + "_bucket", buckets, ["le"]);
        private readonly Counter _count = factory.CreateCounter(name + "_count", number);
        private readonly Counter _sum = factory.CreateCounter(name + "_sum", total);

        public void Update(LatencyHistogram latency)
        {
            long count = 0;
            foreach (double bound in s_bounds) _buckets.WithLabels(bound.ToString("R", CultureInfo.InvariantCulture)).IncTo(count = latency.CountUpTo(bound));

            // What is recorded meanwhile is in its bucket before it is in the whole, which must not be less.
            count = Math.Max(count, latency.Count);
            _buckets.WithLabels("+Inf").IncTo(count);
            _count.IncTo(count);
            _sum.IncTo(latency.SumSeconds);
        }
    }
}
