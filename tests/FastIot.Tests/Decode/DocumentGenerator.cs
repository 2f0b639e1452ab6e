using System.Globalization;
using System.Text;

namespace FastIot.Tests.Decode;

/// <summary>Makes documents from good readings to noise: orders, white space, escapes, nesting, duplicates, batches, truncation, stray bytes.</summary>
internal sealed class DocumentGenerator(Random random)
{
    private static readonly string[] s_strings = ["sensor_000042", "s", "", "temperature", "zone_42", "größe", "温度", "a\"b", "back\\slash", "tab\there", "😀", "\u0001", "0123456789012345678901234567890123456789"];
    private static readonly string[] s_numbers = ["0", "-0", "1", "25.31", "-12.5e-3", "1e400", "-1e400", "1E+5", "123456789012345678901234567890", "0.1234567890123456789", "1793491200", "1793491200123", "1793491200.123456", "9007199254740993", "4.9e-324", "2.2250738585072011e-308"];
    private static readonly string[] s_times = ["\"2026-11-01T00:00:00Z\"", "\"2026-11-01T00:00:00.123456Z\"", "\"2026-11-01 00:00:00\"", "\"2026-11-01T02:00:00.5+02:00\"", "\"2026-02-30T00:00:00Z\"", "\"2026-11-01T00:00:00.1234567890Z\"", "\"now\"", "1793491200", "1793491200.5", "1793491200123456789", "-5", "null", "true", "\"2026-11-01T00:00:0\\u0030Z\""];
    private static readonly string[] s_junk = ["tru", "nul", "NaN", "01", "1.", ".5", "-", "'a'", "//x", "{", "}", "[", "]", ",", ":", "\"", "\\", "\u0000", "+1", "1e", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud83d\\ude00\""];

    public byte[] Next()
    {
        string text = random.Next(10) switch
        {
            < 5 => Reading(),
            5 => Array(),
            6 => Lines(),
            7 => Value(0),
            _ => Reading(),
        };
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return random.Next(3) == 0 ? Damage(bytes) : bytes;
    }

    private string Array() => $"{White()}[{White()}{string.Join($"{White()},{White()}", Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(8) == 0 ? Value(1) : Reading()))}{White()}]{White()}";

    private string Lines() => string.Concat(Enumerable.Range(0, random.Next(1, 4)).Select(_ => OneLine(Reading()) + (random.Next(4) == 0 ? "\r\n" : "\n")));

    private static string OneLine(string text) => text.Replace('\n', ' ').Replace('\r', ' ');

    private string Reading()
    {
        if (random.Next(3) == 0) return Usual();
        var members = new List<string>
        {
            Member("sensor_id", random.Next(12) == 0 ? Value(2) : String(s_strings[random.Next(s_strings.Length)])),
            Member("timestamp", random.Next(20) == 0 ? Value(2) : s_times[random.Next(s_times.Length)]),
            Member("value", random.Next(20) == 0 ? Value(2) : s_numbers[random.Next(s_numbers.Length)]),
        };
        if (random.Next(3) > 0) members.Add(Member("metric", random.Next(12) == 0 ? Value(2) : String(s_strings[random.Next(s_strings.Length)])));
        if (random.Next(2) == 0) members.Add(Member("meta", Value(1)));
        if (random.Next(6) == 0) members.Add(members[random.Next(members.Count)]);
        if (random.Next(6) == 0) members.RemoveAt(random.Next(members.Count));
        if (random.Next(10) == 0) members.Add(Member("value", "7.25"));
        if (random.Next(3) > 0) random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(members));
        return $"{White()}{{{White()}{string.Join($"{White()},{White()}", members)}{White()}}}{White()}";
    }

    private string Usual() => string.Create(CultureInfo.InvariantCulture,
        $"{{\"sensor_id\":\"sensor_{random.Next(100000):D6}\",\"timestamp\":\"2026-11-{random.Next(1, 31):D2}T{random.Next(24):D2}:00:00.{random.Next(1000000):D6}Z\",\"metric\":\"temperature\",\"value\":{Math.Round(random.NextDouble() * 100, random.Next(6))},\"meta\":{{\"unit\":\"celsius\",\"is_anomaly\":false,\"anomaly_type\":null}}}}");

    private string Member(string name, string value)
    {
        string text = random.Next(10) == 0 ? string.Concat(name.Select(c => random.Next(2) == 0 ? $"\\u{(int)c:x4}" : c.ToString())) : name;
        return $"\"{text}\"{White()}:{White()}{value}";
    }

    private string Value(int depth) => random.Next(depth > 5 ? 5 : 8) switch
    {
        0 => "null",
        1 => "true",
        2 => s_numbers[random.Next(s_numbers.Length)],
        3 => String(s_strings[random.Next(s_strings.Length)]),
        4 => "false",
        5 => $"[{string.Join(",", Enumerable.Range(0, random.Next(4)).Select(_ => Value(depth + 1)))}]",
        6 => $"{{{string.Join(",", Enumerable.Range(0, random.Next(4)).Select(_ => Member(s_strings[random.Next(5)], Value(depth + 1))))}}}",
        _ => random.Next(20) == 0 ? Deep() : $"[{White()}{Value(depth + 1)}{White()}]",
    };

    private string Deep()
    {
        int depth = random.Next(50, 70);
        return new string('[', depth) + new string(']', depth);
    }

    private string String(string text)
    {
        var json = new StringBuilder("\"");
        foreach (char c in text)
        {
            if (c is '"' or '\\') json.Append('\\').Append(c);
            else if (c < ' ' || random.Next(30) == 0) json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
            else json.Append(c);
        }

        return json.Append('"').ToString();
    }

    private string White() => random.Next(8) switch { 0 => " ", 1 => "\t", 2 => random.Next(4) == 0 ? "\r\n" : " ", _ => "" };

    private byte[] Damage(byte[] bytes)
    {
        var list = new List<byte>(bytes);
        if (list.Count == 0) return bytes;
        int at = random.Next(list.Count);
        switch (random.Next(6))
        {
            case 0:
                list.RemoveRange(at, list.Count - at);
                break;
            case 1:
                list.RemoveAt(at);
                break;
            case 2:
                list[at] = (byte)random.Next(256);
                break;
            case 3:
                list.InsertRange(at, Encoding.UTF8.GetBytes(s_junk[random.Next(s_junk.Length)]));
                break;
            case 4:
                list.Insert(at, (byte)random.Next(128, 256));
                break;
            default:
                list.AddRange(Encoding.UTF8.GetBytes(s_junk[random.Next(s_junk.Length)]));
                break;
        }

        return [.. list];
    }
}
