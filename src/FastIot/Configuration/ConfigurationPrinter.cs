using System.Buffers;
using System.Text;
using System.Text.Json;

namespace FastIot.Configuration;

/// <summary>Shows the values in force with their sources; secrets are masked.</summary>
public static class ConfigurationPrinter
{
    public static string Text(EffectiveConfiguration configuration)
    {
        int keys = configuration.Values.Max(v => v.Setting.Key.Length), texts = Math.Min(40, configuration.Values.Max(v => v.Shown.Length));
        var text = new StringBuilder();
        foreach (EffectiveValue value in configuration.Values)
        {
            text.Append(value.Setting.Key.PadRight(keys)).Append(" = ").Append(value.Shown.PadRight(texts)).Append("  # ").AppendLine(value.Source);
        }

        foreach (string warning in configuration.Warnings) text.Append("warning: ").AppendLine(warning);
        return text.ToString();
    }

    /// <returns>One object: <c>settings</c> (key, value, source, and whether it is a secret) and <c>warnings</c>.</returns>
    public static string Json(EffectiveConfiguration configuration)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartArray("settings");
            foreach (EffectiveValue value in configuration.Values)
            {
                json.WriteStartObject();
                json.WriteString("key", value.Setting.Key);
                json.WriteString("value", value.Shown);
                json.WriteString("source", value.Source);
                if (value.Setting.Secret) json.WriteBoolean("secret", true);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("warnings");
            foreach (string warning in configuration.Warnings) json.WriteStringValue(warning);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
