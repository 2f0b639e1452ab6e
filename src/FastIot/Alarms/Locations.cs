using System.Text.Json;

namespace FastIot.Alarms;

/// <summary>
/// Where a sensor is, by its id. A file says it: an object of patterns and the locations they mean, the first that matches counts,
/// <c>{1}</c> stands for what the first star stood for: <c>{"plant*-line*-*": "plant {1}, line {2}"}</c>. What no pattern matches, and
/// everything without a file, is where the id's beginning says, up to its last separator (one of <c>-_./:</c>).
/// </summary>
internal sealed class Locations
{
    private static readonly System.Buffers.SearchValues<char> s_separators = System.Buffers.SearchValues.Create("-_./:");

    private readonly (SensorPattern Pattern, string Location)[] _all;

    private Locations((SensorPattern, string)[] all) => _all = all;

    public static Locations None { get; } = new([]);

    /// <exception cref="FormatException"/>
    /// <exception cref="JsonException"/>
    public static Locations Parse(byte[] json)
    {
        using JsonDocument document = JsonDocument.Parse(json, JsonFile.Options);
        if (document.RootElement.ValueKind != JsonValueKind.Object) throw new FormatException("an object of patterns and locations is expected");
        return new Locations([.. document.RootElement.EnumerateObject().Select(member => (new SensorPattern(member.Name), JsonFile.Text(member)))]);
    }

    /// <returns>Empty for an id without separator that no pattern matches.</returns>
    public string Of(string sensor)
    {
        foreach ((SensorPattern pattern, string location) in _all)
        {
            if (pattern.Fill(sensor, location) is { } filled) return filled;
        }

        int separator = sensor.AsSpan().LastIndexOfAny(s_separators);
        return separator > 0 ? sensor[..separator] : "";
    }
}
