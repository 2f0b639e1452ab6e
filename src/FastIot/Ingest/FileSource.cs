using FastIot.Decode;

namespace FastIot.Ingest;

/// <summary>Which recordings to read, and how.</summary>
public sealed record FileSourceOptions
{
    /// <summary>Read one after the other. Names that end in .csv, .csv.gz, .tsv or .tsv.gz are CSV, all others newline-delimited JSON.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    public CsvOptions Csv { get; init; } = new();

    public DecodeOptions Decode { get; init; } = new();
}

/// <summary>
/// Recordings as one partition of a topic: each line a record, its offset the number of lines before it. Records have no Kafka timestamp, so
/// that nothing is refused for being ahead of it.
/// </summary>
public sealed unsafe class FileSource : IRecordSource
{
    private readonly FileSourceOptions _options;
    private readonly NativeArray<byte> _key = new(1);
    private readonly NativeArray<byte> _converted = new(1 << 20);
    private IAssignmentListener? _listener;
    private LineReader? _reader;
    private CsvConverter? _csv;
    private int _file = -1;
    private long _offset;
    private bool _assigned;
    private bool _paused;

    /// <exception cref="IngestException">A file is missing.</exception>
    public FileSource(FileSourceOptions options)
    {
        _options = options;
        foreach (string file in options.Files)
        {
            if (!File.Exists(file)) throw new IngestException($"{file} does not exist");
        }
    }

    public bool Completed { get; private set; }

    /// <summary>Cells of CSV files that held no number.</summary>
    public long EmptyCells { get; private set; }

    public void Start(IAssignmentListener listener) => _listener = listener;

    public int Poll(Span<Record> records, int timeoutMs)
    {
        if (!_assigned) Assign();
        int count = 0;
        if (_paused)
        {
            // Nothing else will wake the worker: it asks again whether its files have gone.
            Thread.Sleep(Math.Min(timeoutMs, 10));
            return 0;
        }

        while (count == 0 && !Completed)
        {
            if (_reader == null && !NextFile()) break;
            bool more = _reader!.Fill();
            count = Take(records);
            if (!more && count == 0) EndFile();
        }

        return count;
    }

    public void Pause(int partition) => _paused = true;

    public void Resume(int partition) => _paused = false;

    public long HighOffset(int partition) => Completed ? _offset : -1;

    public CommitResult Commit(ReadOnlySpan<PartitionCommit> commits) => CommitResult.Committed;

    public void Close() => _listener!.OnRevoked([0], lost: false);

    public void Dispose()
    {
        _reader?.Dispose();
        _key.Dispose();
        _converted.Dispose();
    }

    private void Assign()
    {
        _assigned = true;
        PartitionAssignment[] assignment = [new PartitionAssignment { Partition = 0, CommittedOffset = -1, HighOffset = -1 }];
        _listener!.OnAssigned(assignment);
    }

    private bool NextFile()
    {
        if (++_file == _options.Files.Count)
        {
            Completed = true;
            return false;
        }

        _reader = new LineReader(_options.Files[_file]);
        return true;
    }

    private void EndFile()
    {
        EmptyCells += _csv?.EmptyCells ?? 0;
        _reader!.Dispose();
        _reader = null;
        _csv = null;
    }

    private static bool IsCsv(string file)
    {
        string name = file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? file[..^3] : file;
        return name.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".tsv", StringComparison.OrdinalIgnoreCase);
    }

    private int Take(Span<Record> records)
    {
        int count = 0, converted = 0;
        bool isCsv = IsCsv(_options.Files[_file]);
        while (count < records.Length && (!isCsv || converted < _converted.Length / 2) && _reader!.TryTake(out byte* line, out int length))
        {
            if (length == 0) continue;
            byte* value = line;
            if (isCsv)
            {
                if (_csv == null)
                {
                    _csv = new CsvConverter(_options.Files[_file], new ReadOnlySpan<byte>(line, length), _options.Csv, _options.Decode);
                    continue;
                }

                ReadOnlySpan<byte> record = _csv.Convert(new ReadOnlySpan<byte>(line, length));
                if (record.Length > _converted.Length - converted) throw new IngestException($"{_options.Files[_file]}, line {_reader.Line}: the row is longer than {_converted.Length / 2} bytes");
                value = _converted.Pointer + converted;
                record.CopyTo(new Span<byte>(value, record.Length));
                length = record.Length;
                converted += length;
                if (length == 0) continue;
            }

            records[count++] = new Record { Key = _key.Pointer, KeyLength = 0, Value = value, ValueLength = length, Offset = _offset++, TimestampMs = -1, Partition = 0 };
        }

        return count;
    }
}
