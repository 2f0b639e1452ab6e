using System.Security.Cryptography;
using FastIot.Emit;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>
/// An object store that is slow, away, or loses its answer; puts of processes that are dead may still arrive. Whatever is written twice under
/// one name must be the same.
/// </summary>
internal sealed class SimStore(SimFaults faults) : IObjectStore
{
    private readonly List<(string Name, byte[] Content)> _underWay = [];

    public SortedDictionary<string, byte[]> Objects { get; } = new(StringComparer.Ordinal);

    public int Rewrites { get; private set; }

    public int MostSnapshots { get; private set; }

    /// <summary>It refuses everything.</summary>
    public bool IsAway { get; set; }

    public string Location => "simulated";

    public Task PrepareAsync(CancellationToken cancellation) => Task.CompletedTask;

    public Task PutAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        Answer(name);
        byte[] copy = content.ToArray();
        if (faults.DrawTrouble())
        {
            _underWay.Add((name, copy));
            throw new ObjectStoreException($"{name} timed out; it may arrive later");
        }

        Put(name, copy);
        faults.MayCrash();
        if (faults.DrawTrouble()) throw new ObjectStoreException($"{name} is there, and the answer lost");
        return Task.CompletedTask;
    }

    public Task<StoredObject?> PutIfAbsentAsync(string name, ReadOnlyMemory<byte> content, string sha256, CancellationToken cancellation)
    {
        if (Objects.TryGetValue(name, out byte[]? there))
        {
            Answer(name);
            Put(name, content.ToArray());
            return Task.FromResult<StoredObject?>(new StoredObject(there.Length, Convert.ToHexStringLower(SHA256.HashData(there))));
        }

        PutAsync(name, content, cancellation);
        return Task.FromResult<StoredObject?>(null);
    }

    public Task<StoredObject?> HeadAsync(string name, CancellationToken cancellation) =>
        Task.FromResult(Objects.TryGetValue(name, out byte[]? content) ? new StoredObject(content.Length, null) : (StoredObject?)null);

    public Task<byte[]?> GetAsync(string name, CancellationToken cancellation)
    {
        Answer(name);
        return Task.FromResult(Objects.GetValueOrDefault(name));
    }

    public Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellation)
    {
        Answer(prefix);
        return Task.FromResult<IReadOnlyList<string>>([.. Objects.Keys.Where(n => n.StartsWith(prefix, StringComparison.Ordinal))]);
    }

    public Task DeleteAsync(string name, CancellationToken cancellation)
    {
        Answer(name);
        Objects.Remove(name);
        return Task.CompletedTask;
    }

    /// <summary>A put whose sender has given it up, or is dead, arrives after all.</summary>
    public void Arrive()
    {
        if (_underWay.Count == 0) return;
        int at = faults.Random.Next(_underWay.Count);
        (string name, byte[] content) = _underWay[at];
        _underWay.RemoveAt(at);
        Put(name, content);
    }

    public void Dispose()
    {
    }

    private void Put(string name, byte[] content)
    {
        if (Objects.TryGetValue(name, out byte[]? there))
        {
            Rewrites++;
            if (!there.AsSpan().SequenceEqual(content)) throw new SimViolation($"{name} rewritten, and it differs");
        }

        Objects[name] = content;
        if (name.StartsWith("state/", StringComparison.Ordinal)) MostSnapshots = Math.Max(MostSnapshots, Objects.Keys.Count(n => n.StartsWith(name[..name.LastIndexOf('/')], StringComparison.Ordinal)));
    }

    private void Answer(string name)
    {
        faults.MayCrash();
        if (IsAway && !faults.Healed || faults.DrawTrouble()) throw new ObjectStoreException($"no answer for {name}");
    }
}
