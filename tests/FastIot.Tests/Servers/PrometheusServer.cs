using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FastIot.Tests.Faults;

namespace FastIot.Tests.Servers;

/// <summary>
/// A real Prometheus with compose/prometheus' own configuration and alerts; what takes minutes there takes seconds here: it scrapes and judges
/// every second, an alert waits two seconds, and looks ten seconds back.
/// </summary>
internal sealed partial class PrometheusServer : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly string s_source = Path.Combine(TestEnvironment.Root, "compose", "prometheus");

    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-prometheus-").FullName;
    private readonly Process _process;
    private readonly HttpClient _http = new();

    /// <param name="pipeline">ip:port of <c>run</c>.</param>
    /// <param name="serving">ip:port of <c>serve</c>.</param>
    public PrometheusServer(string pipeline, string serving)
    {
        string program = TestEnvironment.Tool("prometheus", "prometheus");
        string configuration = Changed(File.ReadAllText(Path.Combine(s_source, "prometheus.yml")), ("fastiot:9464", pipeline), ("serving:8501", serving), ("scrape_interval: 5s", "scrape_interval: 1s"), ("evaluation_interval: 15s", "evaluation_interval: 1s"));
        File.WriteAllText(Path.Combine(_folder, "prometheus.yml"), configuration);
        string alerts = File.ReadAllText(Path.Combine(s_source, "alerts.yml"));
        File.WriteAllText(Path.Combine(_folder, "alerts.yml"), Wait().Replace(Range().Replace(alerts, "[10s]"), "for: 2s"));
        string address = $"127.0.0.1:{RealServers.FreePort()}";
        string[] arguments = [$"--config.file={_folder}/prometheus.yml", $"--storage.tsdb.path={_folder}/data", $"--web.listen-address={address}", "--log.level=warn"];
        _process = Process.Start(new ProcessStartInfo("/bin/bash", ["-c", "log=$1; shift; exec \"$@\" >\"$log\" 2>&1 </dev/null", "bash", Path.Combine(_folder, "log"), program, .. arguments]))!;
        _http.BaseAddress = new Uri($"http://{address}");
        try
        {
            Eventually.Until(IsReady, s_patience, Log);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What an expression is now: a sample's labels and value each.</summary>
    public IReadOnlyList<(JsonNode Labels, double Value)> Query(string expression)
    {
        using HttpResponseMessage answer = _http.PostAsync("/api/v1/query", new FormUrlEncodedContent([new("query", expression)])).GetAwaiter().GetResult();
        string text = answer.Content.ReadAsStringAsync().GetAwaiter().GetResult();
        Assert.True(answer.IsSuccessStatusCode, $"{expression}: {text}");
        JsonNode data = JsonNode.Parse(text)!["data"]!;
        Assert.True(data["resultType"]!.GetValue<string>() == "vector", $"{expression} is no vector: {text}");
        return [.. data["result"]!.AsArray().Select(s => (s!["metric"]!, Number(s["value"]![1]!.GetValue<string>())))];
    }

    /// <summary>Names of the alerts that fire.</summary>
    public string[] Firing() => [.. Query("ALERTS{alertstate=\"firing\"}").Select(a => a.Labels["alertname"]!.GetValue<string>()).Distinct().Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Log() => File.ReadAllText(Path.Combine(_folder, "log"));

    private bool IsReady()
    {
        if (_process.HasExited) Assert.Fail(Log());
        try
        {
            return _http.GetAsync("/-/ready").GetAwaiter().GetResult().IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            // Not up yet.
            return false;
        }
    }

    private static string Changed(string text, params (string From, string To)[] changes)
    {
        foreach ((string from, string to) in changes)
        {
            Assert.Contains(from, text);
            text = text.Replace(from, to, StringComparison.Ordinal);
        }

        return text;
    }

    private static double Number(string text) => text switch
    {
        "NaN" => double.NaN,
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.Parse(text, System.Globalization.CultureInfo.InvariantCulture),
    };

    [GeneratedRegex(@"\[\d+[mh]\]")]
    private static partial Regex Range();

    [GeneratedRegex(@"for: \d+[mh]")]
    private static partial Regex Wait();
}
