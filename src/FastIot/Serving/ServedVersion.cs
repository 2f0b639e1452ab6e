using FastIot.Scoring;
using Microsoft.Extensions.Logging;

namespace FastIot.Serving;

/// <summary>The life of a model version, in TensorFlow Serving's words.</summary>
internal enum VersionState
{
    Start,
    Loading,
    Available,
    Unloading,
    /// <summary>Unloaded, or never loaded: the error says why.</summary>
    End,
}

/// <summary>One version of a model: what it can do while it is available, and how it got where it is.</summary>
internal sealed class ServedVersion(string name, long version, VersionMetrics metrics)
{
    private readonly TaskCompletionSource _unused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _uses;

    public string Name { get; } = name;

    public long Version { get; } = version;

    public VersionMetrics Metrics { get; } = metrics;

    public VersionState State { get; private set; } = VersionState.Start;

    /// <summary>Why it could not be loaded; empty where it could.</summary>
    public string Error { get; private set; } = "";

    public ServedGraph? Graph { get; private set; }

    public Batcher? Batcher { get; private set; }

    public ModelFiles? Files { get; private set; }

    public ExecutionProvider Provider => Batcher?.Provider ?? ExecutionProvider.Cpu;

    /// <summary>Runs on the CPU although something else was wanted.</summary>
    public bool IsDegraded => Batcher?.IsDegraded ?? false;

    public void Loading() => State = VersionState.Loading;

    public void Available(ModelFiles files, ServedGraph graph, Batcher batcher)
    {
        (Files, Graph, Batcher) = (files, graph, batcher);
        Volatile.Write(ref _uses, 1);
        State = VersionState.Available;
    }

    public void Failed(string error)
    {
        Error = error;
        State = VersionState.End;
    }

    /// <summary>Keeps it loaded until <see cref="Release"/>.</summary>
    public bool TryAcquire()
    {
        int uses = Volatile.Read(ref _uses);
        while (uses > 0)
        {
            int seen = Interlocked.CompareExchange(ref _uses, uses + 1, uses);
            if (seen == uses) return true;
            uses = seen;
        }

        return false;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _uses) == 0) _unused.SetResult();
    }

    /// <summary>Takes no new requests, lets the others end, frees everything.</summary>
    public async Task UnloadAsync()
    {
        if (State != VersionState.Available) return;
        State = VersionState.Unloading;
        Release();
        await _unused.Task.ConfigureAwait(false);
        Batcher!.Dispose();
        (Graph, Batcher, Files) = (null, null, null);
        State = VersionState.End;
    }
}
