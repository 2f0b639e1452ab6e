using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace FastIot.Serving;

/// <summary>
/// Bearer tokens. Only their SHA-256 is kept, and all are compared in constant time: neither length nor content of a right one can be
/// measured. A file of tokens is read again when it changes. Each token has its own budget of requests.
/// </summary>
internal sealed partial class TokenGuard : IDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(2);

    private readonly string? _path;
    private readonly string _fixed;
    private readonly double _perSecond;
    private readonly ILogger _log;
    private readonly Timer? _timer;
    private volatile Entry[] _tokens;
    private DateTime _written;

    /// <param name="path">File of tokens, one per line, # begins a comment; null where there is none.</param>
    /// <param name="tokens">Others, separated by white space or commas. Without file and others everybody is let in.</param>
    /// <param name="perSecond">Requests of one token in a second; 0 = without limit.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public TokenGuard(string? path, string tokens, double perSecond, ILogger log, TimeSpan? look = null)
    {
        (_path, _fixed, _perSecond, _log) = (path, tokens, perSecond, log);
        _tokens = Read(path == null ? tokens : File.ReadAllText(path) + "\n" + tokens, []);
        if (path == null) return;
        _written = File.GetLastWriteTimeUtc(path);
        _timer = new Timer(_ => Reload(), null, look ?? s_look, look ?? s_look);
    }

    /// <summary>Whether a token is needed.</summary>
    public bool IsOn => _path != null || _tokens.Length > 0;

    /// <param name="authorization">The header, "Bearer …".</param>
    /// <exception cref="ServingException">No token, a wrong one, or one that has made too many requests.</exception>
    public void Check(string? authorization)
    {
        if (!IsOn) return;
        const string scheme = "Bearer ";
        if (authorization == null || !authorization.StartsWith(scheme, StringComparison.OrdinalIgnoreCase))
            throw new ServingException(ServingStatus.Unauthenticated, "A token is needed: Authorization: Bearer <token>");
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(authorization[scheme.Length..].Trim()), hash);
        Entry? found = null;
        foreach (Entry entry in _tokens)
        {
            // No early end: the time must not tell which one it was.
            if (CryptographicOperations.FixedTimeEquals(entry.Hash, hash)) found = entry;
        }

        if (found == null) throw new ServingException(ServingStatus.Unauthenticated, "The token is not valid");
        if (!found.TryTake(_perSecond)) throw new ServingException(ServingStatus.ResourceExhausted, "Too many requests with this token");
    }

    public void Dispose() => _timer?.Dispose();

    private void Reload()
    {
        try
        {
            DateTime written = File.GetLastWriteTimeUtc(_path!);
            if (written == _written) return;
            _written = written;
            Entry[] old = _tokens;
            _tokens = Read(File.ReadAllText(_path!) + "\n" + _fixed, old);
            Reloaded(_log, _tokens.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            NotReloaded(_log, e.Message);
        }
    }

    /// <param name="old">A token that stays keeps its budget.</param>
    private static Entry[] Read(string text, Entry[] old)
    {
        string bare = string.Join('\n', text.Split('\n').Select(line => line.Split('#')[0]));
        string[] tokens = bare.Split([' ', '\t', '\r', '\n', ','], StringSplitOptions.RemoveEmptyEntries);
        return [.. tokens.Distinct().Select(t => SHA256.HashData(Encoding.UTF8.GetBytes(t))).Select(hash => Array.Find(old, e => e.Hash.AsSpan().SequenceEqual(hash)) ?? new Entry(hash))];
    }

    /// <summary>A token's hash and its bucket of requests, a second's worth deep.</summary>
    private sealed class Entry(byte[] hash)
    {
        private readonly Lock _lock = new();
        private double _left = double.NaN;
        private long _at;

        public byte[] Hash => hash;

        public bool TryTake(double perSecond)
        {
            if (perSecond <= 0) return true;
            double depth = Math.Max(1, perSecond);
            lock (_lock)
            {
                long now = Stopwatch.GetTimestamp();
                _left = double.IsNaN(_left) ? depth : Math.Min(depth, _left + perSecond * Stopwatch.GetElapsedTime(_at, now).TotalSeconds);
                _at = now;
                if (_left < 1) return false;
                _left--;
                return true;
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{count} tokens are valid from now on")]
    private static partial void Reloaded(ILogger log, int count);

    [LoggerMessage(Level = LogLevel.Error, Message = "the tokens stay as they were: {why}")]
    private static partial void NotReloaded(ILogger log, string why);
}
