using System.Text;
using System.Text.Json;
using FastIot.Serving;

namespace FastIot.Tests.Serving;

/// <summary>The tape against System.Text.Json, on documents made at random and on damaged ones.</summary>
public sealed class JsonTapeTests
{
    private static readonly int s_seed = TestSeed.Or(11);
    private static readonly byte[] s_damage = [.. "{}[]\",:0129.eE+-\\u \0ntfI"u8, 0xFF];
    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = Limits.MaxNesting };

    [Fact]
    public void Documents_are_read_as_the_framework_reads_them()
    {
        var random = new Random(s_seed);
        for (int i = 0; i < 20_000; i++)
        {
            string document = Value(random, 0);
            using JsonDocument expected = JsonDocument.Parse(document, s_options);
            string read = Parsed(Encoding.UTF8.GetBytes(document), tape => Text(tape, 0));
            Assert.True(Text(expected.RootElement) == read, $"seed {s_seed}: {document} became {read}");
        }
    }

    /// <summary>Far beyond the tape's first size, with a growth at every kind of value.</summary>
    [Theory]
    [InlineData("1")]
    [InlineData("-1.5")]
    [InlineData("18446744073709551615")]
    [InlineData("\"text\"")]
    [InlineData("\"\\u00e9\"")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("true")]
    [InlineData("1e-30")]
    public void A_long_document_keeps_every_value_while_the_tape_grows(string value)
    {
        string document = $"[{string.Join(',', Enumerable.Repeat(value, 70_000))}]";
        using JsonDocument expected = JsonDocument.Parse(document, s_options);
        Assert.True(Text(expected.RootElement) == Parsed(Encoding.UTF8.GetBytes(document), tape => Text(tape, 0)), value);
    }

    [Fact]
    public void Damaged_documents_are_refused_or_read_alike_and_never_crash()
    {
        var random = new Random(s_seed);
        for (int i = 0; i < 50_000; i++)
        {
            byte[] document = Encoding.UTF8.GetBytes(Value(random, 0));
            for (int k = random.Next(1, 4); k > 0 && document.Length > 0; k--)
            {
                int at = random.Next(document.Length);
                if (random.Next(3) == 0) document = [.. document[..at], .. document[(at + 1)..]];
                else document[at] = s_damage[random.Next(s_damage.Length)];
            }

            string? expected = Framework(document);
            string read = Parsed(document, tape => Text(tape, 0));
            // It stops behind the first value, knows NaN and Infinity, and takes bytes that are not UTF-8.
            bool ours = expected == null && !read.StartsWith("refused", StringComparison.Ordinal);
            Assert.True(ours || expected == read || expected == null, $"seed {s_seed}: {Encoding.Latin1.GetString(document)}: {read}, the framework says {expected}");
        }
    }

    [Theory]
    [InlineData("1.7976931348623157e308")]
    [InlineData("4.9e-324")]
    [InlineData("2.2250738585072011e-308")]
    [InlineData("9007199254740993.0")]
    [InlineData("123456789012345678901234567890")]
    [InlineData("0.000000000000000000000000000001234567890123456789")]
    [InlineData("1e22")]
    [InlineData("1e23")]
    [InlineData("8.41e21")]
    public void Numbers_have_the_bits_that_the_framework_gives_them(string number)
    {
        string read = Parsed(Encoding.UTF8.GetBytes(number), tape => BitConverter.DoubleToInt64Bits(tape[0].Kind == JsonKind.Real ? tape[0].Real : tape[0].Integer).ToString());
        Assert.Equal(BitConverter.DoubleToInt64Bits(double.Parse(number, System.Globalization.CultureInfo.InvariantCulture)).ToString(), read);
    }

    private static unsafe string Parsed(byte[] document, Func<JsonTape, string> read)
    {
        using var tape = new JsonTape();
        byte[] terminated = [.. document, 0];
        fixed (byte* text = terminated)
        {
            try
            {
                tape.Parse(text, document.Length);
                return read(tape);
            }
            catch (ServingException e)
            {
                return "refused: " + e.Message;
            }
        }
    }

    private static string? Framework(byte[] document)
    {
        try
        {
            using JsonDocument parsed = JsonDocument.Parse(document, s_options);
            return Text(parsed.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static string Text(JsonTape tape, int node) => tape[node].Kind switch
    {
        JsonKind.Array => $"[{string.Join(',', Children(tape, node).Select(n => Text(tape, n)))}]",
        JsonKind.Object => $"{{{string.Join(',', Children(tape, node).Select(n => Text(tape, n)))}}}",
        JsonKind.String or JsonKind.EscapedString => Convert.ToHexString(tape.String(node)),
        JsonKind.Integer => ((double)tape[node].Integer).ToString("R"),
        JsonKind.Unsigned => ((double)(ulong)tape[node].Integer).ToString("R"),
        JsonKind.Real => tape[node].Real.ToString("R"),
        JsonKind word => word.ToString(),
    };

    private static IEnumerable<int> Children(JsonTape tape, int node)
    {
        for (int at = node + 1; at < tape[node].End; at = tape.Next(at)) yield return at;
    }

    private static string Text(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Array => $"[{string.Join(',', json.EnumerateArray().Select(Text))}]",
        JsonValueKind.Object => $"{{{string.Join(',', json.EnumerateObject().SelectMany(p => (string[])[Convert.ToHexString(Encoding.UTF8.GetBytes(p.Name)), Text(p.Value)]))}}}",
        JsonValueKind.String => Convert.ToHexString(Encoding.UTF8.GetBytes(json.GetString()!)),
        JsonValueKind.Number => double.IsFinite(json.GetDouble()) ? json.GetDouble().ToString("R") : throw new FormatException(),
        JsonValueKind word => word.ToString(),
    };

    private static string Value(Random random, int depth)
    {
        int kind = random.Next(depth > 5 ? 5 : 8);
        string space = random.Next(8) == 0 ? " \n\t\r"[random.Next(4)].ToString() : "";
        return space + kind switch
        {
            0 => random.Next(-1000, 1000).ToString(),
            1 => (random.NextDouble() * Math.Pow(10, random.Next(-30, 30))).ToString("R", System.Globalization.CultureInfo.InvariantCulture),
            2 => String(random),
            3 => ((string[])["true", "false", "null"])[random.Next(3)],
            4 => random.NextInt64().ToString(),
            5 or 6 => $"[{space}{string.Join(',', Enumerable.Range(0, random.Next(5)).Select(_ => Value(random, depth + 1)))}]",
            _ => $"{{{space}{string.Join(',', Enumerable.Range(0, random.Next(5)).Select(_ => $"{String(random)}{space}:{Value(random, depth + 1)}"))}}}",
        } + space;
    }

    private static string String(Random random)
    {
        string[] pieces = ["a", "instances", "ü", "𝄞", "\\n", "\\u00e9", "\\ud834\\udd1e", "\\\"", "\\\\", " "];
        return $"\"{string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => pieces[random.Next(pieces.Length)]))}\"";
    }
}
