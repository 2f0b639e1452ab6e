using System.Globalization;

namespace FastIot.Configuration;

/// <summary>Values from their text; each failure says what was expected.</summary>
internal static class SettingText
{
    public static int Int(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most
            ? value
            : throw new FormatException($"\"{text}\" is not a whole number from {least} to {most}");

    public static long Long(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw new FormatException($"\"{text}\" is not a whole number");

    public static double Number(string text, double least, double most) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= least && value <= most
            ? value
            : throw new FormatException($"\"{text}\" is not a number from {least.ToString(CultureInfo.InvariantCulture)} to {most.ToString(CultureInfo.InvariantCulture)}");

    public static string OneOf(string text, params ReadOnlySpan<string> choices)
    {
        foreach (string choice in choices)
        {
            if (string.Equals(text, choice, StringComparison.OrdinalIgnoreCase)) return choice;
        }

        throw new FormatException($"\"{text}\" is none of {string.Join(", ", choices!)}{Nearest.Hint(text, choices.ToArray())}");
    }

    public static bool Bool(string text) => OneOf(text, "true", "false") == "true";

    public static string[] Words(string text) => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Rising numbers above zero.</summary>
    public static int[] Sizes(string text)
    {
        int[] sizes = [.. Words(text).Select(word => Int(word, 1, 1 << 20))];
        return sizes.Zip(sizes.Skip(1)).All(p => p.First < p.Second) ? sizes : throw new FormatException($"\"{text}\" does not rise");
    }

    /// <summary>A version of the model in force, or NAME:VERSION of any; "none" is version 0.</summary>
    public static (string Name, int Version) Shadow(string text)
    {
        if (string.Equals(text, "none", StringComparison.OrdinalIgnoreCase)) return ("", 0);
        int colon = text.LastIndexOf(':');
        bool isVersion = int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int version) && version > 0;
        return isVersion && colon != 0
            ? (colon < 0 ? "" : text[..colon], version)
            : throw new FormatException($"\"{text}\" is neither a version, such as 4, nor NAME:VERSION, nor none");
    }

    public static string NotEmpty(string text) => text.Length > 0 ? text : throw new FormatException("a value is needed");

    /// <summary>Kafka's own rule: 1 to 249 letters, digits, dots, underscores and dashes.</summary>
    public static string Topic(string text)
    {
        bool legal = text.Length is > 0 and <= 249 && text is not ("." or "..");
        foreach (char c in text) legal &= char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';
        return legal ? text : throw new FormatException($"\"{text}\" is not a topic name: 1 to 249 letters, digits, dots, underscores and dashes");
    }

    /// <summary>One or more host:port, separated by commas.</summary>
    public static string Brokers(string text)
    {
        foreach (string broker in NotEmpty(text).Split(',', StringSplitOptions.TrimEntries))
        {
            int colon = broker.LastIndexOf(':');
            if (colon <= 0 || !ushort.TryParse(broker.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0)
            {
                throw new FormatException($"\"{broker}\" is not host:port");
            }
        }

        return text;
    }

    /// <summary>ip:port or localhost:port; the empty text where "off" is written.</summary>
    public static string Listen(string text)
    {
        if (string.Equals(text, "off", StringComparison.OrdinalIgnoreCase)) return "";
        string numeric = text.StartsWith("localhost:", StringComparison.OrdinalIgnoreCase) ? "127.0.0.1" + text["localhost".Length..] : text;
        return numeric.Contains(':') && System.Net.IPEndPoint.TryParse(numeric, out _)
            ? numeric
            : throw new FormatException($"\"{text}\" is not an address to listen at, such as 127.0.0.1:9464, 0.0.0.0:9464 or [::]:9464; \"off\" for none");
    }

    /// <summary>Whom to call; credentials have settings of their own, which are not shown.</summary>
    public static Uri CallUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" && url.Host.Length > 0
            ? url.UserInfo.Length == 0 && url.Fragment.Length == 0 ? url : throw new FormatException("a URL without user and password is expected: alarms.token, or alarms.user and alarms.password, say who calls")
            : throw new FormatException($"{(text.Contains('@') ? "what is given" : $"\"{text}\"")} is not a URL such as http://localhost:9093");

    /// <summary>name=value, separated by commas; names as Prometheus has them.</summary>
    public static KeyValuePair<string, string>[] Labels(string text)
    {
        string[] reserved = ["alertname", .. Alarms.AlarmLabels.Names];
        KeyValuePair<string, string>[] labels = [.. Words(text).Select(word =>
        {
            int equals = word.IndexOf('=');
            string name = equals > 0 ? word[..equals].Trim() : "";
            bool legal = name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') && equals < word.Length - 1;
            if (!legal) throw new FormatException($"\"{word}\" is not name=value, the name of letters, digits and underscores");
            return reserved.Contains(name) ? throw new FormatException($"the label {name} is an alarm's own") : new KeyValuePair<string, string>(name, word[(equals + 1)..].Trim());
        })];
        return labels.DistinctBy(l => l.Key).Count() == labels.Length ? labels : throw new FormatException($"\"{text}\" names a label twice");
    }
}
