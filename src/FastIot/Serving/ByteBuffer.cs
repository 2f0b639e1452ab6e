using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace FastIot.Serving;

/// <summary>Bytes of an answer, appended one after the other; kept from request to request.</summary>
internal sealed class ByteBuffer : IBufferWriter<byte>
{
    /// <summary>A larger one is given back after its request.</summary>
    private const int KeptBytes = 1 << 20;

    private byte[] _bytes = new byte[4096];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, Length);

    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > KeptBytes) _bytes = new byte[4096];
    }

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Room(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => Room(Math.Max(sizeHint, 1));

    /// <summary>Bytes as they are.</summary>
    public ByteBuffer Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        Length += bytes.Length;
        return this;
    }

    /// <summary>A JSON string; what is no UTF-8 is replaced.</summary>
    public ByteBuffer String(ReadOnlySpan<byte> utf8)
    {
        Raw("\""u8);
        Span<byte> room = Room(utf8.Length * 6);
        JavaScriptEncoder.UnsafeRelaxedJsonEscaping.EncodeUtf8(utf8, room, out _, out int written);
        Length += written;
        return Raw("\""u8);
    }

    public ByteBuffer String(string text) => String(Encoding.UTF8.GetBytes(text));

    /// <summary>Text as it is, without quotes.</summary>
    public ByteBuffer Text(string text)
    {
        Length += Encoding.UTF8.GetBytes(text, Room(Encoding.UTF8.GetMaxByteCount(text.Length)));
        return this;
    }

    public ByteBuffer Number<T>(T value, ReadOnlySpan<char> format = default)
        where T : IUtf8SpanFormattable
    {
        value.TryFormat(Room(64), out int written, format, CultureInfo.InvariantCulture);
        Length += written;
        return this;
    }

    private Span<byte> Room(int bytes)
    {
        if (_bytes.Length - Length < bytes) Array.Resize(ref _bytes, Math.Max(checked(Length + bytes), (int)Math.Min(_bytes.Length * 2L, Array.MaxLength)));
        return _bytes.AsSpan(Length);
    }
}
