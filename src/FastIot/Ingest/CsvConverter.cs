using System.Buffers.Text;
using System.Text;
using FastIot.Decode;
using FastIot.Emit;

namespace FastIot.Ingest;

/// <summary>Turns the rows of one CSV file (RFC 4180) into records of the wire format: an array with one reading per value column.</summary>
internal sealed class CsvConverter
{
    private readonly CsvColumns _columns;
    private readonly byte _separator;
    private readonly int _width;
    private readonly byte[] _sensor;
    private readonly byte[][] _metrics;
    private readonly byte[] _sensorName, _timeName, _metricName, _valueName;
    private readonly List<byte[]> _fields = [];
    private readonly JsonBytes _json = new(4096);

    public CsvConverter(string path, ReadOnlySpan<byte> header, CsvOptions options, DecodeOptions names)
    {
        if (header.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) header = header[3..];
        _separator = (byte)options.SeparatorOf(Encoding.UTF8.GetString(header));
        Split(header);
        string[] columns = [.. _fields.Select(Encoding.UTF8.GetString)];
        _width = columns.Length;
        _columns = options.Resolve(path, columns);
        string file = Path.GetFileName(path);
        _sensor = Encoding.UTF8.GetBytes(file[..Math.Max(1, file.IndexOf('.') is > 0 and int dot ? dot : file.Length)]);
        bool single = _columns.Values.Length == 1 && columns[_columns.Values[0]].Equals("value", StringComparison.OrdinalIgnoreCase);
        _metrics = [.. _columns.Values.Select(v => single ? [] : Encoding.UTF8.GetBytes(columns[v]))];
        _sensorName = Member(names.SensorIdName);
        _timeName = Member(names.TimestampName);
        _metricName = Member(names.MetricName);
        _valueName = Member(names.ValueName);
    }

    /// <summary>Cells without a number, which make no reading.</summary>
    public long EmptyCells { get; private set; }

    /// <returns>The record; empty where no cell has a number; the row itself where its cells are too few or too many, so that it is refused.</returns>
    public ReadOnlySpan<byte> Convert(ReadOnlySpan<byte> row)
    {
        Split(row);
        if (_fields.Count != _width) return row;
        _json.Clear();
        int readings = 0;
        for (int i = 0; i < _columns.Values.Length; i++)
        {
            byte[] cell = _fields[_columns.Values[i]];
            if (cell.Length == 0 || cell.AsSpan().SequenceEqual("NaN"u8) || cell.AsSpan().SequenceEqual("nan"u8))
            {
                EmptyCells++;
                continue;
            }

            _json.Raw(readings++ == 0 ? "["u8 : ","u8);
            Reading(cell, _metrics[i]);
        }

        if (readings == 0) return default;
        _json.Raw("]"u8);
        return _json.Written;
    }

    private static byte[] Member(string name) => Encoding.UTF8.GetBytes($"\"{name}\":");

    private void Reading(byte[] cell, byte[] column)
    {
        _json.Raw("{"u8);
        _json.Raw(_sensorName);
        _json.String(_columns.Sensor < 0 ? _sensor : _fields[_columns.Sensor]);
        _json.Raw(","u8);
        _json.Raw(_timeName);
        byte[] time = _fields[_columns.Time];
        if (IsNumber(time)) _json.Raw(time);
        else _json.String(time);
        byte[] metric = _columns.Metric < 0 ? column : _fields[_columns.Metric];
        if (metric.Length > 0)
        {
            _json.Raw(","u8);
            _json.Raw(_metricName);
            _json.String(metric);
        }

        _json.Raw(","u8);
        _json.Raw(_valueName);
        // As JSON has it, or as any program writes numbers; what is no number goes on as a string and is refused with its reason.
        if (IsNumber(cell)) _json.Raw(cell);
        else if (Utf8Parser.TryParse(cell, out double value, out int used) && used == cell.Length && double.IsFinite(value)) _json.Number(value);
        else _json.String(cell);
        if (_columns.Label >= 0) Label(_fields[_columns.Label]);
        _json.Raw("}"u8);
    }

    private void Label(byte[] cell)
    {
        ReadOnlySpan<byte> text = cell;
        bool isNormal = text.Length == 0 || text.IndexOfAnyExcept("0."u8) < 0 || Ascii.EqualsIgnoreCase(text, "false"u8) || Ascii.EqualsIgnoreCase(text, "none"u8);
        _json.Raw(isNormal ? ",\"meta\":{\"is_anomaly\":false}"u8 : ",\"meta\":{\"is_anomaly\":true,\"anomaly_type\":"u8);
        if (isNormal) return;
        _json.String(cell);
        _json.Raw("}"u8);
    }

    /// <summary>A plain JSON number without an exponent.</summary>
    private static bool IsNumber(ReadOnlySpan<byte> text)
    {
        if (text.Length > 0 && text[0] == '-') text = text[1..];
        if (text.Length == 0 || text[0] == '.' || text[^1] == '.' || text.Length > 1 && text[0] == '0' && text[1] != '.') return false;
        return text.IndexOfAnyExcept("0123456789."u8) < 0 && text.Count((byte)'.') <= 1;
    }

    private void Split(ReadOnlySpan<byte> row)
    {
        _fields.Clear();
        while (true)
        {
            ReadOnlySpan<byte> trimmed = row.TrimStart((byte)' ');
            if (trimmed.Length > 0 && trimmed[0] == '"')
            {
                row = Quoted(trimmed[1..]);
            }
            else
            {
                int end = row.IndexOf(_separator);
                _fields.Add((end < 0 ? row : row[..end]).Trim((byte)' ').ToArray());
                row = end < 0 ? default : row[end..];
            }

            if (row.IsEmpty) return;
            row = row[1..];
            if (!row.IsEmpty) continue;
            _fields.Add([]);
            return;
        }
    }

    /// <returns>What follows the closing quote.</returns>
    private ReadOnlySpan<byte> Quoted(ReadOnlySpan<byte> row)
    {
        var field = new List<byte>();
        int i = 0;
        for (; i < row.Length; i++)
        {
            if (row[i] != '"') field.Add(row[i]);
            else if (i + 1 < row.Length && row[i + 1] == '"') field.Add(row[i++]);
            else break;
        }

        _fields.Add([.. field]);
        ReadOnlySpan<byte> rest = i < row.Length ? row[(i + 1)..] : default;
        int separator = rest.IndexOf(_separator);
        return separator < 0 ? default : rest[separator..];
    }
}
