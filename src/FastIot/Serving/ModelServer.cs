using System.Collections.Frozen;
using System.Diagnostics;
using FastIot.Emit;
using FastIot.Scoring;
using Microsoft.Extensions.Logging;

namespace FastIot.Serving;

/// <summary>
/// The models that are served: looks into the repository, loads what its policy wants, unloads what it does not want any more, but never before
/// the new ones are there. What cannot be loaded is said and tried again; the old ones stay.
/// </summary>
internal sealed partial class ModelServer : IAsyncDisposable
{
    /// <summary>Unloaded versions whose end is still told.</summary>
    private const int RememberedEnds = 8;

    private static readonly TimeSpan s_mostPatience = TimeSpan.FromMinutes(1);

    private readonly ModelCatalog _catalog;
    private readonly ModelServerOptions _options;
    private readonly GraphLoader _loader;
    private readonly ILogger _log;
    private readonly ComputeSlots _slots = new(Environment.ProcessorCount);
    private readonly SemaphoreSlim _refreshing = new(1);
    private readonly Dictionary<(string, long), (long RetryAt, TimeSpan Patience)> _failures = [];
    private readonly Dictionary<(string, long), VersionMetrics> _metrics = [];
    private readonly Dictionary<(string, long), string> _unvouched = [];
    private bool _started;
    private readonly CancellationTokenSource _stopping = new();
    private volatile FrozenDictionary<string, ServedModel> _models = FrozenDictionary<string, ServedModel>.Empty;
    private Task _watching = Task.CompletedTask;
    private string _storeError = "";

    public ModelServer(ModelCatalog catalog, ModelServerOptions options, ILogger log)
    {
        (_catalog, _options, _log) = (catalog, options, log);
        _loader = new GraphLoader(options.Provider, log);
    }

    public IEnumerable<ServedModel> Models => _models.Values.OrderBy(m => m.Name, StringComparer.Ordinal);

    /// <summary>Every model of which a version is to be served has one that is.</summary>
    public bool IsReady => !_stopping.IsCancellationRequested && _models.Values.Any(m => m.Default != null) && _models.Values.All(m => m.Versions.Length == 0 || m.Default != null);

    /// <summary>A version is served no more: what others keep for it can go.</summary>
    public event Action<ServedVersion>? WasUnloaded;

    /// <summary>Why the repository could not be read last time; empty where it could.</summary>
    public string StoreError => Volatile.Read(ref _storeError);

    /// <summary>Loads what there is, then keeps looking.</summary>
    /// <exception cref="ModelException">A model that was asked for by name is not there, or none of its versions can be loaded.</exception>
    /// <exception cref="ObjectStoreException">The repository cannot be read.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await RefreshAsync(cancellation).ConfigureAwait(false);
        if (StoreError.Length > 0) throw new ObjectStoreException(StoreError);
        foreach (string name in _options.Models)
        {
            if (!_models.TryGetValue(name, out ServedModel? model)) throw new ModelException($"there is no model \"{name}\" in {_catalog.Location}: it must have {name}/<number>/{ModelCatalog.GraphFile}. --models names another folder, --serve-models others of its models");
            if (model.Default == null) throw new ModelException(string.Join(Environment.NewLine, model.Versions.Select(v => v.Error).Where(e => e.Length > 0).DefaultIfEmpty($"the policy serves no version of \"{name}\"")));
        }

        _started = true;
        _watching = Task.Run(WatchAsync, CancellationToken.None);
    }

    /// <summary>One look into the repository; what it finds to do is done when it returns.</summary>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        await _refreshing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            ModelListing listing = await _catalog.ListAsync(cancellation).ConfigureAwait(false);
            IEnumerable<string> names = _options.Models.Count > 0 ? _options.Models.Where(n => listing.Versions(n).Count > 0 || _models.ContainsKey(n)) : listing.Names.Union(_models.Keys);
            string problem = "";
            foreach (string name in names.ToList())
            {
                try
                {
                    await RefreshAsync(name, listing.Versions(name), cancellation).ConfigureAwait(false);
                }
                catch (ModelException e)
                {
                    // Its labels cannot be read: the other models have nothing to do with that.
                    problem = e.Message;
                }
            }

            Complain(problem);
        }
        catch (ObjectStoreException e)
        {
            Complain(e.Message);
        }
        finally
        {
            _refreshing.Release();
        }
    }

    /// <summary>The model of a request, if there is one.</summary>
    public ServedModel? Find(string name) => _models.GetValueOrDefault(name);

    /// <summary>The version of a request, kept loaded until it is released.</summary>
    /// <exception cref="ServingException">There is no such model, version or label.</exception>
    public ServedVersion Acquire(string name, long? version, string? label)
    {
        // A second look: the version may be unloaded between finding and keeping it, then another one is there.
        for (int attempt = 0; attempt < 3; attempt++)
        {
            ServedModel? model = Find(name);
            ServedVersion? found = model == null ? null : label != null ? Labelled(model, label) : version is { } number ? model.Find(number) : model.Default;
            if (found is { State: VersionState.Available } && found.TryAcquire()) return found;
        }

        if (label != null && Find(name)?.Labels.Versions.ContainsKey(label) != true) throw UnknownLabel(label);
        throw new ServingException(ServingStatus.NotFound, $"Servable not found for request: {(version is { } v ? $"Specific({name}, {v})" : $"Latest({name})")}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        foreach (ServedModel model in _models.Values)
        {
            foreach (ServedVersion version in model.Versions)
            {
                await version.UnloadAsync().ConfigureAwait(false);
                WasUnloaded?.Invoke(version);
            }
        }

        _stopping.Dispose();
        _refreshing.Dispose();
    }

    private static ServingException UnknownLabel(string label) => ServingException.Invalid($"Unrecognized servable version label: {label}");

    private static ServedVersion? Labelled(ServedModel model, string label) =>
        model.Labels.Versions.TryGetValue(label, out long version) ? model.Find(version) : throw UnknownLabel(label);

    private void Complain(string problem)
    {
        if (problem.Length > 0 && StoreError != problem) Unreadable(_log, problem);
        Volatile.Write(ref _storeError, problem);
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(_options.Poll);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false)) await RefreshAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The end.
        }
    }

    private async Task RefreshAsync(string name, IReadOnlyList<long> there, CancellationToken cancellation)
    {
        ModelLabels labels = await _catalog.LabelsAsync(name, cancellation).ConfigureAwait(false);
        IReadOnlyList<long> wanted = _options.Policy.Choose(there, labels.Versions.Values);
        Publish(name, labels, versions => Forgive(versions, wanted));
        foreach (long version in wanted)
        {
            if (Find(name)!.Find(version) is { State: VersionState.Available }) continue;
            if (_failures.TryGetValue((name, version), out (long RetryAt, TimeSpan) failure) && Stopwatch.GetTimestamp() < failure.RetryAt) continue;
            await LoadAsync(name, version, cancellation).ConfigureAwait(false);
        }

        ServedModel model = Find(name)!;
        bool complete = wanted.Count > 0 && wanted.All(v => model.Find(v) is { State: VersionState.Available });
        if (!complete) return;
        foreach (ServedVersion old in model.Versions.Where(v => v.State == VersionState.Available && !wanted.Contains(v.Version)))
        {
            await old.UnloadAsync().ConfigureAwait(false);
            WasUnloaded?.Invoke(old);
            Unloaded(_log, name, old.Version);
        }

        Publish(name, labels, Forget);
    }

    private async Task LoadAsync(string name, long version, CancellationToken cancellation)
    {
        if (!_metrics.TryGetValue((name, version), out VersionMetrics? metrics)) _metrics.Add((name, version), metrics = new VersionMetrics());
        if (!await IsWholeAsync(name, version, cancellation).ConfigureAwait(false)) return;
        var loading = new ServedVersion(name, version, metrics);
        loading.Loading();
        string before = Find(name)!.Find(version)?.Error ?? "";
        // A version that failed before stays as it is told until this attempt has an end.
        if (before.Length == 0) Add(name, loading);
        long started = Stopwatch.GetTimestamp();
        try
        {
            ModelFiles files = await _catalog.ReadAsync(name, version, cancellation).ConfigureAwait(false);
            ServedGraph graph = _loader.Load(files, _options.Batch, out ExecutionProvider provider, out string? degraded);
            var batcher = new Batcher(files.ToString(), graph, provider, degraded != null, () => _loader.LoadOnCpu(files, _options.Batch), _options.Batch, _slots, metrics, _log);
            loading.Available(files, graph, batcher);
            _failures.Remove((name, version));
            Loaded(_log, name, version, provider, (int)Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        catch (ModelException e)
        {
            loading.Failed(e.Message);
            if (e.Message != before) LoadFailed(_log, name, version, e.Message);
            TimeSpan patience = _failures.TryGetValue((name, version), out (long, TimeSpan Patience) last) ? last.Patience * 2 : _options.Poll;
            if (patience > s_mostPatience) patience = s_mostPatience;
            _failures[(name, version)] = (Stopwatch.GetTimestamp() + (long)(patience.TotalSeconds * Stopwatch.Frequency), patience);
        }

        Add(name, loading);
    }

    /// <summary>
    /// A graph that nothing vouches for may still be being copied: once the server runs, it must be the same at two looks in a row.
    /// </summary>
    private async Task<bool> IsWholeAsync(string name, long version, CancellationToken cancellation)
    {
        if (!_started) return true;
        try
        {
            ModelFiles files = await _catalog.ReadAsync(name, version, cancellation).ConfigureAwait(false);
            bool whole = files.IsVerified || _unvouched.GetValueOrDefault((name, version)) == files.Sha256;
            if (whole) _unvouched.Remove((name, version));
            else _unvouched[(name, version)] = files.Sha256;
            return whole;
        }
        catch (ModelException)
        {
            // Loading it says why.
            return true;
        }
    }

    private void Add(string name, ServedVersion version) => Publish(name, null, versions => [.. versions.Where(v => v.Version != version.Version).Append(version).OrderBy(v => v.Version)]);

    /// <summary>What failed is told while it is wanted; a broken version that was taken away, or that the next one follows, is no failure any more.</summary>
    private ServedVersion[] Forgive(ServedVersion[] versions, IReadOnlyList<long> wanted)
    {
        var forgiven = versions.Where(v => v.Error.Length > 0 && !wanted.Contains(v.Version)).ToHashSet();
        foreach (ServedVersion version in forgiven)
        {
            _metrics.Remove((version.Name, version.Version));
            _failures.Remove((version.Name, version.Version));
        }

        return [.. versions.Where(v => !forgiven.Contains(v))];
    }

    /// <summary>Of the versions that have ended, only the last few are still told.</summary>
    private ServedVersion[] Forget(ServedVersion[] versions)
    {
        var forgotten = versions.Where(v => v is { State: VersionState.End, Error.Length: 0 }).SkipLast(RememberedEnds).ToHashSet();
        foreach (ServedVersion version in forgotten) _metrics.Remove((version.Name, version.Version));
        return [.. versions.Where(v => !forgotten.Contains(v))];
    }

    /// <summary>Only <see cref="RefreshAsync(CancellationToken)"/> writes, one at a time; requests see the old picture or the new one.</summary>
    private void Publish(string name, ModelLabels? labels, Func<ServedVersion[], ServedVersion[]> change)
    {
        ServedModel model = Find(name) ?? new ServedModel(name, [], ModelLabels.None, _options.StableFirst);
        var models = _models.ToDictionary();
        models[name] = model with { Labels = labels ?? model.Labels, Versions = change(model.Versions) };
        _models = models.ToFrozenDictionary();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{model}:{version} loaded on {provider} in {ms} ms")]
    private static partial void Loaded(ILogger log, string model, long version, ExecutionProvider provider, int ms);

    [LoggerMessage(Level = LogLevel.Information, Message = "{model}:{version} unloaded")]
    private static partial void Unloaded(ILogger log, string model, long version);

    [LoggerMessage(Level = LogLevel.Error, Message = "{model}:{version} cannot be loaded, what was served before stays: {why}")]
    private static partial void LoadFailed(ILogger log, string model, long version, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the model repository cannot be read, what is served stays: {why}")]
    private static partial void Unreadable(ILogger log, string why);
}
