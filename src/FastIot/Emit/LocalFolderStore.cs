using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace FastIot.Emit;

/// <summary>Objects as files below a folder. A put writes beside and renames: nobody sees half a file. What a crash leaves of one is removed by a later start.</summary>
public sealed partial class LocalFolderStore(string folder) : IObjectStore
{
    private const string Unfinished = ".part";
    private const int ReadOnly = 0;
    private const int InvalidArgument = 22;

    /// <summary>Older ones are of writers that were killed.</summary>
    private static readonly TimeSpan s_abandoned = TimeSpan.FromMinutes(10);

    private static int s_writes;

    private readonly string _folder = Path.GetFullPath(folder);

    public string Location => _folder;

    public Task PrepareAsync(CancellationToken cancellation)
    {
        string probe = Path.Combine(_folder, ".writable" + Unfinished);
        return Guard("", "prepare", () =>
        {
            Directory.CreateDirectory(_folder);
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
            DateTime abandoned = DateTime.UtcNow - s_abandoned;
            foreach (string file in Directory.EnumerateFiles(_folder, "*" + Unfinished, SearchOption.AllDirectories).Where(f => File.GetLastWriteTimeUtc(f) < abandoned)) File.Delete(file);
            return true;
        });
    }

    public Task PutAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation) => Guard(name, "write", () =>
    {
        WriteWhole(PathOf(name), content.Span, overwrite: true);
        return true;
    });

    public Task<StoredObject?> PutIfAbsentAsync(string name, ReadOnlyMemory<byte> content, string sha256, CancellationToken cancellation) => Guard(name, "write", () =>
    {
        string path = PathOf(name);
        if (File.Exists(path)) return Head(path);
        WriteWhole(path, content.Span, overwrite: false);
        return null;
    });

    public Task<StoredObject?> HeadAsync(string name, CancellationToken cancellation) => Guard(name, "read", () => Head(PathOf(name)));

    public async Task<byte[]?> GetAsync(string name, CancellationToken cancellation) =>
        File.Exists(PathOf(name)) ? await Guard(name, "read", () => File.ReadAllBytes(PathOf(name))) : null;

    public Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellation) => Guard<IReadOnlyList<string>>(prefix, "list", () =>
    {
        if (!Directory.Exists(_folder)) return [];
        string[] names = [.. Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(_folder, path).Replace(Path.DirectorySeparatorChar, '/'))
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && !name.EndsWith(Unfinished, StringComparison.Ordinal))];
        System.Array.Sort(names, StringComparer.Ordinal);
        return names;
    });

    public Task DeleteAsync(string name, CancellationToken cancellation) => Guard(name, "delete", () =>
    {
        if (File.Exists(PathOf(name))) File.Delete(PathOf(name));
        return true;
    });

    public void Dispose()
    {
    }

    private static StoredObject? Head(string path)
    {
        if (!File.Exists(path)) return null;
        using FileStream file = File.OpenRead(path);
        return new StoredObject(file.Length, Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    private static void WriteWhole(string path, ReadOnlySpan<byte> content, bool overwrite)
    {
        string folder = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(folder);

        // Its own name: a zombie may write the same file at the same time.
        string unfinished = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}-{Interlocked.Increment(ref s_writes)}{Unfinished}");
        try
        {
            using (var file = File.OpenHandle(unfinished, FileMode.Create, FileAccess.Write))
            {
                RandomAccess.Write(file, content, 0);
                RandomAccess.FlushToDisk(file);
            }

            File.Move(unfinished, path, overwrite);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }

        Sync(folder);
    }

    /// <summary>The new name is on the disk, too, before anybody commits what relies on it.</summary>
    private static void Sync(string folder)
    {
        int handle = Open(folder, ReadOnly);
        if (handle < 0) throw new IOException($"{folder} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}.");
        int failed = FSync(handle);
        string why = failed < 0 ? Marshal.GetLastPInvokeErrorMessage() : "";
        _ = Close(handle);

        // Some file systems keep no such promise and say so; then the name is as safe as theirs are.
        if (failed < 0 && Marshal.GetLastPInvokeError() != InvalidArgument) throw new IOException($"{folder} cannot be written through: {why}.");
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);

    private string PathOf(string name)
    {
        string path = Path.GetFullPath(Path.Combine(_folder, name));
        if (!path.StartsWith(_folder + Path.DirectorySeparatorChar, StringComparison.Ordinal)) throw new ArgumentException($"\"{name}\" lies outside {_folder}", nameof(name));
        return path;
    }

    private Task<T> Guard<T>(string name, string verb, Func<T> act)
    {
        try
        {
            return Task.FromResult(act());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ObjectStoreException($"cannot {verb} {Path.Combine(_folder, name)}: {e.Message} Check that the folder can be written and the disk is not full.", e);
        }
    }
}
