using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIot.Serving;

/// <summary>What a node of the tape is. Numbers are told apart as RapidJSON does: whole ones keep all their digits.</summary>
internal enum JsonKind : byte
{
    Null,
    False,
    True,
    /// <summary>Fits a signed 64-bit number.</summary>
    Integer,
    /// <summary>Whole, above the largest signed 64-bit number.</summary>
    Unsigned,
    Real,
    String,
    /// <summary>A string with escapes in it.</summary>
    EscapedString,
    Array,
    Object,
}

/// <summary>One value of the tape; the values within an array or object follow it.</summary>
/// <remarks>
/// <code>
///   0      1      4        8                 16
///   ├──────┼──────┼────────┼─────────────────┤
///   │ Kind │      │ Offset │ Real | Integer  │   Offset: first byte in the text (of a string: behind its quotation mark)
///   │      │      │        │ Count  | End    │   Count: elements, members, or bytes of a string; End: first node behind an array or object
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct JsonNode
{
    [FieldOffset(0)]
    public JsonKind Kind;

    [FieldOffset(4)]
    public int Offset;

    [FieldOffset(8)]
    public double Real;

    [FieldOffset(8)]
    public long Integer;

    [FieldOffset(8)]
    public int Count;

    [FieldOffset(12)]
    public int End;
}

/// <summary>
/// A JSON document as a flat tape of nodes, in one pass and without an object per value. Grammar, extensions (NaN, Infinity) and error texts
/// are those of RapidJSON as TensorFlow Serving uses it, but for nesting, which is bounded. Reused from request to request.
/// </summary>
internal sealed unsafe partial class JsonTape : IDisposable
{
    /// <summary>A larger tape is given back after its request.</summary>
    private const int KeptNodes = 1 << 20;

#if DEBUG
    private const int FirstNodes = 4;
#else
    private const int FirstNodes = 1024;
#endif

    private NativeArray<JsonNode> _nodes = new(FirstNodes);
    private byte* _text;
    private byte* _at;
    private byte* _end;
    private int _count;
    private int _depth;

    public ref readonly JsonNode this[int node]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _nodes.Pointer[node];
    }

    /// <summary>Nodes of the document.</summary>
    public int Count => _count;

    /// <summary>The document that was parsed; its owner keeps it where it is.</summary>
    public ReadOnlySpan<byte> Text => new(_text, (int)(_end - _text));

    /// <summary>Parses one value; what follows it is ignored.</summary>
    /// <param name="text">The document, with a zero byte behind it.</param>
    /// <exception cref="ServingException">Not JSON; the message says what is wrong and where.</exception>
    public void Parse(byte* text, int length)
    {
        _text = _at = text;
        _end = text + length;
        _count = _depth = 0;
        if (length == 0) throw Fault("The document is empty.", named: false);
        if (length >= 3 && text[0] == 0xEF && text[1] == 0xBB && text[2] == 0xBF) _at += 3;
        SkipSpace();
        if (_at >= _end) throw Fault("The document is empty.");
        ParseValue();
    }

    /// <summary>First node behind this value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Next(int node) => _nodes.Pointer[node].Kind >= JsonKind.Array ? _nodes.Pointer[node].End : node + 1;

    /// <summary>Text of a string, its escapes resolved.</summary>
    public ReadOnlySpan<byte> String(int node)
    {
        JsonNode n = this[node];
        var raw = new ReadOnlySpan<byte>(_text + n.Offset, n.Count);
        return n.Kind == JsonKind.String ? raw : Unescape(raw);
    }

    public bool IsString(int node) => this[node].Kind is JsonKind.String or JsonKind.EscapedString;

    /// <summary>First value of that name in an object; -1 where there is none.</summary>
    public int Member(int node, ReadOnlySpan<byte> name)
    {
        int at = node + 1;
        for (int i = 0; i < this[node].Count; i++)
        {
            if (String(at).SequenceEqual(name)) return at + 1;
            at = Next(at + 1);
        }

        return -1;
    }

    /// <summary>Gives back what a large request has made it grow to.</summary>
    public void Trim()
    {
        if (_nodes.Length <= KeptNodes) return;
        _nodes.Dispose();
        _nodes = new NativeArray<JsonNode>(FirstNodes);
    }

    public void Dispose() => _nodes.Dispose();

    private ServingException Fault(string what, bool named = true) =>
        ServingException.Invalid(named ? $"JSON Parse error: {what} at offset: {_at - _text}" : $"JSON Parse error: {what}");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref JsonNode Add(JsonKind kind, int offset)
    {
        // A reference, not an index: whoever indexed the tape before this call would write where it was before it grew.
        if (_count == _nodes.Length) _nodes.Grow(checked(_nodes.Length * 2));
        ref JsonNode node = ref _nodes.Pointer[_count++];
        node.Kind = kind;
        node.Offset = offset;
        return ref node;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SkipSpace()
    {
        // The zero behind the text ends it.
        while (*_at <= (byte)' ' && *_at is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t') _at++;
    }

    private void ParseValue()
    {
        switch (*_at)
        {
            case (byte)'{': ParseObject(); break;
            case (byte)'[': ParseArray(); break;
            case (byte)'"': ParseString(); break;
            case (byte)'n': ParseWord("null"u8, JsonKind.Null); break;
            case (byte)'t': ParseWord("true"u8, JsonKind.True); break;
            case (byte)'f': ParseWord("false"u8, JsonKind.False); break;
            default: ParseNumber(); break;
        }
    }

    private void ParseWord(ReadOnlySpan<byte> word, JsonKind kind)
    {
        byte* from = _at;
        foreach (byte letter in word)
        {
            if (*_at != letter) throw Fault("Invalid value.");
            _at++;
        }

        Add(kind, (int)(from - _text));
    }

    private void Enter()
    {
        if (++_depth > Limits.MaxNesting) throw Fault($"Nested deeper than {Limits.MaxNesting} levels.");
        _at++;
        SkipSpace();
    }

    private void ParseArray()
    {
        int node = _count;
        Add(JsonKind.Array, (int)(_at - _text));
        Enter();
        int count = 0;
        if (*_at != (byte)']')
        {
            while (true)
            {
                ParseValue();
                count++;
                SkipSpace();
                if (*_at == (byte)']') break;
                if (*_at != (byte)',') throw Fault("Missing a comma or ] after an array element.");
                _at++;
                SkipSpace();
            }
        }

        Leave(node, count);
    }

    private void ParseObject()
    {
        int node = _count;
        Add(JsonKind.Object, (int)(_at - _text));
        Enter();
        int count = 0;
        if (*_at != (byte)'}')
        {
            while (true)
            {
                if (*_at != (byte)'"') throw Fault("Missing a name for object member.");
                ParseString();
                SkipSpace();
                if (*_at != (byte)':') throw Fault("Missing a colon after a name of object member.");
                _at++;
                SkipSpace();
                ParseValue();
                count++;
                SkipSpace();
                if (*_at == (byte)'}') break;
                if (*_at != (byte)',') throw Fault("Missing a comma or } after an object member.");
                _at++;
                SkipSpace();
            }
        }

        Leave(node, count);
    }

    private void Leave(int node, int count)
    {
        _at++;
        _depth--;
        _nodes.Pointer[node].Count = count;
        _nodes.Pointer[node].End = _count;
    }
}
