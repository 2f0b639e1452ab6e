using System.Globalization;
using System.Text;
using FastIot.Observe;

namespace FastIot.Tests.Observe;

public sealed class PipelineMetricsTests
{
    private readonly List<PartitionStatistics> _partitions = [];
    private readonly WorkerStatistics _worker = new();
    private readonly PipelineMetrics _metrics;

    public PipelineMetricsTests() => _metrics = new PipelineMetrics(Snapshot, EventClock.Wall(), "1.2.3+abc", () => "anomaly_detector:7");

    [Fact]
    public async Task Counters_are_those_of_the_workers_at_each_scrape()
    {
        PartitionStatistics partition = Add(4);
        (partition.Records, partition.Readings, partition.Late, partition.Windows, partition.Anomalies) = (10, 9, 1, 5, 2);
        partition.RejectedByReason[(int)Rejection.InvalidValue] = 3;
        _worker.AnomaliesByKind[0] = 2;
        await ScrapeAsync();
        partition.Records = 12;
        Dictionary<string, double> metrics = await ScrapeAsync();
        Assert.Equal(12, metrics["fastiot_records_consumed_total{partition=\"4\"}"]);
        Assert.Equal(9, metrics["fastiot_readings_total{partition=\"4\"}"]);
        Assert.Equal(1, metrics["fastiot_records_late_total{partition=\"4\"}"]);
        Assert.Equal(3, metrics["fastiot_records_rejected_total{reason=\"invalid_value\"}"]);
        Assert.Equal(0, metrics["fastiot_records_rejected_total{reason=\"malformed_json\"}"]);
        Assert.Equal(5, metrics["fastiot_windows_emitted_total"]);
        Assert.Equal(2, metrics["fastiot_anomalies_total{model_version=\"anomaly_detector:7\"}"]);
        Assert.Equal(2, metrics["fastiot_anomalies_by_kind_total{kind=\"spike\"}"]);
        Assert.Equal(1, metrics[$"fastiot_build_info{{version=\"1.2.3\",commit=\"abc\",model_version=\"anomaly_detector:7\",vectors=\"{Simd.Name}\"}}"]);
    }

    [Fact]
    public async Task The_predecessors_names_say_the_same()
    {
        PartitionStatistics partition = Add(0);
        (partition.Readings, partition.Anomalies, partition.Position, partition.HighOffset) = (9, 2, 100, 150);
        Dictionary<string, double> metrics = await ScrapeAsync();
        Assert.Equal(9, metrics["events_processed_total"]);
        Assert.Equal(2, metrics["anomalies_detected_total"]);
        Assert.Equal(50, metrics["kafka_consumer_lag"]);
        Assert.Equal(50, metrics["fastiot_consumer_lag_records{partition=\"0\"}"]);
    }

    [Fact]
    public async Task A_partition_given_up_keeps_its_counts_and_loses_its_lag_until_it_is_back()
    {
        PartitionStatistics first = Add(1);
        (first.Records, first.Position, first.HighOffset) = (10, 5, 9);
        Assert.Equal(4, (await ScrapeAsync())["fastiot_consumer_lag_records{partition=\"1\"}"]);
        first.Assigned = false;
        Dictionary<string, double> without = await ScrapeAsync();
        Assert.Equal(10, without["fastiot_records_consumed_total{partition=\"1\"}"]);
        Assert.DoesNotContain("fastiot_consumer_lag_records{partition=\"1\"}", without.Keys);
        PartitionStatistics second = Add(1);
        (second.Records, second.Position, second.HighOffset) = (7, 20, 26);
        Dictionary<string, double> again = await ScrapeAsync();
        Assert.Equal(17, again["fastiot_records_consumed_total{partition=\"1\"}"]);
        Assert.Equal(6, again["fastiot_consumer_lag_records{partition=\"1\"}"]);
    }

    [Fact]
    public async Task The_watermarks_delay_is_measured_against_the_clock()
    {
        Add(2).WatermarkUs = DateTimeOffset.UtcNow.AddSeconds(-30).ToUnixTimeMilliseconds() * 1000;
        Assert.InRange((await ScrapeAsync())["fastiot_watermark_delay_seconds{partition=\"2\"}"], 29.9, 60);
    }

    [Fact]
    public async Task The_process_shows_its_memory_and_collections()
    {
        Dictionary<string, double> metrics = await ScrapeAsync();
        Assert.True(metrics["process_resident_memory_bytes"] > 1e6);
        Assert.True(metrics["fastiot_process_peak_memory_bytes"] >= metrics["process_resident_memory_bytes"]);
        Assert.True(metrics["process_cpu_seconds_total"] > 0);
        Assert.Contains("fastiot_gc_collections_total{generation=\"2\"}", metrics.Keys);
    }

    private PartitionStatistics Add(int number)
    {
        var partition = new PartitionStatistics(number);
        _partitions.Add(partition);
        return partition;
    }

    private PipelineStatistics Snapshot() => new() { Partitions = [.. _partitions], Workers = [_worker] };

    private async Task<Dictionary<string, double>> ScrapeAsync()
    {
        using var stream = new MemoryStream();
        await _metrics.WriteAsync(stream, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(stream.ToArray()).Split('\n').Where(l => l.Length > 0 && l[0] != '#')
            .ToDictionary(l => l[..l.LastIndexOf(' ')], l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }
}
