using System.Collections.Concurrent;

namespace FastIot.Scoring;

/// <summary>
/// The versions of one model: the current one, which scores what is new, and earlier ones, loaded when a replay meets windows they scored.
/// Shared by all workers.
/// </summary>
/// <param name="current">Null = no model, features only. Not disposed.</param>
/// <param name="load">Loads an earlier version.</param>
public sealed class ModelVersions(Model? current, Func<int, Model>? load = null) : IDisposable
{
    private readonly ConcurrentDictionary<int, Lazy<Model>> _earlier = new();
    private readonly ConcurrentDictionary<int, string> _labels = new();

    /// <summary>0 without a model.</summary>
    public int Current => current?.Manifest.Version ?? 0;

    /// <summary>Null for version 0.</summary>
    /// <exception cref="ModelException">There is no such version, or it wants other features than the current one.</exception>
    public Model? this[int version]
    {
        get
        {
            if (version == 0) return null;
            if (version == Current) return current;
            if (load == null) throw new ModelException($"version {version} of the model is needed, and only version {Current} is there");
            return _earlier.GetOrAdd(version, v => new Lazy<Model>(() => load(v))).Value;
        }
    }

    /// <summary>"name:version"; null for version 0.</summary>
    public string? Label(int version)
    {
        if (version == 0) return null;
        return _labels.TryGetValue(version, out string? label) ? label : _labels.GetOrAdd(version, v => this[v]!.Label);
    }

    public void Dispose()
    {
        foreach (Lazy<Model> model in _earlier.Values)
        {
            if (model.IsValueCreated) model.Value.Dispose();
        }
    }
}
