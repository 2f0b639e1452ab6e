using System.Text.Json;

namespace FastIot.Scoring;

/// <summary>What labels.json beside a model's versions says: label to version, and for each label what it stood for before.</summary>
public sealed class ModelLabels
{
    public const string File = "labels.json";

    /// <summary>The label that promote and rollback move unless told otherwise.</summary>
    public const string Stable = "stable";

    public static ModelLabels None { get; } = new();

    public IReadOnlyDictionary<string, long> Versions { get; init; } = new Dictionary<string, long>();

    /// <summary>The version a label stood for before, for rollback.</summary>
    public IReadOnlyDictionary<string, long> Previous { get; init; } = new Dictionary<string, long>();

    /// <exception cref="ModelException">Not {"labels": {"stable": 3}, "previous": {"stable": 2}}.</exception>
    public static ModelLabels Parse(ReadOnlyMemory<byte> json, string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            return new ModelLabels
            {
                Versions = Read(root.GetProperty("labels")),
                Previous = root.TryGetProperty("previous", out JsonElement previous) ? Read(previous) : new Dictionary<string, long>(),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new ModelException($"{path} cannot be used: {e.Message} It must be like {{\"labels\": {{\"stable\": 3}}}}.", e);
        }
    }

    /// <summary>The label moved to a version; what it stood for is remembered.</summary>
    public ModelLabels With(string label, long version)
    {
        var versions = new Dictionary<string, long>(Versions);
        var previous = new Dictionary<string, long>(Previous);
        if (versions.TryGetValue(label, out long now) && now != version) previous[label] = now;
        versions[label] = version;
        return new ModelLabels { Versions = versions, Previous = previous };
    }

    public byte[] ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            Write(json, "labels", Versions);
            Write(json, "previous", Previous);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static Dictionary<string, long> Read(JsonElement json) => json.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetInt64());

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, long> versions)
    {
        json.WriteStartObject(name);
        foreach ((string label, long version) in versions.OrderBy(v => v.Key, StringComparer.Ordinal)) json.WriteNumber(label, version);
        json.WriteEndObject();
    }
}
