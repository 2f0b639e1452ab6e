using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace FastIot.Tests.Observe;

/// <summary>What can be said of the dashboards by reading them: that Grafana can place and fill every panel, from metrics that there are.</summary>
public sealed partial class DashboardTests
{
    private static readonly string[] s_ofPrometheus = ["up", "ALERTS"];

    [Fact]
    public void The_dashboards_are_these_and_know_each_other_by_tag_and_uid()
    {
        Assert.Equal(["model", "overview", "partitions", "serving"], Dashboard.All.Select(d => d.Name));
        Assert.All(Dashboard.All, d =>
        {
            Assert.Equal("fastiot-" + d.Name, d.Json["uid"]!.GetValue<string>());
            Assert.Contains("fastiot", d.Json["tags"]!.AsArray().Select(t => t!.GetValue<string>()));
            Assert.True(d.Json["schemaVersion"]!.GetValue<int>() >= 39);
            Assert.Contains("instance", d.Json["templating"]!["list"]!.AsArray().Select(v => v!["name"]!.GetValue<string>()));
        });
        Assert.Equal(Dashboard.All.Length, Dashboard.All.Select(d => d.Json["title"]!.GetValue<string>()).Distinct().Count());
    }

    [Fact]
    public void Every_panel_has_queries_a_unit_a_description_and_a_place_of_its_own()
    {
        foreach (Dashboard dashboard in Dashboard.All)
        {
            Assert.Equal(dashboard.Panels.Length, dashboard.Panels.Select(p => p.Id).Distinct().Count());
            var taken = new HashSet<(int X, int Y)>();
            foreach (Panel panel in dashboard.Panels)
            {
                string name = $"{dashboard.Name}: {panel.Title}";
                JsonNode place = panel.Json["gridPos"]!;
                (int x, int y, int w, int h) = (Whole(place["x"]), Whole(place["y"]), Whole(place["w"]), Whole(place["h"]));
                Assert.True(x >= 0 && x + w <= 24 && w > 0 && h > 0, name);
                for (int cell = 0; cell < w * h; cell++) Assert.True(taken.Add((x + cell % w, y + cell / w)), $"{name} lies on another");
                if (panel.Type == "row") continue;
                Assert.Contains(panel.Type, (string[])["timeseries", "stat", "table", "heatmap", "status-history"]);
                Assert.True(panel.Queries.Length > 0 && panel.Queries.All(q => q.Length > 0), $"{name} asks nothing");
                Assert.True(panel.Json["description"]?.GetValue<string>().Length > 0, $"{name} has no description");
                Assert.True(panel.Json["fieldConfig"]!["defaults"]!["unit"]?.GetValue<string>().Length > 0, $"{name} has no unit");
                Assert.Equal(panel.Queries.Length, panel.Json["targets"]!.AsArray().Select(t => t!["refId"]!.GetValue<string>()).Distinct().Count());
            }
        }
    }

    [Fact]
    public void Dashboards_and_alerts_name_metrics_of_the_reference_only()
    {
        string reference = File.ReadAllText(Path.Combine(TestEnvironment.Root, "src", "FastIot", "Observe", "README.md"));
        var there = new HashSet<string>(s_ofPrometheus, StringComparer.Ordinal);
        foreach (Match row in Row().Matches(reference))
        {
            string[] suffixes = row.Groups[2].Value == "histogram" ? ["_bucket", "_sum", "_count"] : [""];
            foreach (string suffix in suffixes) there.Add(row.Groups[1].Value + suffix);
        }

        string[] queries = [.. Dashboard.All.SelectMany(d => d.Panels.SelectMany(p => p.Queries).Concat(d.VariableQueries).Concat(d.AnnotationQueries)), .. Alerts()];
        string[] unknown = [.. queries.SelectMany(Dashboard.Metrics).Distinct().Where(n => !there.Contains(n))];
        Assert.True(unknown.Length == 0, string.Join(", ", unknown));
        Assert.True(queries.SelectMany(Dashboard.Metrics).Distinct().Count() > 45);
    }

    [Fact]
    public void Grafana_finds_the_dashboards_and_the_data_source_where_compose_mounts_them()
    {
        string grafana = Path.Combine(TestEnvironment.Root, "compose", "grafana", "provisioning");
        string compose = File.ReadAllText(Path.Combine(TestEnvironment.Root, "compose", "compose.yaml"));
        string source = File.ReadAllText(Path.Combine(grafana, "datasources", "prometheus.yml")), provider = File.ReadAllText(Path.Combine(grafana, "dashboards", "fastiot.yml"));
        string path = Regex.Match(provider, @"path: (\S+)").Groups[1].Value, uid = Regex.Match(source, @"uid: (\S+)").Groups[1].Value;
        Assert.Contains($"./grafana/dashboards:{path}:ro", compose);
        Assert.Contains("./grafana/provisioning:/etc/grafana/provisioning:ro", compose);
        Assert.All(Dashboard.All, d =>
        {
            JsonNode variable = d.Json["templating"]!["list"]!.AsArray().Single(v => v!["type"]!.GetValue<string>() == "datasource")!;
            Assert.Equal(uid, variable["current"]!["value"]!.GetValue<string>());
            Assert.Equal("datasource", variable["name"]!.GetValue<string>());
            Assert.All(d.Panels.Where(p => p.Type != "row"), p => Assert.Equal("${datasource}", p.Json["datasource"]!["uid"]!.GetValue<string>()));
        });

        // The least range of a rate follows from how often Prometheus scrapes.
        string interval = Regex.Match(File.ReadAllText(Path.Combine(TestEnvironment.Root, "compose", "prometheus", "prometheus.yml")), @"scrape_interval: (\S+)").Groups[1].Value;
        Assert.Contains($"timeInterval: {interval}", source);
        Assert.DoesNotMatch(new Regex(@"ports: \[""(?!127\.0\.0\.1:)"), compose);
        Assert.All(Regex.Matches(compose, @"image: (?!fastiot$)(\S+)", RegexOptions.Multiline), m => Assert.Matches(@"^\S+:(?!latest)\S*\d", m.Groups[1].Value));
    }

    private static IEnumerable<string> Alerts() => Expression().Matches(File.ReadAllText(Path.Combine(TestEnvironment.Root, "compose", "prometheus", "alerts.yml"))).Select(m => m.Groups[1].Value);

    private static int Whole(JsonNode? number) => number!.GetValue<int>();

    [GeneratedRegex(@"^\| `(\S+)` \| (\w+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("^ +expr: (.+)$", RegexOptions.Multiline)]
    private static partial Regex Expression();
}
