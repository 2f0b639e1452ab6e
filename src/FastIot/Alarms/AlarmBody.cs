using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FastIot.Features;
using FastIot.Scoring;

namespace FastIot.Alarms;

/// <summary>Writes what is posted, in either form. README, Alarms to people, describes the webhook's.</summary>
internal static class AlarmBody
{
    private const string Name = "FastIotAnomaly";

    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.Default };

    /// <param name="validFor">How long an alarm that is not repeated counts as going on: a process that is gone does not alarm for ever.</param>
    public static byte[] Write(AlarmFormat format, List<AlarmMessage> messages, DateTimeOffset now, TimeSpan validFor)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, s_options))
        {
            if (format == AlarmFormat.Alertmanager) Alertmanager(json, messages, now, validFor);
            else Webhook(json, messages);
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Sixteen hex digits of the labels, the same for the same labels wherever and whenever.</summary>
    public static string Fingerprint(IEnumerable<KeyValuePair<string, string>> labels)
    {
        var text = new StringBuilder();
        foreach ((string name, string value) in labels.OrderBy(l => l.Key, StringComparer.Ordinal)) text.Append(name).Append('\u001e').Append(value).Append('\u001f');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..16];
    }

    private static void Alertmanager(Utf8JsonWriter json, List<AlarmMessage> messages, DateTimeOffset now, TimeSpan validFor)
    {
        json.WriteStartArray();
        foreach ((AlarmGroup group, AlarmStatus status) in messages)
        {
            var listed = Listed.Of(group);
            json.WriteStartObject();
            json.WriteStartObject("labels");
            json.WriteString("alertname", Name);
            foreach ((string name, string value) in group.Labels) json.WriteString(name, value);
            json.WriteEndObject();
            json.WriteStartObject("annotations");
            json.WriteString("summary", Summary(group, listed));
            json.WriteString("description", string.Join('\n', listed.Select(e => e.Text())));
            json.WriteString("open", group.Open.ToString(CultureInfo.InvariantCulture));
            json.WriteString("episodes", group.Episodes.ToString(CultureInfo.InvariantCulture));
            json.WriteEndObject();
            // Event time may be ahead of this clock (a demo's is); an alert that begins after its end is refused.
            DateTimeOffset start = Time(group.StartUs);
            json.WriteString("startsAt", start < now ? start : now);
            json.WriteString("endsAt", status == AlarmStatus.Resolved ? now : now + validFor);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Webhook(Utf8JsonWriter json, List<AlarmMessage> messages)
    {
        json.WriteStartObject();
        json.WriteNumber("version", 1);
        json.WriteString("source", "fastiot");
        json.WriteStartArray("alarms");
        foreach ((AlarmGroup group, AlarmStatus status) in messages)
        {
            var listed = Listed.Of(group);
            json.WriteStartObject();
            json.WriteString("status", status switch { AlarmStatus.Opened => "opened", AlarmStatus.Ongoing => "ongoing", _ => "resolved" });
            json.WriteString("fingerprint", Fingerprint(group.Labels));
            json.WriteStartObject("labels");
            foreach ((string name, string value) in group.Labels) json.WriteString(name, value);
            json.WriteEndObject();
            json.WriteString("summary", Summary(group, listed));
            json.WriteString("starts_at", Time(group.StartUs));
            json.WriteString("last_alarm", Time(group.LastUs));
            json.WriteNumber("open", group.Open);
            json.WriteNumber("episodes", group.Episodes);
            json.WriteStartArray("listed");
            foreach (Listed episode in listed) episode.Write(json);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Summary(AlarmGroup group, List<Listed> listed)
    {
        string kinds = string.Join(", ", listed.Where(e => e.Figures.Windows > 0).GroupBy(e => e.Figures.Kind).OrderByDescending(k => k.Count()).Select(k => AnomalyKinds.Name(k.Key)));
        string labels = string.Join(", ", group.Labels.Select(l => $"{l.Key} {l.Value}"));
        string count = group.Open > 0 ? $"{group.Open} in alarm" : $"over, {group.Episodes} {(group.Episodes == 1 ? "episode" : "episodes")}";
        return $"{(labels.Length > 0 ? labels : "all sensors")}: {count}{(kinds.Length > 0 ? $" ({kinds})" : "")}";
    }

    private static DateTimeOffset Time(long us) => DateTimeOffset.UnixEpoch.AddTicks(us * TimeSpan.TicksPerMicrosecond);

    /// <summary>An episode of a message, as it is at this moment: highest score first, open ones before the others.</summary>
    private readonly record struct Listed(EpisodeKey Key, EpisodeFigures Figures, Reason[] Reasons)
    {
        public static List<Listed> Of(AlarmGroup group) =>
        [
            .. group.Listed.Select(e => (Episode: e, e.Figures)).OrderBy(e => e.Figures.IsOver || e.Figures.IsElsewhere).ThenByDescending(e => e.Figures.HighestScore)
                .Take(AlarmGroup.MaxListed).Select(e => new Listed(e.Episode.Key, e.Figures, e.Episode.StandingOut)),
        ];

        public string Text()
        {
            string reasons = string.Join(", ", Reasons.Select(r => $"{FeatureNames.All[r.Feature]} {r.Deviation.ToString("+0.0;-0.0", CultureInfo.InvariantCulture)}"));
            string score = float.IsNaN(Figures.HighestScore) ? "" : $", score {Figures.HighestScore.ToString("0.00", CultureInfo.InvariantCulture)}";
            return $"{Key.Sensor} {Key.Metric}: {AnomalyKinds.Name(Figures.Kind)}{score}, since {Time(Key.StartUs):yyyy-MM-dd HH:mm:ss}Z{(reasons.Length > 0 ? $" ({reasons})" : "")}";
        }

        public void Write(Utf8JsonWriter json)
        {
            json.WriteStartObject();
            json.WriteString("sensor_id", Key.Sensor);
            json.WriteString("metric", Key.Metric);
            json.WriteString("kind", AnomalyKinds.Name(Figures.Kind));
            if (float.IsFinite(Figures.HighestScore)) json.WriteNumber("highest_score", Figures.HighestScore);
            else json.WriteNull("highest_score");
            json.WriteString("episode_start", Time(Key.StartUs));
            json.WriteString("last_alarm", Time(Figures.LastUs));
            json.WriteNumber("windows", Figures.Windows);
            json.WriteBoolean("open", !Figures.IsOver && !Figures.IsElsewhere);
            json.WriteStartArray("reasons");
            foreach (Reason reason in Reasons)
            {
                json.WriteStartObject();
                json.WriteString("feature", FeatureNames.All[reason.Feature]);
                json.WriteNumber("deviation", MathF.Round(Math.Clamp(reason.Deviation, -1e6f, 1e6f), 1));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }
    }
}
