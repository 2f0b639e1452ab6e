using System.Diagnostics;
using System.Text.Json;
using FastIot.Tests.Cli;
using FastIot.Tests.Faults;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Alarms;

/// <summary>The native binary against Debian's Alertmanager.</summary>
[Collection(nameof(NativeBinary))]
public sealed class AlertmanagerTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-alarms-").FullName;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly List<Process> _servers = [];

    public void Dispose()
    {
        foreach (Process server in _servers)
        {
            server.Kill();
            server.WaitForExit();
            server.Dispose();
        }

        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Alarms_of_the_demo_appear_in_Alertmanager_and_are_resolved_when_they_are_over()
    {
        string alertmanager = Alertmanager();
        string metrics = $"127.0.0.1:{RealServers.FreePort()}";

        // No repetition within the test, and an alert would stay for 30 minutes without one: whatever goes was resolved.
        using var demo = new Instance([], "demo", "--sensors", "2000", "--duration", "0", "--anomaly-rate", "0.1", "--speed", "20", "--out", _folder, "--http", metrics,
            "--alarms-url", alertmanager, "--alarms-group-by", "sensor,metric,location", "--alarms-labels", "severity=page", "--alarms-interval", "10m", "--alarms-wait", "1s", "--alarms-calls", "600");
        var seen = new HashSet<string>();
        JsonElement first = default;
        Eventually.Until(() =>
        {
            JsonElement[] now = Alerts(alertmanager);
            if (seen.Count == 0 && now.Length > 0) first = now[0];
            HashSet<string> firing = [.. now.Select(a => a.GetProperty("fingerprint").GetString()!)];
            seen.UnionWith(firing);
            return seen.Count >= 10 && seen.Count - firing.Count >= 5;
        }, s_patience, () => $"{seen.Count} alerts seen; {demo.Said}");

        JsonElement labels = first.GetProperty("labels");
        Assert.Equal(("FastIotAnomaly", "page", "sensor"), (labels.GetProperty("alertname").GetString(), labels.GetProperty("severity").GetString(), labels.GetProperty("location").GetString()));
        Assert.StartsWith("sensor_", labels.GetProperty("sensor").GetString(), StringComparison.Ordinal);
        Assert.Contains(labels.GetProperty("sensor").GetString()!, first.GetProperty("annotations").GetProperty("description").GetString());
        string scrape = await _http.GetStringAsync($"http://{metrics}/metrics", TestContext.Current.CancellationToken);
        Assert.Contains("fastiot_alarm_messages_failed_total 0", scrape);
        Assert.DoesNotContain("fastiot_alarm_messages_sent_total 0\n", scrape);
        demo.End(s_patience);
    }

    private string Alertmanager()
    {
        string program = TestEnvironment.Tool("prometheus-alertmanager", "prometheus-alertmanager");
        string address = $"127.0.0.1:{RealServers.FreePort()}";
        string config = Path.Combine(_folder, "alertmanager.yml");
        File.WriteAllText(config, "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n");
        var start = new ProcessStartInfo(program, [$"--config.file={config}", $"--storage.path={Path.Combine(_folder, "data")}", $"--web.listen-address={address}", "--cluster.listen-address=", "--log.level=error"]);
        _servers.Add(Process.Start(start)!);
        Eventually.Until(() => IsReady(address), s_patience, () => "Alertmanager does not answer");
        return $"http://{address}";
    }

    private bool IsReady(string address)
    {
        try
        {
            return _http.GetAsync($"http://{address}/-/ready", TestContext.Current.CancellationToken).GetAwaiter().GetResult().IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            // Not up yet.
            return false;
        }
    }

    private JsonElement[] Alerts(string alertmanager) =>
        [.. JsonDocument.Parse(_http.GetStringAsync($"{alertmanager}/api/v2/alerts", TestContext.Current.CancellationToken).GetAwaiter().GetResult()).RootElement.EnumerateArray()];
}
