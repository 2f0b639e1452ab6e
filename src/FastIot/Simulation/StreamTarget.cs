using System.IO.Compression;

namespace FastIot.Simulation;

/// <summary>Readings as newline-delimited JSON into a file (gzip where its name ends in .gz) or any stream.</summary>
public sealed class StreamTarget : IReadingTarget
{
    private const int BufferBytes = 1 << 18;

    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private int _length;

    /// <param name="stream">Disposed with this.</param>
    public StreamTarget(Stream stream) => _stream = stream;

    public static StreamTarget File(string path)
    {
        Stream file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        return new StreamTarget(path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionLevel.Fastest) : file);
    }

    public bool TryWrite(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long timestampMs)
    {
        if (_buffer.Length - _length <= value.Length) Empty();
        value.CopyTo(_buffer.AsSpan(_length));
        _length += value.Length;
        _buffer[_length++] = (byte)'\n';
        return true;
    }

    public void Poll()
    {
    }

    public void Wait()
    {
    }

    public void Flush(TimeSpan timeout)
    {
        Empty();
        _stream.Flush();
    }

    public void Dispose()
    {
        Empty();
        _stream.Dispose();
    }

    private void Empty()
    {
        _stream.Write(_buffer, 0, _length);
        _length = 0;
    }
}
