using System.Globalization;
using System.Text.Json;

namespace FastIot.Alarms;

/// <summary>
/// Whom not to wake, and when: an array of objects with <c>sensors</c> (a pattern), and if wanted <c>metric</c>, <c>from</c>, <c>until</c>
/// (ISO 8601 with zone), <c>daily</c> ("22:00-06:00", UTC) and <c>comment</c>. Unknown members are errors: a silence that does not do what
/// its author meant is worse than none.
/// </summary>
internal sealed class Silences
{
    private readonly Silence[] _all;

    private Silences(Silence[] all) => _all = all;

    private sealed record Silence(SensorPattern Sensors, string? Metric, DateTimeOffset From, DateTimeOffset Until, (TimeOnly From, TimeOnly Until)? Daily)
    {
        public bool IsInForce(DateTimeOffset now) =>
            now >= From && now < Until && (Daily is not { } daily || TimeOnly.FromTimeSpan(now.UtcDateTime.TimeOfDay).IsBetween(daily.From, daily.Until));
    }

    public static Silences None { get; } = new([]);

    /// <exception cref="FormatException"/>
    /// <exception cref="JsonException"/>
    public static Silences Parse(byte[] json)
    {
        using JsonDocument document = JsonDocument.Parse(json, JsonFile.Options);
        if (document.RootElement.ValueKind != JsonValueKind.Array) throw new FormatException("an array of silences is expected");
        return new Silences([.. document.RootElement.EnumerateArray().Select(One)]);
    }

    public bool Cover(EpisodeKey episode, DateTimeOffset now)
    {
        foreach (Silence silence in _all)
        {
            if (silence.IsInForce(now) && (silence.Metric == null || silence.Metric == episode.Metric) && silence.Sensors.Matches(episode.Sensor)) return true;
        }

        return false;
    }

    private static Silence One(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object) throw new FormatException("a silence is an object with \"sensors\"");
        SensorPattern? sensors = null;
        string? metric = null;
        (DateTimeOffset from, DateTimeOffset until) = (DateTimeOffset.MinValue, DateTimeOffset.MaxValue);
        (TimeOnly, TimeOnly)? daily = null;
        foreach (JsonProperty member in element.EnumerateObject())
        {
            string text = JsonFile.Text(member);
            switch (member.Name)
            {
                case "sensors": sensors = new SensorPattern(text); break;
                case "metric": metric = text; break;
                case "from": from = Time(text); break;
                case "until": until = Time(text); break;
                case "daily": daily = Daily(text); break;
                case "comment": break;
                default: throw new FormatException($"a silence has no \"{member.Name}\"; it has sensors, metric, from, until, daily, comment");
            }
        }

        if (sensors == null) throw new FormatException("a silence needs \"sensors\"; * stands for all");
        if (from >= until) throw new FormatException($"a silence ends at {until:u}, before it begins");
        return new Silence(sensors, metric, from, until, daily);
    }

    private static DateTimeOffset Time(string text) =>
        DateTimeOffset.TryParseExact(text, ["yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mmK"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
            ? time
            : throw new FormatException($"\"{text}\" is not a time such as 2026-12-01T06:00:00Z");

    private static (TimeOnly, TimeOnly) Daily(string text)
    {
        string[] parts = text.Split('-', StringSplitOptions.TrimEntries);
        return parts.Length == 2 && At(parts[0], out TimeOnly from) && At(parts[1], out TimeOnly until) && from != until
            ? (from, until)
            : throw new FormatException($"\"{text}\" is not a time of day such as 22:00-06:00 (UTC)");
    }

    private static bool At(string text, out TimeOnly time) => TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out time);
}
