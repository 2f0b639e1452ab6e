namespace FastIot.Scoring;

/// <summary>
/// The versions of one model: the current one, which scores what is new, and others, loaded while a replay, or windows before a change, need
/// them. Shared by all workers; a version that nobody holds and that is not the current one is let go.
/// </summary>
public sealed class ModelVersions : IDisposable
{
    private readonly Func<int, Model>? _load;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, Held> _held = [];
    private readonly Dictionary<int, string> _labels = [];
    private volatile int _current;

    /// <param name="current">Null = no model, features only. Not disposed.</param>
    /// <param name="load">Loads another version.</param>
    public ModelVersions(Model? current, Func<int, Model>? load = null)
    {
        _load = load;
        if (current == null) return;
        _current = current.Manifest.Version;
        _held.Add(_current, new Held(current, Owned: false));
    }

    /// <summary>0 without a model.</summary>
    public int Current => _current;

    /// <summary>Another version is to score from now on; each partition decides from which window end. Disposed of here.</summary>
    public void Offer(Model model)
    {
        lock (_lock)
        {
            int version = model.Manifest.Version, former = _current;
            if (_held.ContainsKey(version)) model.Dispose();
            else _held.Add(version, new Held(model, Owned: true));
            _current = version;
            LetGo(former);
        }
    }

    /// <summary>Takes hold of a version; null for 0.</summary>
    /// <exception cref="ModelException">There is no such version.</exception>
    public Model? Hold(int version)
    {
        if (version == 0) return null;
        lock (_lock)
        {
            if (!_held.TryGetValue(version, out Held? held))
            {
                if (_load == null) throw new ModelException($"version {version} of the model is needed, and only version {Current} is there");
                _held.Add(version, held = new Held(_load(version), Owned: true));
            }

            held.Users++;
            return held.Model;
        }
    }

    /// <summary>Ends one <see cref="Hold"/>; nothing of the model may be in use any more.</summary>
    public void Release(int version)
    {
        if (version == 0) return;
        lock (_lock)
        {
            _held[version].Users--;
            LetGo(version);
        }
    }

    /// <summary>"name:version"; null for version 0.</summary>
    public string? Label(int version)
    {
        if (version == 0) return null;
        lock (_lock)
        {
            if (_labels.TryGetValue(version, out string? label)) return label;
            label = _held.TryGetValue(version, out Held? held) ? held.Model.Label : throw new InvalidOperationException($"version {version} is not loaded");
            _labels.Add(version, label);
            return label;
        }
    }

    public void Dispose()
    {
        foreach (Held held in _held.Values)
        {
            if (held.Owned) held.Model.Dispose();
        }

        _held.Clear();
    }

    private void LetGo(int version)
    {
        if (version == _current || !_held.TryGetValue(version, out Held? held) || held.Users > 0 || !held.Owned) return;
        _held.Remove(version);
        held.Model.Dispose();
    }

    private sealed record Held(Model Model, bool Owned)
    {
        public int Users { get; set; }
    }
}
