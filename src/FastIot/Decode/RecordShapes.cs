using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FastIot.Series;

namespace FastIot.Decode;

/// <summary>
/// The short way of a record. From one record of a sensor to the next nothing changes, as a rule, but time and value: what lies before, between
/// and behind is remembered as the series' shape, and a record that has the same bytes there needs no parsing. Only records that
/// <see cref="ReadingDecoder"/> has taken, as one reading that is the whole record, become shapes; whatever differs goes its way.
/// </summary>
/// <remarks>
/// <code>
///  {"sensor_id":" s1 ","timestamp":" 2026-11-01T00:00:00.123456Z ","metric":"temperature","value": 25.31 ,"meta":{…}}
///  ├── prefix ──┤    ├──── gap1 ───┤                             ├────────── gap2 ─────────────┤       ├── tail ──┤
/// </code>
/// Why this is sound: id, time and value stand for themselves only (no quote, escape or control character can be in what is let through), so
/// that with equal bytes around them the decoder walks the same way, and finds the same members, the last of those that are doubled included.
/// </remarks>
internal sealed unsafe class RecordShapes : IDisposable
{
    private const int MostTextBytes = 4 << 20;
    private const int MostShapeBytes = 1024;
    private const int MostNumberBytes = 24;

    /// <summary>Series of one sensor beside the expected one that a record is compared with.</summary>
    private const int MostOthers = 15;

    /// <summary>Vectors are read from the begin of the id, and up to the end of the value.</summary>
    private const int LeastBytes = 2 * 32;

    /// <summary>Changes of shape that are learnt without as many records that kept theirs; then shapes are left alone for a while.</summary>
    private const int Patience = 2048;
    private const int Pause = 1 << 17;

    /// <summary>Records that must keep their shape for one change to have been worth its while.</summary>
    private const int WorthChange = 4;

    private const long MinuteUs = 60_000_000;

    private readonly SeriesTable _series;
    private readonly TimestampUnit _unit;
    private readonly NativeArray<int> _shapeOfSlot = new(Limits.InitialSeries);

    /// <summary>Series of one sensor, in a ring of those that have had a shape; a series alone is its own next. Slot + 1; 0 = not yet.</summary>
    private readonly NativeArray<int> _nextOfSlot = new(Limits.InitialSeries);

    /// <summary>Of a sensor's first series: the one whose record is expected next.</summary>
    private readonly NativeArray<int> _expected = new(Limits.InitialSeries);
    private readonly NativeArray<Shape> _shapes = new(64);
    private readonly byte[] _scratch = new byte[MostShapeBytes + sizeof(int)];
    private NativeArray<byte> _prefix = new(0);
    private NameTable _texts = new(64);
    private int _idLength;
    private Vector128<byte> _minute;
    private long _minuteUs;
    private long _changes;
    private long _readings;
    private int _leftAlone;

    /// <summary>What does not change. Number 0 is none.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Shape
    {
        /// <summary>Where its bytes begin in the table of texts.</summary>
        public int Text;
        public short Gap1;
        public short TimeLength;
        public short Gap2;
        public short Tail;
        public bool TimeIsNumber;
    }

    public RecordShapes(SeriesTable series, TimestampUnit unit) => (_series, _unit) = (series, unit);

    public long Bytes => _shapeOfSlot.Bytes + _nextOfSlot.Bytes + _expected.Bytes + _shapes.Bytes + _texts.Bytes;

    /// <summary>Reads a record of a known shape.</summary>
    /// <returns>False when it has none: then it says nothing about the record.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryRead(byte* record, int length, out int slot, out long timeUs, out double value)
    {
        slot = -1;
        timeUs = 0;
        value = 0;
        int prefix = _prefix.Length;
        if (_leftAlone > 0 || length < prefix + LeastBytes || prefix == 0 || !Same(record, _prefix.Pointer, prefix)) return false;
        byte* id = record + prefix;

        // The length is nearly always the last one's: foretold, nothing below waits for it.
        int idLength = _idLength;
        if (QuoteAt(id) != idLength && !TryIdLength(id, out idLength)) return false;
        int first = _series.FirstOf(id, idLength);
        if ((uint)first >= (uint)_shapeOfSlot.Length) return false;
        slot = _expected.Pointer[first] - 1;
        if (slot < 0) return false;
        byte* behindId = id + idLength, end = record + length;
        if (TryShape(slot, behindId, end, out timeUs, out value))
        {
            int next = _nextOfSlot.Pointer[slot];
            if (next != slot + 1) _expected.Pointer[first] = next;
            return true;
        }

        return _nextOfSlot.Pointer[slot] != slot + 1 && TryOthers(first, ref slot, behindId, end, out timeUs, out value);
    }

    /// <summary>Fetches what the sensor of a record that comes a little later will be looked up by.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(byte* record, int length)
    {
        int prefix = _prefix.Length;
        if (prefix > 0 && length >= prefix + LeastBytes) _series.Prefetch(record + prefix, _idLength);
    }

    /// <summary>The slot that the record will go to, as far as can be told without reading it; −1 where it cannot.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Foretell(byte* record, int length)
    {
        int prefix = _prefix.Length;
        if (prefix == 0 || length < prefix + LeastBytes) return -1;
        int first = _series.FirstOf(record + prefix, _idLength);
        return (uint)first < (uint)_expected.Length ? _expected.Pointer[first] - 1 : -1;
    }

    /// <summary>Whether a record that went the long way is to be shown to <see cref="Learn"/>.</summary>
    public bool WantsToLearn
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _leftAlone == 0 || --_leftAlone == 0;
    }

    /// <summary>Takes the shape of a record that is one reading and nothing else.</summary>
    /// <param name="time">Where the event time was found, without quotes.</param>
    /// <param name="value">Where the value was found.</param>
    /// <param name="readings">How many there have been so far.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Learn(byte* record, int length, in Reading reading, int slot, in JsonToken time, in JsonToken value, long readings)
    {
        byte* id = reading.SensorId, end = record + length;
        int prefix = (int)(id - record);

        // An id with escapes lies elsewhere.
        if (id <= record || id >= end || time.Start <= id || value.Start <= time.Start || value.Start >= end || time.Escaped) return;
        if (prefix != _prefix.Length || !Same(record, _prefix.Pointer, prefix))
        {
            if (_prefix.Length > 0) Changed(1, readings);
            Begin(record, prefix);
        }

        byte* afterId = id + reading.SensorIdLength, afterTime = time.Start + time.Length, afterValue = value.Start + value.Length;
        var shape = new Shape
        {
            Gap1 = (short)(time.Start - afterId),
            TimeLength = (short)time.Length,
            Gap2 = (short)(value.Start - afterTime),
            Tail = (short)(end - afterValue),
            TimeIsNumber = time.Kind == JsonKind.Number,
        };
        long bytes = (time.Start - afterId) + (value.Start - afterTime) + (end - afterValue);
        if (bytes > MostShapeBytes || time.Length > byte.MaxValue) return;
        Grow();
        if (_shapeOfSlot[slot] != 0) Changed(1, readings);
        if (_texts.NameBytes.Length > MostTextBytes)
        {
            Begin(record, prefix);
            Changed(Patience / 2, readings);
        }

        _shapeOfSlot[slot] = NumberOf(ref shape, afterId, afterTime, afterValue);
        Join(_series.FirstOf(id, reading.SensorIdLength), slot);
    }

    public void Dispose()
    {
        _shapeOfSlot.Dispose();
        _nextOfSlot.Dispose();
        _expected.Dispose();
        _shapes.Dispose();
        _prefix.Dispose();
        _texts.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryShape(int slot, byte* behindId, byte* end, out long timeUs, out double value)
    {
        timeUs = 0;
        value = 0;
        Shape* shape = _shapes.Pointer + _shapeOfSlot.Pointer[slot];
        int gap1 = shape->Gap1, gap2 = shape->Gap2, tail = shape->Tail, timeLength = shape->TimeLength;
        int valueLength = (int)(end - behindId) - gap1 - timeLength - gap2 - tail;
        if ((uint)(valueLength - 1) >= MostNumberBytes) return false;
        byte* text = _texts.TextAt(shape->Text), time = behindId + gap1, digits = time + timeLength + gap2;
        return Same(behindId, text, gap1) && Same(time + timeLength, text + gap1, gap2) && Same(digits + valueLength, text + gap1 + gap2, tail)
            && Time(time, timeLength, shape->TimeIsNumber, out timeUs) && Number(digits, valueLength, out value);
    }

    /// <summary>The sensor's other series, in the order in which they had their first shapes.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryOthers(int first, ref int slot, byte* behindId, byte* end, out long timeUs, out double value)
    {
        int tried = slot;
        for (int i = 0; i < MostOthers && (slot = _nextOfSlot[slot] - 1) != tried; i++)
        {
            if (!TryShape(slot, behindId, end, out timeUs, out value)) continue;
            _expected[first] = _nextOfSlot[slot];
            return true;
        }

        timeUs = 0;
        value = 0;
        return false;
    }

    private void Grow()
    {
        _shapeOfSlot.Grow(_series.Capacity);
        _nextOfSlot.Grow(_series.Capacity);
        _expected.Grow(_series.Capacity);
    }

    /// <summary>The series joins the ring of its sensor's.</summary>
    private void Join(int first, int slot)
    {
        if (_nextOfSlot[slot] != 0) return;
        int entry = _expected[first] - 1;
        _nextOfSlot[slot] = entry < 0 ? slot + 1 : _nextOfSlot[entry];
        if (entry >= 0) _nextOfSlot[entry] = slot + 1;
        _expected[first] = _nextOfSlot[slot];
    }

    /// <summary>Where nothing stays as it is, remembering costs more than it saves.</summary>
    private void Changed(int changes, long readings)
    {
        _changes = Math.Max(0, _changes - (readings - _readings) / WorthChange) + changes;
        _readings = readings;
        if (_changes <= Patience) return;
        _changes = 0;
        _leftAlone = Pause;
    }

    /// <summary>Everything anew: another producer's records begin differently, or there are too many shapes.</summary>
    private void Begin(byte* record, int prefix)
    {
        _prefix.Dispose();
        _prefix = new NativeArray<byte>(prefix);
        new ReadOnlySpan<byte>(record, prefix).CopyTo(_prefix.Span);
        _texts.Dispose();
        _texts = new NameTable(64);
        _shapeOfSlot.Span.Clear();
        _nextOfSlot.Span.Clear();
        _expected.Span.Clear();
    }

    private int NumberOf(ref Shape shape, byte* gap1, byte* gap2, byte* tail)
    {
        // The lengths, which tell shapes of the same bytes apart, stand behind these.
        int length = 0;
        foreach ((nint from, int count) in (ReadOnlySpan<(nint, int)>)[((nint)gap1, shape.Gap1), ((nint)gap2, shape.Gap2), ((nint)tail, shape.Tail)])
        {
            new ReadOnlySpan<byte>((byte*)from, count).CopyTo(_scratch.AsSpan(length));
            length += count;
        }

        int lengths = shape.Gap1 << 20 | shape.Gap2 << 9 | shape.TimeLength << 1 | (shape.TimeIsNumber ? 1 : 0);
        MemoryMarshal.Write(_scratch.AsSpan(length), lengths);
        fixed (byte* text = _scratch)
        {
            NameTable.Entry* entry = _texts.Find(text, length + sizeof(int));
            if (entry == null) entry = _texts.Add(text, length + sizeof(int));
            int number = entry->Number + 1;
            if (number >= _shapes.Length) _shapes.Grow(2 * _shapes.Length);
            shape.Text = _texts.Offsets[entry->Number];
            _shapes[number] = shape;
            return number;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int QuoteAt(byte* id)
    {
        if (Vector256.IsHardwareAccelerated)
            return BitOperations.TrailingZeroCount(Vector256.Equals(Vector256.Load(id), Vector256.Create((byte)'"')).ExtractMostSignificantBits());
        return -1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryIdLength(byte* id, out int length)
    {
        length = new ReadOnlySpan<byte>(id, LeastBytes).IndexOf((byte)'"');
        if (length <= 0) return false;
        _idLength = length;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Time(byte* text, int length, bool isNumber, out long us)
    {
        us = 0;
        if (length == 27 && !isNumber && Vector128.Load(text) == _minute && text[16] == ':' && text[19] == '.' && text[26] == 'Z')
        {
            // Seconds and fraction without the point: eight digits.
            ulong digits = Unsafe.ReadUnaligned<ulong>(text + 18) & ~0xFFFFUL | Unsafe.ReadUnaligned<ushort>(text + 17);
            if (((digits + 0x4646464646464646 | digits - 0x3030303030303030) & 0x8080808080808080) != 0) return false;
            ulong within = EightDigits(digits);
            us = _minuteUs + (long)within;
            return within < MinuteUs;
        }

        return OtherTime(text, length, isNumber, out us);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool OtherTime(byte* text, int length, bool isNumber, out long us)
    {
        us = 0;
        if (isNumber)
        {
            var cursor = new JsonCursor { At = text, End = text + length };
            return cursor.Number() && cursor.At == text + length && TimestampText.TryNumber(new ReadOnlySpan<byte>(text, length), _unit, out us);
        }

        if (!TimestampText.TryIso(new ReadOnlySpan<byte>(text, length), out us)) return false;
        if (length != 27 || text[26] != 'Z' || !BitConverter.IsLittleEndian) return true;
        long minute = us / MinuteUs * MinuteUs;
        if (minute < Limits.MinTimeUs || minute + MinuteUs > Limits.MaxTimeUs) return true;
        _minute = Vector128.Load(text);
        _minuteUs = minute;
        return true;
    }

    /// <summary>Eight ASCII digits, the first in the lowest byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong EightDigits(ulong digits)
    {
        digits -= 0x3030303030303030;
        digits = digits * 10 + (digits >> 8);
        return ((digits & 0x000000FF000000FF) * 0x000F424000000064 + (digits >> 16 & 0x000000FF000000FF) * 0x0000271000000001) >> 32;
    }

    /// <summary>A number by JSON's grammar and nothing else.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Number(byte* text, int length, out double value) =>
        ShortNumber.TryRead(text, length, out value) || OtherNumber(text, length, out value);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool OtherNumber(byte* text, int length, out double value)
    {
        value = 0;
        var cursor = new JsonCursor { At = text, End = text + length };
        if (!cursor.Number() || cursor.At != text + length) return false;
        value = JsonText.Number(text, length);
        return double.IsFinite(value);
    }

    /// <summary>Reads exactly these bytes of both.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Same(byte* a, byte* b, int length)
    {
        if (length >= 32 && Vector256.IsHardwareAccelerated)
        {
            Vector256<byte> differences = Vector256.Load(a + length - 32) ^ Vector256.Load(b + length - 32);
            for (int i = 0; i < length - 32; i += 32) differences |= Vector256.Load(a + i) ^ Vector256.Load(b + i);
            return differences == Vector256<byte>.Zero;
        }

        if (length >= 16) return length <= 32 ? (Vector128.Load(a) ^ Vector128.Load(b) | Vector128.Load(a + length - 16) ^ Vector128.Load(b + length - 16)) == Vector128<byte>.Zero : SameLong(a, b, length);
        if (length >= 8) return (Word(a) ^ Word(b) | Word(a + length - 8) ^ Word(b + length - 8)) == 0;
        for (int i = 0; i < length; i++)
        {
            if (a[i] != b[i]) return false;
        }

        return true;
    }

    private static bool SameLong(byte* a, byte* b, int length) => new ReadOnlySpan<byte>(a, length).SequenceEqual(new ReadOnlySpan<byte>(b, length));

    private static ulong Word(byte* at) => Unsafe.ReadUnaligned<ulong>(at);
}
