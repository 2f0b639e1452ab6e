using System.Text;

namespace FastIot.Configuration;

/// <summary>The README's reference of all settings, made from their table.</summary>
public static class ConfigurationReference
{
    public const string BeginMark = "<!-- settings: made by `fastiot config --reference`; a test compares -->";

    public const string EndMark = "<!-- /settings -->";

    public static string Markdown()
    {
        var text = new StringBuilder();
        text.AppendLine("| setting | flag | default | what | environment |");
        text.AppendLine("|---|---|---|---|---|");
        foreach (Setting s in Settings.All)
        {
            string flag = s.Flag != null ? $"`--{s.Flag}`" : s.FileFlag != null ? $"`--{s.FileFlag}`" : "";
            string variables = string.Join(" ", s.Aliases.Prepend(s.Variable).Select(v => $"`{v}`"));
            text.Append($"| `{s.Key}` | {flag} | {(s.Default.Length > 0 ? $"`{s.Default}`" : "")} | {s.Help} ({Escape(s.Type)}) | {variables} |\n");
        }

        text.Append($"| `{Settings.KafkaPropertyPrefix}NAME` | `--{ConfigurationLoader.KafkaPropertyFlag} NAME=VALUE` | | Any of librdkafka's own properties | `FASTIOT_KAFKA_PROPERTIES_NAME` |\n");
        return text.ToString();
    }

    private static string Escape(string type) => type.Replace("|", " \\| ");
}
