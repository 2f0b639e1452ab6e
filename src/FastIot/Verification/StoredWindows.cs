using System.Globalization;
using System.Text.RegularExpressions;
using FastIot.Emit;

namespace FastIot.Verification;

/// <summary>A feature file by its name.</summary>
internal sealed record StoredFile(string Name, int Partition, long FirstUs, long LastUs, string ConfigHash);

/// <summary>
/// The stored rows of one partition, window by window: files are fetched when their first window is asked for, and dropped behind their last.
/// </summary>
internal sealed partial class StoredWindows(IObjectStore store, IEnumerable<StoredFile> files)
{
    private readonly Queue<StoredFile> _ahead = new(files.OrderBy(f => f.FirstUs).ThenBy(f => f.Name, StringComparer.Ordinal));
    private readonly List<(StoredFile File, ILookup<long, StoredRow> Rows)> _open = [];

    /// <summary>All feature files of the store, whatever their configuration. Names that are none of ours are left alone.</summary>
    public static async Task<List<StoredFile>> ListAsync(IObjectStore store, CancellationToken cancellation)
    {
        var files = new List<StoredFile>();
        foreach (string name in await store.ListAsync("features/", cancellation).ConfigureAwait(false))
        {
            Match match = Name().Match(name);
            if (!match.Success) continue;
            files.Add(new StoredFile(name, int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), Time(match.Groups[2].Value), Time(match.Groups[3].Value), match.Groups[4].Value));
        }

        return files;
    }

    /// <summary>The rows of one window end, with the file each is in. Ask in ascending order.</summary>
    public List<(StoredRow Row, string File)> Of(long endUs, Action<string, string> unreadable)
    {
        _open.RemoveAll(f => f.File.LastUs < endUs);
        while (_ahead.TryPeek(out StoredFile? next) && next.FirstUs <= endUs)
        {
            _ahead.Dequeue();
            if (next.LastUs < endUs) continue;
            if (Fetch(next, unreadable) is { } rows) _open.Add((next, rows.ToLookup(r => r.WindowEndUs)));
        }

        return [.. _open.SelectMany(f => f.Rows[endUs].Select(row => (row, f.File.Name)))];
    }

    private List<StoredRow>? Fetch(StoredFile file, Action<string, string> unreadable)
    {
        byte[]? content = store.GetAsync(file.Name, CancellationToken.None).GetAwaiter().GetResult();
        try
        {
            // Gone since it was listed: its rows will be found missing.
            return content == null ? null : FeatureFileReader.Read(content);
        }
        catch (InvalidDataException e)
        {
            unreadable(file.Name, e.Message);
            return null;
        }
    }

    private static long Time(string text)
    {
        var time = DateTime.ParseExact(text, ["yyyyMMdd'T'HHmmss'Z'", "yyyyMMdd'T'HHmmss'.'ffffff'Z'"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
        return (time - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
    }

    [GeneratedRegex(@"^features/date=[0-9-]{10}/hour=[0-9]{2}/p([0-9]{5,})-([0-9T.]+Z)-([0-9T.]+Z)-([0-9a-f]+)\.parquet\z")]
    private static partial Regex Name();
}
