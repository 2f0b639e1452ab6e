using System.Text.Json;
using System.Text.RegularExpressions;

namespace FastIot.Tests.Servers;

/// <summary>Validates by the words that compose/anomaly.schema.json uses; an unknown word is an error, so that none is passed over.</summary>
internal sealed class JsonSchema(JsonElement root)
{
    public static JsonSchema Read(string path) => new(JsonDocument.Parse(File.ReadAllBytes(path)).RootElement);

    /// <returns>Null where the value is valid; else what is not.</returns>
    public string? Check(JsonElement value) => Check(root, value, "$");

    private string? Check(JsonElement schema, JsonElement value, string at)
    {
        foreach (JsonProperty word in schema.EnumerateObject())
        {
            string? error = word.Name switch
            {
                "$schema" or "title" or "description" or "$defs" => null,
                "$ref" => Check(root.GetProperty("$defs").GetProperty(word.Value.GetString()!["#/$defs/".Length..]), value, at),
                "type" => Types(word.Value).Any(t => Is(value, t)) ? null : $"{at} is {value.ValueKind}, not {word.Value}",
                "const" => JsonElement.DeepEquals(word.Value, value) ? null : $"{at} is {value}, not {word.Value}",
                "enum" => word.Value.EnumerateArray().Any(e => JsonElement.DeepEquals(e, value)) ? null : $"{at} is {value}, not one of {word.Value}",
                "minimum" => value.ValueKind != JsonValueKind.Number || value.GetDouble() >= word.Value.GetDouble() ? null : $"{at} is {value}, below {word.Value}",
                "maximum" => value.ValueKind != JsonValueKind.Number || value.GetDouble() <= word.Value.GetDouble() ? null : $"{at} is {value}, above {word.Value}",
                "minLength" => value.ValueKind != JsonValueKind.String || value.GetString()!.Length >= word.Value.GetInt32() ? null : $"{at} is too short",
                "pattern" => value.ValueKind != JsonValueKind.String || Regex.IsMatch(value.GetString()!, word.Value.GetString()!) ? null : $"{at} is {value}, not {word.Value}",
                "maxItems" => value.ValueKind != JsonValueKind.Array || value.GetArrayLength() <= word.Value.GetInt32() ? null : $"{at} is too long",
                "items" => value.ValueKind != JsonValueKind.Array ? null : value.EnumerateArray().Select((v, i) => Check(word.Value, v, $"{at}[{i}]")).FirstOrDefault(e => e != null),
                "required" => value.ValueKind != JsonValueKind.Object ? null : word.Value.EnumerateArray().Where(n => !value.TryGetProperty(n.GetString()!, out _)).Select(n => $"{at} has no {n}").FirstOrDefault(),
                "properties" => Properties(word.Value, value, at),
                "additionalProperties" => Additional(schema, value, at),
                _ => $"the schema has the word {word.Name}, which this validator does not know",
            };
            if (error != null) return error;
        }

        return null;
    }

    private string? Properties(JsonElement properties, JsonElement value, string at) => value.ValueKind != JsonValueKind.Object
        ? null
        : properties.EnumerateObject().Select(p => value.TryGetProperty(p.Name, out JsonElement v) ? Check(p.Value, v, $"{at}.{p.Name}") : null).FirstOrDefault(e => e != null);

    private static string? Additional(JsonElement schema, JsonElement value, string at) => value.ValueKind != JsonValueKind.Object
        ? null
        : value.EnumerateObject().Where(p => !schema.GetProperty("properties").TryGetProperty(p.Name, out _)).Select(p => $"{at} has {p.Name}, which the schema has not").FirstOrDefault();

    private static IEnumerable<string> Types(JsonElement types) => types.ValueKind == JsonValueKind.String ? [types.GetString()!] : types.EnumerateArray().Select(t => t.GetString()!);

    private static bool Is(JsonElement value, string type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => false,
    };
}
