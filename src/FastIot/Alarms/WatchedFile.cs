using Microsoft.Extensions.Logging;

namespace FastIot.Alarms;

/// <summary>What a small JSON file says, read again when it changes. A file that cannot be used later on leaves what was in force, and is said once.</summary>
internal sealed partial class WatchedFile<T>
    where T : class
{
    private readonly string _path;
    private readonly Func<byte[], T> _parse;
    private readonly ILogger _log;
    private (DateTime Written, long Length) _seen;

    /// <param name="path">Empty: there is none, and <paramref name="none"/> is in force.</param>
    /// <param name="parse">Throws <see cref="FormatException"/> or <see cref="System.Text.Json.JsonException"/>.</param>
    /// <exception cref="IOException">It cannot be read at the start.</exception>
    /// <exception cref="FormatException">Nor be understood.</exception>
    public WatchedFile(string path, Func<byte[], T> parse, T none, ILogger log)
    {
        (_path, _parse, _log, Value) = (path, parse, log, none);
        if (path.Length == 0) return;
        _seen = Look();
        try
        {
            Value = parse(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or FormatException)
        {
            throw new FormatException($"{path}: {e.Message}", e);
        }
    }

    public T Value { get; private set; }

    /// <summary>Takes up a change, if there is one.</summary>
    public void Refresh()
    {
        if (_path.Length == 0) return;
        try
        {
            (DateTime, long) now = Look();
            if (now == _seen) return;
            _seen = now;
            Value = _parse(File.ReadAllBytes(_path));
            Reloaded(_log, _path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Text.Json.JsonException or FormatException)
        {
            NotReloaded(_log, _path, e.Message);
        }
    }

    private (DateTime, long) Look()
    {
        var file = new FileInfo(_path);
        return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{path} has changed and is in force")]
    private static partial void Reloaded(ILogger log, string path);

    [LoggerMessage(Level = LogLevel.Error, Message = "{path} has changed and cannot be used, what it said before stays in force: {why}")]
    private static partial void NotReloaded(ILogger log, string path, string why);
}
