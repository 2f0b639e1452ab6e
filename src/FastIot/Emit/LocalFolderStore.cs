namespace FastIot.Emit;

/// <summary>Objects as files below a folder. A put writes beside and renames: nobody sees half a file, and a crash leaves none.</summary>
public sealed class LocalFolderStore(string folder) : IObjectStore
{
    private const string Unfinished = ".part";
    private const string HashSuffix = ".rows";

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
            return true;
        });
    }

    public Task PutAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation) => Guard(name, "write", () =>
    {
        WriteWhole(PathOf(name), content.Span, overwrite: true);
        return true;
    });

    public Task<StoredObject?> PutIfAbsentAsync(string name, ReadOnlyMemory<byte> content, string rowsHash, CancellationToken cancellation) => Guard(name, "write", () =>
    {
        string path = PathOf(name);
        if (File.Exists(path)) return Head(path);
        WriteWhole(path + HashSuffix, System.Text.Encoding.ASCII.GetBytes(rowsHash), overwrite: true);
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
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && !name.EndsWith(Unfinished, StringComparison.Ordinal) && !name.EndsWith(HashSuffix, StringComparison.Ordinal))];
        System.Array.Sort(names, StringComparer.Ordinal);
        return names;
    });

    public Task DeleteAsync(string name, CancellationToken cancellation) => Guard(name, "delete", () =>
    {
        if (File.Exists(PathOf(name))) File.Delete(PathOf(name));
        File.Delete(PathOf(name) + HashSuffix);
        return true;
    });

    public void Dispose()
    {
    }

    private static StoredObject? Head(string path)
    {
        if (!File.Exists(path)) return null;
        string? hash = File.Exists(path + HashSuffix) ? File.ReadAllText(path + HashSuffix) : null;
        return new StoredObject(new FileInfo(path).Length, hash);
    }

    private static void WriteWhole(string path, ReadOnlySpan<byte> content, bool overwrite)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string unfinished = path + Unfinished;
        using (var file = File.OpenHandle(unfinished, FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(file, content, 0);
            RandomAccess.FlushToDisk(file);
        }

        File.Move(unfinished, path, overwrite);
    }

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
