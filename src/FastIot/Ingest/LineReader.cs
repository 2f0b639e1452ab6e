using System.IO.Compression;

namespace FastIot.Ingest;

/// <summary>
/// Lines of a file (gzip where its name ends in .gz), where they lie in the reader's buffer: valid until the next <see cref="Fill"/>. A line
/// too long for a record is cut behind the limit, so that it is refused as too large.
/// </summary>
internal sealed unsafe class LineReader : IDisposable
{
    private const int FirstBytes = 1 << 20;

    private readonly string _path;
    private readonly Stream _stream;
    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(FirstBytes, pinned: true);
    private int _start;
    private int _end;
    private bool _ended;
    private bool _skipping;

    /// <exception cref="IngestException">The file cannot be opened.</exception>
    public LineReader(string path)
    {
        _path = path;
        try
        {
            Stream file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, FileOptions.SequentialScan);
            _stream = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionMode.Decompress) : file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IngestException($"{path} cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>Number of the last line taken, from 1.</summary>
    public long Line { get; private set; }

    /// <summary>Reads on; what was taken is gone, what was not is kept.</summary>
    /// <returns>False once everything has been taken.</returns>
    public bool Fill()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
        if (_end == _buffer.Length) Grow();
        try
        {
            while (!_ended && _end < _buffer.Length)
            {
                int read = _stream.Read(_buffer, _end, _buffer.Length - _end);
                if (read == 0) _ended = true;
                _end += read;
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw new IngestException($"{_path} cannot be read behind line {Line}: {e.Message}", e);
        }

        return _end > 0;
    }

    /// <summary>Takes the next whole line that is in the buffer, without its end.</summary>
    public bool TryTake(out byte* line, out int length)
    {
        fixed (byte* buffer = _buffer)
        {
            while (true)
            {
                line = buffer + _start;
                int newline = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
                bool cut = false;
                if (newline < 0)
                {
                    cut = _end - _start > Limits.MaxRecordBytes;
                    if (!cut && (!_ended || _start == _end))
                    {
                        length = 0;
                        return false;
                    }
                }

                length = newline >= 0 ? newline : cut ? Limits.MaxRecordBytes + 1 : _end - _start;
                _start += newline >= 0 ? newline + 1 : _end - _start;
                bool rest = _skipping;
                _skipping = newline < 0 && cut;
                if (rest) continue;
                Line++;
                if (length > 0 && line[length - 1] == '\r') length--;
                return true;
            }
        }
    }

    public void Dispose() => _stream.Dispose();

    /// <summary>A line longer than the buffer; beyond the record limit it is no longer kept.</summary>
    private void Grow()
    {
        byte[] larger = GC.AllocateUninitializedArray<byte>(Math.Min(_buffer.Length * 2, Limits.MaxRecordBytes + FirstBytes), pinned: true);
        _buffer.CopyTo(larger, 0);
        _buffer = larger;
    }
}
