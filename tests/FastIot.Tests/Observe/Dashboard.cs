using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace FastIot.Tests.Observe;

/// <summary>A panel of a dashboard, with its queries as they stand in the file.</summary>
internal sealed record Panel(int Id, string Type, string Title, JsonNode Json)
{
    public string[] Queries => Json["targets"] is JsonArray targets ? [.. targets.Select(t => t!["expr"]!.GetValue<string>())] : [];
}

/// <summary>One of compose/grafana's dashboards.</summary>
internal sealed partial class Dashboard
{
    public static readonly string Folder = Path.Combine(TestEnvironment.Root, "compose", "grafana", "dashboards");

    private Dashboard(string file)
    {
        Name = Path.GetFileNameWithoutExtension(file);
        Json = JsonNode.Parse(File.ReadAllText(file))!;
        Panels = [.. Json["panels"]!.AsArray().Select(p => new Panel(p!["id"]!.GetValue<int>(), p["type"]!.GetValue<string>(), p["title"]!.GetValue<string>(), p))];
    }

    public static Dashboard[] All { get; } = [.. Directory.GetFiles(Folder, "*.json").Order(StringComparer.Ordinal).Select(f => new Dashboard(f))];

    public string Name { get; }

    public JsonNode Json { get; }

    public Panel[] Panels { get; }

    /// <summary>Queries of the variables: label_values(metric{…}, label), the metric's part.</summary>
    public string[] VariableQueries =>
        [.. Json["templating"]!["list"]!.AsArray().Where(v => v!["type"]!.GetValue<string>() == "query").Select(v => LabelValues().Match(v!["query"]!["query"]!.GetValue<string>()).Groups[1].Value)];

    public string[] AnnotationQueries => [.. Json["annotations"]!["list"]!.AsArray().Select(a => a!["expr"]!.GetValue<string>())];

    /// <summary>A query as Grafana would send it, with everything chosen in its variables.</summary>
    public static string Filled(string query) =>
        query.Replace("$__rate_interval", "20s", StringComparison.Ordinal).Replace("$instance", ".*", StringComparison.Ordinal).Replace("$partition", ".*", StringComparison.Ordinal);

    /// <summary>The metrics that a query names.</summary>
    public static string[] Metrics(string query)
    {
        string bare = Grouping().Replace(Aside().Replace(query, " "), " ");
        return [.. Identifier().Matches(bare).Select(m => m.Value).Where(n => n is not ("or" or "and" or "unless" or "by" or "on")).Distinct()];
    }

    [GeneratedRegex(@"^label_values\((.+), \w+\)$")]
    private static partial Regex LabelValues();

    /// <summary>Labels, texts and ranges.</summary>
    [GeneratedRegex("""\{[^}]*\}|"[^"]*"|\[[^\]]*\]""")]
    private static partial Regex Aside();

    [GeneratedRegex(@"\b(by|on|without|ignoring)\s*\([^)]*\)")]
    private static partial Regex Grouping();

    /// <summary>A name that is not a function's.</summary>
    [GeneratedRegex(@"\b[a-zA-Z_][a-zA-Z0-9_]*\b(?!\s*\()")]
    private static partial Regex Identifier();
}
