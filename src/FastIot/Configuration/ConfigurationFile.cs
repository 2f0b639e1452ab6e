using System.Text;
using System.Text.Json;

namespace FastIot.Configuration;

/// <summary>One value found in a configuration file.</summary>
/// <param name="Key">Names of the objects and of the member, joined by dots.</param>
/// <param name="Line">Counted from 1.</param>
internal readonly record struct FileValue(string Key, string Text, int Line);

/// <summary>Reads a JSON file into a flat list. Comments, and commas before closing brackets, are allowed.</summary>
internal static class ConfigurationFile
{
    /// <param name="json">The file's bytes.</param>
    /// <param name="name">Its name, for messages.</param>
    /// <param name="errors">Takes what is wrong with it.</param>
    public static List<FileValue> Read(ReadOnlySpan<byte> json, string name, List<string> errors)
    {
        var values = new List<FileValue>();
        if (json.StartsWith(Encoding.UTF8.Preamble)) json = json[Encoding.UTF8.Preamble.Length..];
        try
        {
            Flatten(json, name, values, errors);
        }
        catch (JsonException e)
        {
            errors.Add($"{name}:{e.LineNumber + 1}: not JSON: {e.Message}");
        }

        return values;
    }

    private static void Flatten(ReadOnlySpan<byte> json, string name, List<FileValue> values, List<string> errors)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        var path = new Stack<string>();
        string member = "";
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            errors.Add($"{name}:1: the file must hold one JSON object");
            return;
        }

        while (reader.Read())
        {
            int line = 1 + json[..(int)reader.TokenStartIndex].Count((byte)'\n');
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    member = path.Count == 0 ? reader.GetString()! : path.Peek() + "." + reader.GetString();
                    break;
                case JsonTokenType.StartObject:
                    path.Push(member);
                    break;
                case JsonTokenType.EndObject:
                    if (path.Count > 0) path.Pop();
                    break;
                case JsonTokenType.StartArray:
                    errors.Add($"{name}:{line}: {member} is a list; one value is expected");
                    reader.Skip();
                    break;
                case JsonTokenType.Null:
                    errors.Add($"{name}:{line}: {member} is null; leave it out to have the default");
                    break;
                case JsonTokenType.String:
                    values.Add(new FileValue(member, reader.GetString()!, line));
                    break;
                default:
                    values.Add(new FileValue(member, Encoding.UTF8.GetString(reader.ValueSpan), line));
                    break;
            }
        }
    }
}
