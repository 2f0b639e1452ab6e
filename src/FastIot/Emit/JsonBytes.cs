using System.Buffers.Text;
using System.Globalization;
using System.Text.Encodings.Web;

namespace FastIot.Emit;

/// <summary>Appends JSON to a byte array that grows to the largest record and is kept: nothing is allocated once warm.</summary>
internal sealed class JsonBytes(int capacity)
{
    /// <summary>Longest text of a double (shortest that reads back alike) or of a 64-bit number.</summary>
    private const int MaxNumber = 32;

    private byte[] _bytes = new byte[capacity];
    private int _length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Clear() => _length = 0;

    /// <summary>Bytes as they are: syntax and member names.</summary>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        _length += bytes.Length;
    }

    /// <summary>A string, escaped where JSON asks for it. <paramref name="utf8"/> must be valid.</summary>
    public void String(ReadOnlySpan<byte> utf8)
    {
        Raw("\""u8);
        Span<byte> room = Room(utf8.Length * 6);
        JavaScriptEncoder.UnsafeRelaxedJsonEscaping.EncodeUtf8(utf8, room, out _, out int written);
        _length += written;
        Raw("\""u8);
    }

    public void Number(long value)
    {
        Utf8Formatter.TryFormat(value, Room(MaxNumber), out int written);
        _length += written;
    }

    /// <summary>Shortest text that reads back to the same bits; null where JSON has no number for it (NaN, infinities).</summary>
    public void Number(double value)
    {
        if (!double.IsFinite(value))
        {
            Raw("null"u8);
            return;
        }

        value.TryFormat(Room(MaxNumber), out int written, "R", CultureInfo.InvariantCulture);
        _length += written;
    }

    public void Number(float value)
    {
        if (!float.IsFinite(value))
        {
            Raw("null"u8);
            return;
        }

        value.TryFormat(Room(MaxNumber), out int written, "R", CultureInfo.InvariantCulture);
        _length += written;
    }

    /// <summary>ISO 8601 in quotes: 2026-11-01T00:01:00.000000Z.</summary>
    public void Time(long us)
    {
        DateTime time = DateTime.UnixEpoch.AddTicks(us * TimeSpan.TicksPerMicrosecond);
        time.TryFormat(Room(MaxNumber), out int written, "'\"'yyyy-MM-dd'T'HH:mm:ss.ffffff'Z\"'", CultureInfo.InvariantCulture);
        _length += written;
    }

    private Span<byte> Room(int bytes)
    {
        if (_bytes.Length - _length < bytes) Array.Resize(ref _bytes, Math.Max(_length + bytes, _bytes.Length * 2));
        return _bytes.AsSpan(_length);
    }
}
