using System.Runtime.CompilerServices;
using System.Text;

namespace FastIot.Decode;

/// <summary>
/// Finds the readings in a record: one object, an array of objects, or objects one per line. Each counts by itself. Never allocates, never
/// throws, never reads beyond the record.
/// </summary>
/// <remarks>
/// A record that breaks costs as little as can be: in an array, what lies before the break counts and the rest is one rejection; in lines,
/// the broken line is one, and the next newline before a <c>{</c> begins anew.
/// </remarks>
internal sealed unsafe class ReadingDecoder : IDisposable
{
    private const int MaxNameBytes = 255;
    private const int Members = 4;

    private readonly TimestampUnit _unit;
    private readonly NativeArray<byte> _scratch = new(Limits.MaxSensorIdBytes + Limits.MaxMetricBytes + 2 * (MaxNameBytes + 1));
    private readonly NativeArray<byte> _names;
    private readonly int[] _nameEnds = new int[Members];
    private readonly NativeArray<byte> _guess;
    private readonly int[] _guessEnds = new int[Members];
    private readonly byte* _metricScratch;
    private readonly byte* _nameScratch;

    private byte* _record;
    private byte* _end;
    private byte* _at;
    private byte* _currentStart;
    private int _currentLength;
    private State _state;
    private JsonToken _time;
    private JsonToken _value;

    public ReadingDecoder(DecodeOptions options)
    {
        _unit = options.TimestampUnit;
        _metricScratch = _scratch.Pointer + Limits.MaxSensorIdBytes;
        _nameScratch = _metricScratch + Limits.MaxMetricBytes;
        byte[][] names = [.. new[] { options.SensorIdName, options.TimestampName, options.MetricName, options.ValueName }.Select(Encoding.UTF8.GetBytes)];
        _names = Concatenate(names, _nameEnds);
        string[] names16 = [options.SensorIdName, options.TimestampName, options.MetricName, options.ValueName];
        _guess = Concatenate([.. names16.Select((name, i) => Encoding.UTF8.GetBytes((i == 0 ? "{" : ",") + $"\"{name}\":" + (i == 3 ? "" : "\"")))], _guessEnds);
    }

    private enum State : byte
    {
        Begin,
        FirstElement,
        Element,
        Line,
        Broken,
        Ended,
    }

    private enum Member
    {
        SensorId,
        Timestamp,
        Metric,
        Value,
        Unknown,
    }

    /// <summary>Which of the record's readings the last one was, from 0.</summary>
    public int Index { get; private set; }

    /// <summary>Bytes of the last reading as they came: its object, or the part of the record that is broken.</summary>
    public ReadOnlySpan<byte> Current => new(_currentStart, _currentLength);

    /// <summary>Where the last reading's event time and value stand in the record.</summary>
    public ref readonly JsonToken Time => ref _time;

    /// <inheritdoc cref="Time"/>
    public ref readonly JsonToken Value => ref _value;

    /// <summary>The record is one object and nothing else: the last reading.</summary>
    public bool IsWhole => Index == 0 && _state == State.Line && _currentStart == _record && _currentLength == _end - _record;

    /// <summary>Begins a record. Its memory must stay until the next one.</summary>
    public void Open(byte* record, int length)
    {
        _record = _at = record;
        _end = record + length;
        _state = State.Begin;
        Index = -1;
    }

    /// <summary>Finds the next reading.</summary>
    /// <param name="rejection">Why it cannot be used; <see cref="Rejection.None"/> if it can.</param>
    /// <returns>False at the record's end.</returns>
    public bool Next(out Reading reading, out Rejection rejection)
    {
        Index++;
        switch (_state)
        {
            case State.Begin:
                return First(out reading, out rejection);
            case State.FirstElement or State.Element:
                return NextElement(out reading, out rejection);
            case State.Line:
                return NextLine(out reading, out rejection);
            case State.Broken:
                return EndWith(Rejection.MalformedJson, _at, out reading, out rejection);
            default:
                reading = default;
                rejection = Rejection.None;
                return false;
        }
    }

    public void Dispose()
    {
        _scratch.Dispose();
        _names.Dispose();
        _guess.Dispose();
    }

    private static NativeArray<byte> Concatenate(byte[][] texts, int[] ends)
    {
        var all = new NativeArray<byte>(texts.Sum(t => t.Length));
        int at = 0;
        for (int i = 0; i < texts.Length; i++)
        {
            texts[i].CopyTo(all.Span[at..]);
            ends[i] = at += texts[i].Length;
        }

        return all;
    }

    private bool First(out Reading reading, out Rejection rejection)
    {
        SkipWhite();
        if (_at == _end) return EndWith(Rejection.Empty, _record, out reading, out rejection);
        if (*_at == '[')
        {
            _at++;
            _state = State.FirstElement;
            return NextElement(out reading, out rejection);
        }

        _state = State.Line;
        return NextLine(out reading, out rejection);
    }

    private bool NextElement(out Reading reading, out Rejection rejection)
    {
        SkipWhite();
        if (_state == State.FirstElement && _at < _end && *_at == ']')
        {
            _at++;
            SkipWhite();
            return EndWith(_at == _end ? Rejection.Empty : Rejection.MalformedJson, _record, out reading, out rejection);
        }

        _state = State.Element;
        byte* start = _at;
        var cursor = new JsonCursor { At = _at, End = _end };
        if (!Element(ref cursor, depth: 1, out reading, out rejection)) return EndWith(cursor.Failure, start, out reading, out rejection);
        _currentStart = start;
        _currentLength = (int)(cursor.At - start);
        cursor.SkipWhite();
        if (cursor.At == _end || *cursor.At is not ((byte)',' or (byte)']')) return EndWith(Rejection.MalformedJson, start, out reading, out rejection);
        _at = cursor.At + 1;
        if (*cursor.At == ']') EndArray();
        return true;
    }

    /// <summary>Behind an array there is nothing, or a new line; what else there is, is broken.</summary>
    private void EndArray()
    {
        byte* closed = _at;
        SkipWhite();
        if (_at == _end) _state = State.Ended;
        else _state = new ReadOnlySpan<byte>(closed, (int)(_at - closed)).Contains((byte)'\n') ? State.Line : State.Broken;
    }

    private bool NextLine(out Reading reading, out Rejection rejection)
    {
        SkipWhite();
        if (_at == _end)
        {
            _state = State.Ended;
            reading = default;
            rejection = Rejection.None;
            return false;
        }

        byte* start = _at;
        var cursor = new JsonCursor { At = _at, End = _end };
        if (!Element(ref cursor, depth: 0, out reading, out rejection)) return Resync(cursor.Failure, start, out reading, out rejection);
        _currentStart = start;
        _currentLength = (int)(cursor.At - start);
        bool isNull = *start == 'n';
        while (cursor.At < _end && *cursor.At is (byte)' ' or (byte)'\t' or (byte)'\r') cursor.At++;
        if (cursor.At < _end && *cursor.At != '\n') return Resync(Rejection.MalformedJson, start, out reading, out rejection);
        _at = cursor.At;
        if (isNull && Index == 0)
        {
            SkipWhite();
            if (_at == _end) rejection = Rejection.Empty;
        }

        return true;
    }

    /// <summary>Gives up the line, and goes on behind the first newline that an object follows.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Resync(Rejection why, byte* start, out Reading reading, out Rejection rejection)
    {
        reading = default;
        rejection = why;
        _currentStart = start;
        for (byte* p = start; p < _end; p++)
        {
            if (*p != '\n') continue;
            byte* next = p + 1;
            while (next < _end && JsonCursor.IsWhite(*next)) next++;
            if (next == _end || *next != '{')
            {
                p = next - 1;
                continue;
            }

            _currentLength = (int)(p - start);
            _at = next;
            return true;
        }

        return EndWith(why, start, out reading, out rejection);
    }

    /// <summary>The last thing the record has to say; its bytes are what is left of it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool EndWith(Rejection why, byte* start, out Reading reading, out Rejection rejection)
    {
        _state = State.Ended;
        // Broken off behind a comma or bracket nothing is left: then the record as a whole is what cannot be used.
        _currentStart = start == _end ? _record : start;
        _currentLength = (int)(_end - _currentStart);
        reading = default;
        rejection = why;
        return true;
    }

    private void SkipWhite()
    {
        while (_at < _end && JsonCursor.IsWhite(*_at)) _at++;
    }

    /// <returns>False where the bytes are not JSON, or nested too deep; the cursor says which.</returns>
    private bool Element(ref JsonCursor cursor, int depth, out Reading reading, out Rejection rejection)
    {
        reading = default;
        rejection = Rejection.NotAnObject;
        if (cursor.At == cursor.End) return cursor.Fail();
        if (*cursor.At != '{')
        {
            if (!cursor.Value(depth, out _)) return false;
            if (cursor.InvalidUtf8) rejection = Rejection.InvalidUtf8;
            return true;
        }

        JsonToken* members = stackalloc JsonToken[Members + 1];
        for (int i = 0; i < Members; i++) members[i].Kind = JsonKind.Missing;
        if (!Object(ref cursor, depth + 1, members)) return false;
        rejection = cursor.InvalidUtf8 ? Rejection.InvalidUtf8 : Compose(members, out reading);
        return true;
    }

    private bool Object(ref JsonCursor cursor, int depth, JsonToken* members)
    {
        if (!TakeUsualMembers(ref cursor, members))
        {
            cursor.Take((byte)'{');
            cursor.SkipWhite();
            if (cursor.At < cursor.End && *cursor.At == '}')
            {
                cursor.At++;
                return true;
            }

            if (!TakeMember(ref cursor, depth, members)) return false;
        }

        while (true)
        {
            cursor.SkipWhite();
            if (cursor.At == cursor.End) return cursor.Fail();
            byte next = *cursor.At++;
            if (next == '}') return true;
            if (next != ',') return cursor.Fail();
            cursor.SkipWhite();
            if (!TakeMember(ref cursor, depth, members)) return false;
        }
    }

    /// <summary>
    /// The four members in the order and spelling that nearly all producers use: four comparisons instead of a walk. Takes as many as match;
    /// the walk goes on from there, so that a wrong guess changes nothing but the time.
    /// </summary>
    /// <returns>Whether any matched.</returns>
    private bool TakeUsualMembers(ref JsonCursor cursor, JsonToken* members)
    {
        byte* guess = _guess.Pointer;
        for (int i = 0; i < Members; i++)
        {
            JsonCursor behind = cursor;
            int begin = i == 0 ? 0 : _guessEnds[i - 1];
            if (!behind.TryTake(guess + begin, _guessEnds[i] - begin)) return i > 0;
            if (i < (int)Member.Value) behind.At--;
            if (!behind.Value(0, out JsonToken token) || token.Kind == JsonKind.Other) return i > 0;
            members[i] = token;
            cursor = behind;
        }

        return true;
    }

    private bool TakeMember(ref JsonCursor cursor, int depth, JsonToken* members)
    {
        if (!cursor.String(out JsonToken name)) return false;
        cursor.SkipWhite();
        if (!cursor.Take((byte)':')) return false;
        cursor.SkipWhite();
        return cursor.Value(depth, out members[(int)MemberOf(in name)]);
    }

    private Member MemberOf(in JsonToken name)
    {
        ReadOnlySpan<byte> text = name.Span;
        if (name.Escaped)
        {
            int length = JsonText.Unescape(in name, _nameScratch, MaxNameBytes);
            if (length < 0) return Member.Unknown;
            text = new ReadOnlySpan<byte>(_nameScratch, length);
        }

        for (int i = 0, begin = 0; i < Members; begin = _nameEnds[i++])
        {
            if (text.SequenceEqual(new ReadOnlySpan<byte>(_names.Pointer + begin, _nameEnds[i] - begin))) return (Member)i;
        }

        return Member.Unknown;
    }

    private Rejection Compose(JsonToken* members, out Reading reading)
    {
        reading = default;
        ref JsonToken sensor = ref members[(int)Member.SensorId];
        if (sensor.Kind is JsonKind.Missing or JsonKind.Null) return Rejection.MissingSensorId;
        if (!Text(ref sensor, _scratch.Pointer, Limits.MaxSensorIdBytes) || sensor.Length == 0) return Rejection.InvalidSensorId;
        reading.SensorId = sensor.Start;
        reading.SensorIdLength = sensor.Length;

        ref JsonToken metric = ref members[(int)Member.Metric];
        if (metric.Kind is not (JsonKind.Missing or JsonKind.Null))
        {
            if (!Text(ref metric, _metricScratch, Limits.MaxMetricBytes)) return Rejection.InvalidMetric;
            if (metric.Length > 0) reading.Metric = metric.Start;
            reading.MetricLength = metric.Length;
        }

        ref JsonToken time = ref members[(int)Member.Timestamp];
        if (time.Kind is JsonKind.Missing or JsonKind.Null) return Rejection.MissingTimestamp;
        _time = time;
        if (!TryTime(ref time, out reading.TimeUs)) return Rejection.InvalidTimestamp;

        ref JsonToken value = ref members[(int)Member.Value];
        if (value.Kind is JsonKind.Missing or JsonKind.Null) return Rejection.MissingValue;
        if (value.Kind != JsonKind.Number) return Rejection.InvalidValue;
        _value = value;
        reading.Value = JsonText.Number(value.Start, value.Length);
        return double.IsFinite(reading.Value) ? Rejection.None : Rejection.InvalidValue;
    }

    private static bool Text(ref JsonToken token, byte* scratch, int room)
    {
        if (token.Kind != JsonKind.String) return false;
        if (!token.Escaped) return token.Length <= room;
        token.Length = JsonText.Unescape(in token, scratch, room);
        token.Start = scratch;
        return token.Length >= 0;
    }

    private bool TryTime(ref JsonToken token, out long us)
    {
        us = 0;
        if (token.Kind == JsonKind.Number) return TimestampText.TryNumber(token.Span, _unit, out us);
        return Text(ref token, _nameScratch, token.Escaped ? MaxNameBytes : int.MaxValue) && TimestampText.TryIso(token.Span, out us);
    }
}
