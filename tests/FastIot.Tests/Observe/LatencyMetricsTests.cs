using System.Diagnostics;
using System.Text;
using FastIot.Observe;
using Prometheus;

namespace FastIot.Tests.Observe;

public sealed class LatencyMetricsTests
{
    [Fact]
    public async Task Latencies_are_quantiles_and_a_histogram_by_both_names()
    {
        CollectorRegistry registry = Metrics.NewCustomRegistry();
        var latency = new LatencyHistogram();
        var metrics = new LatencyMetrics(Metrics.WithCustomRegistry(registry), latency);
        foreach (int ms in (int[])[4, 20, 20, 400, 3_600_000]) latency.Record(Stopwatch.Frequency * ms / 1000);
        metrics.Update();
        metrics.Update();
        using var stream = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(stream, TestContext.Current.CancellationToken);
        string[] lines = Encoding.UTF8.GetString(stream.ToArray()).Split('\n');
        foreach (string name in (string[])["fastiot_event_to_anomaly_seconds", "processing_latency_seconds"])
        {
            Assert.Contains($"{name}_bucket{{le=\"0.01\"}} 1", lines);
            Assert.Contains($"{name}_bucket{{le=\"0.025\"}} 3", lines);
            Assert.Contains($"{name}_bucket{{le=\"0.25\"}} 3", lines);
            Assert.Contains($"{name}_bucket{{le=\"300\"}} 4", lines);
            Assert.Contains($"{name}_bucket{{le=\"+Inf\"}} 5", lines);
            Assert.Contains($"{name}_count 5", lines);
            Assert.Contains($"{name}_sum 3600.444", lines);
        }

        Assert.Contains(lines, l => l.StartsWith("fastiot_anomaly_latency_seconds{quantile=\"0.5\"} 0.02", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("processing_latency_seconds{quantile=\"0.5\"} 0.02", StringComparison.Ordinal));
    }
}
