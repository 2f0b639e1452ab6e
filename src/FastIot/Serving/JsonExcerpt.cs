using System.Text;

namespace FastIot.Serving;

/// <summary>Values as they are shown in messages: as they came, at most a few hundred bytes.</summary>
internal static class JsonExcerpt
{
    private const int MostBytes = 256;

    public static string Of(JsonTape tape, int node)
    {
        JsonNode n = tape[node];
        int from = n.Kind is JsonKind.String or JsonKind.EscapedString ? n.Offset - 1 : n.Offset;
        int end = n.Kind switch
        {
            JsonKind.String or JsonKind.EscapedString => n.Offset + n.Count + 1,
            JsonKind.Array or JsonKind.Object => EndOf(tape, node),
            _ => ScalarEnd(tape.Text, n.Offset),
        };
        string text = Encoding.UTF8.GetString(tape.Text[from..Math.Min(end, from + MostBytes)]);
        return end - from > MostBytes ? text + "…" : text;
    }

    /// <summary>The whole text of an array or object.</summary>
    public static ReadOnlySpan<byte> Whole(JsonTape tape, int node) => tape.Text[tape[node].Offset..EndOf(tape, node)];

    /// <summary>Behind the last descendant only white space and closing brackets can stand.</summary>
    private static int EndOf(JsonTape tape, int node)
    {
        JsonNode n = tape[node];
        int at = n.Offset + 1;
        if (n.End > node + 1)
        {
            int last = LastChild(tape, node);
            at = tape[last].Kind switch
            {
                JsonKind.Array or JsonKind.Object => EndOf(tape, last),
                JsonKind.String or JsonKind.EscapedString => tape[last].Offset + tape[last].Count + 1,
                _ => ScalarEnd(tape.Text, tape[last].Offset),
            };
        }

        byte close = n.Kind == JsonKind.Array ? (byte)']' : (byte)'}';
        return at + tape.Text[at..].IndexOf(close) + 1;
    }

    private static int LastChild(JsonTape tape, int node)
    {
        int last = node + 1;
        for (int at = node + 1; at < tape[node].End; at = tape.Next(at)) last = at;
        return last;
    }

    private static int ScalarEnd(ReadOnlySpan<byte> text, int at)
    {
        int length = text[at..].IndexOfAny(",]} \t\r\n"u8);
        return length < 0 ? text.Length : at + length;
    }
}
