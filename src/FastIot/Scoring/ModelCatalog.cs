using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FastIot.Emit;
using Microsoft.Extensions.Logging;

namespace FastIot.Scoring;

/// <summary>
/// The model repository, in a folder or in a bucket: NAME/VERSION/model.onnx, beside it model.json (or model.onnx.sha256), and NAME/labels.json.
/// A version is immutable once it is there. It is there when model.onnx is: whoever adds one writes what describes it first, so that a half-copied
/// graph is told by its hash.
/// </summary>
public sealed class ModelCatalog(IObjectStore store) : IDisposable
{
    public const string GraphFile = "model.onnx";
    public const string ManifestFile = "model.json";
    public const string HashFile = "model.onnx.sha256";

    /// <summary>Where it is, for messages.</summary>
    public string Location => store.Location;

    /// <summary>Reads what there is.</summary>
    /// <exception cref="ObjectStoreException"/>
    public async Task<ModelListing> ListAsync(CancellationToken cancellation) => new(await store.ListAsync("", cancellation).ConfigureAwait(false));

    /// <summary>Labels of a model and the versions they stand for.</summary>
    /// <exception cref="ModelException">labels.json cannot be used.</exception>
    /// <exception cref="ObjectStoreException"/>
    public async Task<ModelLabels> LabelsAsync(string name, CancellationToken cancellation)
    {
        string file = $"{name}/{ModelLabels.File}";
        byte[]? json = await store.GetAsync(file, cancellation).ConfigureAwait(false);
        return json == null ? ModelLabels.None : ModelLabels.Parse(json, $"{Location}/{file}");
    }

    public Task WriteLabelsAsync(string name, ModelLabels labels, CancellationToken cancellation) =>
        store.PutAsync($"{name}/{ModelLabels.File}", labels.ToJson(), cancellation);

    /// <summary>Reads a version and checks that the graph is the one that is described.</summary>
    /// <exception cref="ModelException">A file is missing, half-copied or does not fit the others.</exception>
    /// <exception cref="ObjectStoreException"/>
    public async Task<ModelFiles> ReadAsync(string name, long version, CancellationToken cancellation)
    {
        string at = string.Create(CultureInfo.InvariantCulture, $"{name}/{version}");
        byte[] onnx = await store.GetAsync($"{at}/{GraphFile}", cancellation).ConfigureAwait(false)
            ?? throw new ModelException($"{Location}/{at}/{GraphFile} is not there");
        byte[]? json = await store.GetAsync($"{at}/{ManifestFile}", cancellation).ConfigureAwait(false);
        byte[]? sum = json != null ? null : await store.GetAsync($"{at}/{HashFile}", cancellation).ConfigureAwait(false);
        ModelManifest? manifest = json == null ? null : ModelManifest.Parse(json, $"{Location}/{at}/{ManifestFile}");
        if (manifest != null && (manifest.Name != name || manifest.Version != version))
            throw new ModelException($"{Location}/{at}/{ManifestFile} calls itself {manifest.Name}:{manifest.Version}, but lies under {at}");
        string? wanted = manifest?.OnnxSha256 ?? (sum == null ? null : Encoding.ASCII.GetString(sum).Split(' ', '\n')[0].ToLowerInvariant());
        string hash = Convert.ToHexStringLower(SHA256.HashData(onnx));
        if (wanted != null && wanted != hash)
            throw new ModelException($"{Location}/{at}/{GraphFile} is not the file that {(json != null ? ManifestFile : HashFile)} describes: its SHA-256 is {hash}, not {wanted} (still being copied?)");
        return new ModelFiles { Name = name, Version = version, Onnx = onnx, Sha256 = hash, Manifest = manifest, IsVerified = wanted != null, Path = PathOf(at) };
    }

    /// <summary>Loads a model that scores windows.</summary>
    /// <param name="version">"latest", a label, or a number.</param>
    /// <exception cref="ModelException">There is none, or it cannot be used.</exception>
    /// <exception cref="ObjectStoreException"/>
    public async Task<Model> LoadAsync(string name, string version, ExecutionProvider provider, ILogger log, CancellationToken cancellation)
    {
        long chosen = await ResolveAsync(name, version, cancellation).ConfigureAwait(false);
        ModelFiles files = await ReadAsync(name, chosen, cancellation).ConfigureAwait(false);
        if (files.Manifest == null) throw new ModelException($"{Location}/{name}/{chosen} has no {ManifestFile}: it can be served, but not score windows");
        return new Model(files.Onnx, files.Manifest, provider, log);
    }

    public void Dispose() => store.Dispose();

    /// <summary>The number that "latest", a label or a number stands for.</summary>
    /// <exception cref="ModelException">There is no such version.</exception>
    public async Task<long> ResolveAsync(string name, string version, CancellationToken cancellation)
    {
        IReadOnlyList<long> versions = (await ListAsync(cancellation).ConfigureAwait(false)).Versions(name);
        if (versions.Count == 0) throw new ModelException($"there is no model \"{name}\" in {Location}: it must have {name}/<number>/{GraphFile}");
        return await ChooseAsync(name, version, versions, cancellation).ConfigureAwait(false);
    }

    /// <summary>Puts a version into the repository: what describes the graph, then the graph.</summary>
    /// <param name="source">A folder with model.onnx and model.json, or an ONNX file.</param>
    /// <param name="name">Null: model.json's name, or the file's.</param>
    /// <param name="version">Null: model.json's version, or the next one.</param>
    /// <exception cref="ModelException">Nothing to push, or the version is there already.</exception>
    /// <exception cref="ObjectStoreException"/>
    public async Task<ModelFiles> PushAsync(string source, string? name, long? version, CancellationToken cancellation)
    {
        string graph = Directory.Exists(source) ? Path.Combine(source, GraphFile) : source;
        string described = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(graph))!, ManifestFile);
        if (!File.Exists(graph)) throw new ModelException($"{graph} is not there: push a folder with {GraphFile}, or an ONNX file");
        byte[] onnx = await File.ReadAllBytesAsync(graph, cancellation).ConfigureAwait(false);
        byte[]? json = Path.GetFileName(graph) == GraphFile && File.Exists(described) ? await File.ReadAllBytesAsync(described, cancellation).ConfigureAwait(false) : null;
        ModelManifest? manifest = json == null ? null : ModelManifest.Parse(json, described);
        string hash = Convert.ToHexStringLower(SHA256.HashData(onnx));
        if (manifest != null && manifest.OnnxSha256 != hash) throw new ModelException($"{graph} is not the file that {described} describes");
        await store.PrepareAsync(cancellation).ConfigureAwait(false);
        name ??= manifest?.Name ?? Path.GetFileNameWithoutExtension(graph);
        IReadOnlyList<long> there = (await ListAsync(cancellation).ConfigureAwait(false)).Versions(name);
        long number = version ?? manifest?.Version ?? (there.Count == 0 ? 1 : there[^1] + 1);
        if (there.Contains(number)) throw new ModelException($"{Location} has {name}:{number} already; a version never changes, so push another number");
        if (manifest != null && (manifest.Name != name || manifest.Version != number)) throw new ModelException($"{described} calls itself {manifest.Name}:{manifest.Version}; it cannot become {name}:{number}");
        string at = string.Create(CultureInfo.InvariantCulture, $"{name}/{number}");
        (string File, byte[] Content) description = json != null ? (ManifestFile, json) : (HashFile, Encoding.ASCII.GetBytes($"{hash}  {GraphFile}\n"));
        // A graph without what vouches for it is read as it is; so what vouches goes first here, and a reader that meets it alone waits.
        await store.PutAsync($"{at}/{description.File}", description.Content, cancellation).ConfigureAwait(false);
        await store.PutAsync($"{at}/{GraphFile}", onnx, cancellation).ConfigureAwait(false);
        return new ModelFiles { Name = name, Version = number, Onnx = onnx, Sha256 = hash, Manifest = manifest, IsVerified = true };
    }

    /// <summary>Copies a checked version elsewhere.</summary>
    /// <exception cref="ModelException"/>
    /// <exception cref="ObjectStoreException"/>
    public async Task CopyAsync(string name, long version, IObjectStore target, CancellationToken cancellation)
    {
        ModelFiles files = await ReadAsync(name, version, cancellation).ConfigureAwait(false);
        string at = string.Create(CultureInfo.InvariantCulture, $"{name}/{version}");
        foreach (string file in (string[])[ManifestFile, HashFile])
        {
            byte[]? content = await store.GetAsync($"{at}/{file}", cancellation).ConfigureAwait(false);
            if (content != null) await target.PutAsync($"{at}/{file}", content, cancellation).ConfigureAwait(false);
        }

        await target.PutAsync($"{at}/{GraphFile}", files.Onnx, cancellation).ConfigureAwait(false);
    }

    private async Task<long> ChooseAsync(string name, string version, IReadOnlyList<long> versions, CancellationToken cancellation)
    {
        if (version == "latest") return versions[^1];
        if (!long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out long chosen))
        {
            ModelLabels labels = await LabelsAsync(name, cancellation).ConfigureAwait(false);
            if (!labels.Versions.TryGetValue(version, out chosen)) throw new ModelException($"\"{name}\" in {Location} has no label \"{version}\"; there are {string.Join(", ", labels.Versions.Keys.Order())}");
        }

        return versions.Contains(chosen) ? chosen : throw new ModelException($"there is no version {chosen} of \"{name}\" in {Location}; there are {string.Join(", ", versions)}");
    }

    /// <summary>Weights in files of their own are found only from the folder.</summary>
    private string? PathOf(string at)
    {
        if (store is not LocalFolderStore) return null;
        string folder = Path.Combine(store.Location, at);
        bool alone = Directory.EnumerateFiles(folder).All(f => Path.GetFileName(f) is GraphFile or ManifestFile or HashFile or "README.md");
        return alone ? null : Path.Combine(folder, GraphFile);
    }
}

/// <summary>Names and versions in a repository at one moment.</summary>
public sealed class ModelListing
{
    private readonly SortedDictionary<string, SortedSet<long>> _models = new(StringComparer.Ordinal);

    /// <param name="files">NAME/VERSION/model.onnx and others.</param>
    public ModelListing(IEnumerable<string> files)
    {
        foreach (string file in files)
        {
            string[] parts = file.Split('/');
            if (parts.Length != 3 || parts[2] != ModelCatalog.GraphFile || parts[0].Length == 0 || parts[0][0] == '.') continue;
            if (!long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long version)) continue;
            if (!_models.TryGetValue(parts[0], out SortedSet<long>? versions)) _models.Add(parts[0], versions = []);
            versions.Add(version);
        }
    }

    public IReadOnlyCollection<string> Names => _models.Keys;

    /// <summary>Rising; empty where there is no such model.</summary>
    public IReadOnlyList<long> Versions(string name) => _models.TryGetValue(name, out SortedSet<long>? versions) ? [.. versions] : [];
}
