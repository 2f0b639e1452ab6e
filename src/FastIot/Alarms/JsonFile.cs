using System.Text.Json;

namespace FastIot.Alarms;

/// <summary>How the files that people write for alarms are read: as the configuration file, comments and last commas allowed.</summary>
internal static class JsonFile
{
    public static JsonDocumentOptions Options { get; } = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <exception cref="FormatException">It is no text.</exception>
    public static string Text(JsonProperty member) =>
        member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString()! : throw new FormatException($"\"{member.Name}\" must be a text");
}
