using System.Globalization;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Confluent.Kafka;
using FastIot.Tests.Cli;
using FastIot.Tests.Faults;
using FastIot.Tests.Servers;
using FastIot.Tests.Serving;

namespace FastIot.Tests.Observe;

/// <summary>
/// A real Prometheus scrapes native instances on a real Kafka and MinIO, and a model server: every panel has something to show, and alerts fire in
/// their faults and not before.
/// </summary>
[Collection(nameof(NativeBinary))]
public sealed partial class MonitoringTests(RealServers servers) : IClassFixture<RealServers>, IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>What the predecessor's dashboard can have asked of its four metrics: it is not at hand, and its latency may be a gauge, a summary or a histogram.</summary>
    private static readonly string[] s_predecessor =
    [
        "rate(events_processed_total[20s])", "rate(anomalies_detected_total[20s])", "kafka_consumer_lag", "processing_latency_seconds", "processing_latency_seconds{quantile=\"0.95\"}",
        "histogram_quantile(0.95, sum by (le) (rate(processing_latency_seconds_bucket[20s])))", "rate(processing_latency_seconds_sum[20s]) / rate(processing_latency_seconds_count[20s])",
    ];

    private readonly HttpClient _http = new();
    private readonly string _models = Directory.CreateTempSubdirectory("fastiot-monitored-").FullName;
    private readonly string _pipeline = $"127.0.0.1:{RealServers.FreePort()}", _serving = $"127.0.0.1:{RealServers.FreePort()}";

    public void Dispose()
    {
        _http.Dispose();
        Directory.Delete(_models, recursive: true);
    }

    [Fact]
    public async Task Every_panel_of_every_dashboard_has_something_to_show()
    {
        TestEnvironment.Tool("prometheus", "prometheus");
        using var scene = new Scene(servers.Kafka(), servers.Minio());
        await using ServeProcess serve = await ServeProcess.StartAsync(Path.Combine(TestEnvironment.Root, "models"), "--listen", _serving);

        // Long enough for anomalies in the labels; then other sensors of the same names, which the model does not know as healthy.
        scene.ProduceAll(sensors: 200, "40m", Ago(TimeSpan.FromMinutes(40)));
        Instance instance = scene.Start("a", flags: ["--http", _pipeline, "--labels", "meta", "--flush", "10s"]);
        AwaitReading(instance);
        foreach (string command in HealthChecks()) RealServers.Run("/bin/sh", "-c", command);
        using var prometheus = new PrometheusServer(_pipeline, _serving);
        scene.Produce(sensors: 200, "24h", speed: 1, Ago(TimeSpan.Zero), seed: 2);
        var empty = Dashboard.All.SelectMany(d => d.Panels.SelectMany(p => p.Queries.Select(q => (Place: $"{d.Name}: {p.Title}", Query: Dashboard.Filled(q)))))
            .Concat(Dashboard.All.SelectMany(d => d.VariableQueries.Select(q => (Place: $"{d.Name}: a variable", Query: Dashboard.Filled(q)))))
            .Concat(s_predecessor.Select(q => (Place: "the predecessor's", Query: q))).ToList();
        int all = empty.Count;
        Eventually.Until(() =>
        {
            Ask("anomaly_detector");
            Ask("nobody");
            empty.RemoveAll(e => prometheus.Query(e.Query).Any(s => double.IsFinite(s.Value)));
            return empty.Count == 0;
        }, s_patience, () => $"of {all} queries nothing comes for{Environment.NewLine}{string.Join(Environment.NewLine, empty.Select(e => $"{e.Place}: {e.Query}"))}{Environment.NewLine}{instance.Said}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{all} queries answered");
    }

    [Fact]
    public async Task Alerts_fire_in_their_faults_and_not_before()
    {
        TestEnvironment.Tool("prometheus", "prometheus");
        using var scene = new Scene(servers.Kafka(), servers.Minio());
        CopyModel();
        await using ServeProcess serve = await ServeProcess.StartAsync(_models, "--listen", _serving, "--poll", "500ms");

        // Ten minutes behind, and a broker that gives little at a time. Young series raise no alarms: none of these faults is the model's.
        scene.ProduceAll(sensors: 200, "10m", Ago(TimeSpan.FromMinutes(10)));
        servers.LimitFetches(200_000);
        scene.Produce(sensors: 200, "24h", speed: 1, Ago(TimeSpan.Zero));
        Instance instance = scene.Start("a", flags: ["--http", _pipeline, "--warming", "30m", "--flush", "10s", "--kafka-property", "max.partition.fetch.bytes=20000"]);
        AwaitReading(instance);
        using var prometheus = new PrometheusServer(_pipeline, _serving);
        AwaitFiring("FastIotFallsBehind");
        servers.LimitFetches(null);
        AwaitFiring();

        using (IProducer<Null, byte[]> flood = new ProducerBuilder<Null, byte[]>(new ProducerConfig { BootstrapServers = servers.Kafka() }).Build())
        {
            AwaitFiring("FastIotRejects", () =>
            {
                for (int i = 0; i < 20; i++) flood.Produce(scene.Options.RawTopic, new Message<Null, byte[]> { Value = "{\"sensor_id\":"u8.ToArray() });
            });
            flood.Flush(s_patience);
        }

        AwaitFiring();
        Instance gateway = scene.Produce(sensors: 100, "24h", speed: 1, Ago(TimeSpan.FromHours(1)), seed: 2);
        AwaitFiring("FastIotLate");
        gateway.End(s_patience);
        AwaitFiring();
        servers.StopMinio();
        AwaitFiring("FastIotPutsFail");
        servers.RestartMinio();
        AwaitFiring();
        string broken = Directory.CreateDirectory(Path.Combine(_models, "anomaly_detector", "99")).FullName;
        File.WriteAllText(Path.Combine(broken, "model.onnx"), "no graph");
        AwaitFiring("FastIotModelFails");
        Directory.Delete(broken, recursive: true);
        AwaitFiring();
        instance.Signal(Instance.Kill);
        AwaitFiring("FastIotDown");

        void AwaitFiring(string alert = "", Action? meanwhile = null)
        {
            string[] wanted = alert.Length == 0 ? [] : [alert], firing = [];
            Eventually.Until(() =>
            {
                meanwhile?.Invoke();
                firing = prometheus.Firing();
                Assert.True(wanted.Length == 0 || firing.All(wanted.Contains), $"{string.Join(", ", firing)} where {alert} was to come; {instance.Said}");
                return firing.SequenceEqual(wanted);
            }, s_patience, () => $"{string.Join(", ", firing)} fires instead of {(alert.Length == 0 ? "nothing" : alert)}; {instance.Said}{serve.Log}");
        }
    }

    private static string Ago(TimeSpan time) => (DateTimeOffset.UtcNow - time).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Waits until it reads every partition: Prometheus does not count what a counter has when it is first seen, and would see rejected readings only.</summary>
    private void AwaitReading(Instance instance) => Eventually.Until(() =>
    {
        if (instance.HasExited) Assert.Fail(instance.Said);
        try
        {
            string metrics = _http.GetStringAsync($"http://{_pipeline}/metrics").GetAwaiter().GetResult();
            return Enumerable.Range(0, Scene.Partitions).All(p => metrics.Contains($"fastiot_watermark_delay_seconds{{partition=\"{p}\"}}", StringComparison.Ordinal));
        }
        catch (HttpRequestException)
        {
            // Not up yet.
            return false;
        }
    }, s_patience, () => instance.Said);

    /// <summary>One request of a model, whatever the answer.</summary>
    private void Ask(string model)
    {
        float[][] rows = [.. Enumerable.Repeat(new float[12], 16)];
        using HttpResponseMessage answer = _http.PostAsJsonAsync($"http://{_serving}/v1/models/{model}:predict", new { instances = new[] { new { features = rows, sensor_type = new float[5] } } }).GetAwaiter().GetResult();
        Assert.True(answer.IsSuccessStatusCode == (model != "nobody"), answer.Content.ReadAsStringAsync().GetAwaiter().GetResult());
    }

    /// <summary>How compose.yaml asks our containers for their health, here of our processes.</summary>
    private string[] HealthChecks()
    {
        string[] commands = [.. HealthCheck().Matches(File.ReadAllText(Path.Combine(TestEnvironment.Root, "compose", "compose.yaml"))).Select(m => m.Groups[1].Value)];
        Assert.Equal(2, commands.Length);
        return [.. commands.Select(c => c.Replace("/9464", $"/{_pipeline.Split(':')[1]}", StringComparison.Ordinal).Replace("/8501", $"/{_serving.Split(':')[1]}", StringComparison.Ordinal))];
    }

    [GeneratedRegex("^ +test: (bash -c .+)$", RegexOptions.Multiline)]
    private static partial Regex HealthCheck();

    private void CopyModel()
    {
        string from = Directory.GetDirectories(Path.Combine(TestEnvironment.Root, "models", "anomaly_detector")).Order(StringComparer.Ordinal).Last();
        string to = Directory.CreateDirectory(Path.Combine(_models, "anomaly_detector", Path.GetFileName(from))).FullName;
        foreach (string name in (string[])["model.json", "model.onnx"]) File.Copy(Path.Combine(from, name), Path.Combine(to, name));
    }
}
