using System.Text;
using System.Text.RegularExpressions;
using FastIot.Evaluation;
using FastIot.Observe;
using FastIot.Tests.Cli;
using FastIot.Tests.Faults;
using FastIot.Tests.Scoring;
using FastIot.Tests.Servers;
using FastIot.Tests.Serving;
using Prometheus;

namespace FastIot.Tests.Observe;

/// <summary>What is said of metrics outside the code: the reference, and the alert rules. FASTIOT_WRITE_DOCS=1 writes the reference anew.</summary>
[Collection(nameof(NativeBinary))]
public sealed partial class MetricsReferenceTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly string s_prometheus = Path.Combine(TestEnvironment.Root, "compose", "prometheus");
    private static readonly string s_reference = Path.Combine(TestEnvironment.Root, "src", "FastIot", "Observe", "README.md");

    private readonly string _out = Directory.CreateTempSubdirectory("fastiot-metrics-").FullName;

    public void Dispose() => Directory.Delete(_out, recursive: true);

    [Fact]
    public void Each_alert_fires_in_its_fault_and_not_before()
    {
        string promtool = TestEnvironment.Tool("promtool", "prometheus");
        RealServers.Run(promtool, "check", "config", Path.Combine(s_prometheus, "prometheus.yml"));
        RealServers.Run(promtool, "test", "rules", Path.Combine(s_prometheus, "alerts_test.yml"));
    }

    [Fact]
    public async Task The_reference_and_the_alerts_name_the_metrics_that_there_are()
    {
        Dictionary<string, (string Type, string Meaning)> pipeline = Described(ScrapePipeline() + await LabelsAsync()), serving = Described(await ScrapeServingAsync());
        string[] alerts = [.. Name().Matches(File.ReadAllText(Path.Combine(s_prometheus, "alerts.yml"))).Select(m => m.Value).Distinct()];
        Assert.True(alerts.Length > 10, string.Join(", ", alerts));
        Assert.All(alerts, name => Assert.True(pipeline.ContainsKey(name) || serving.ContainsKey(name), name));

        string text = File.ReadAllText(s_reference);
        int begin = text.IndexOf("| metric |", StringComparison.Ordinal);
        string made = $"{text[..begin]}{Table(pipeline)}\n## fastiot serve\n\nWhat `/metrics` of `fastiot serve` shows; TensorFlow Serving's names are at `/monitoring/prometheus/metrics`.\n\n{Table(serving)}";
        if (Environment.GetEnvironmentVariable("FASTIOT_WRITE_DOCS") == "1") File.WriteAllText(s_reference, made);
        else Assert.Equal(made, text);
    }

    private static Dictionary<string, (string Type, string Meaning)> Described(string metrics) =>
        Description().Matches(metrics).ToDictionary(m => m.Groups[1].Value, m => (Type: m.Groups[3].Value, Meaning: m.Groups[2].Value), StringComparer.Ordinal);

    private static string Table(Dictionary<string, (string Type, string Meaning)> described) =>
        "| metric | type | meaning |\n|---|---|---|\n" + string.Concat(described.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => $"| `{d.Key}` | {d.Value.Type} | {d.Value.Meaning} |\n"));

    private string ScrapePipeline()
    {
        string address = $"127.0.0.1:{RealServers.FreePort()}";
        using var http = new HttpClient();
        foreach (int version in new[] { 1, 2 }) ShippedModel.Save(_out, version);
        using var demo = new Instance([], "demo", "--duration", "0", "--history", "0", "--sensors", "200", "--out", _out, "--http", address, "--models", _out, "--model-version", "1", "--shadow", "2");
        string metrics = "";
        Eventually.Until(() => Answer(http, address, out metrics), s_patience, () => demo.Said);
        demo.End(s_patience);
        return metrics;
    }

    /// <summary>Those of readings that carry labels, which only <c>run</c> looks at.</summary>
    private static async Task<string> LabelsAsync()
    {
        CollectorRegistry registry = Metrics.NewCustomRegistry();
        _ = new LabelMetrics(Metrics.WithCustomRegistry(registry), new LabelFigures());
        using var stream = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(stream, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static async Task<string> ScrapeServingAsync()
    {
        await using ServeProcess serve = await ServeProcess.StartAsync(Path.Combine(TestEnvironment.Root, "models"));
        using var http = new HttpClient();
        return await http.GetStringAsync($"{serve.Url}/metrics", TestContext.Current.CancellationToken);
    }

    private static bool Answer(HttpClient http, string address, out string metrics)
    {
        try
        {
            metrics = http.GetStringAsync($"http://{address}/metrics").GetAwaiter().GetResult();
            return true;
        }
        catch (HttpRequestException)
        {
            // Not up yet.
            metrics = "";
            return false;
        }
    }

    [GeneratedRegex(@"^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Description();

    [GeneratedRegex("fastiot_[a-z_]+")]
    private static partial Regex Name();
}
