using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace FastIot.Serving;

/// <summary>One request on its way through a batcher: tensors in, tensors or a fault out. Used once; its owner disposes of it after the end.</summary>
internal sealed class PredictJob : IValueTaskSource, IDisposable
{
    // Asynchronously: the thread that ran the batch must not write everybody's answers.
    private ManualResetValueTaskSourceCore<bool> _end = new() { RunContinuationsAsynchronously = true };

    public PredictJob(Tensor[] inputs, TimeSpan timeout, CancellationToken aborted)
    {
        Inputs = inputs;
        Rows = inputs.Length == 0 ? 1 : inputs[0].Rows;
        IsUniform = Rows > 0 && Array.TrueForAll(inputs, t => t.Shape.Length > 0 && t.Rows == Rows);
        Aborted = aborted;
        QueuedAt = Stopwatch.GetTimestamp();
        Deadline = QueuedAt + (long)(timeout.TotalSeconds * Stopwatch.Frequency);
    }

    /// <summary>In the order of the graph's inputs.</summary>
    public Tensor[] Inputs { get; }

    public long Rows { get; }

    /// <summary>All inputs have as many rows: it may run together with others.</summary>
    public bool IsUniform { get; }

    /// <summary><see cref="Stopwatch"/> time after which it need not begin.</summary>
    public long Deadline { get; }

    public long QueuedAt { get; }

    /// <summary>The client has gone.</summary>
    public CancellationToken Aborted { get; }

    /// <summary>In the order of the graph's outputs; null until it has run.</summary>
    public Tensor[]? Outputs { get; set; }

    public ServingException? Fault { get; set; }

    /// <summary>Ends when <see cref="Outputs"/> or <see cref="Fault"/> is there.</summary>
    public ValueTask Completion => new(this, _end.Version);

    public void Complete() => _end.SetResult(true);

    public void Dispose()
    {
        foreach (Tensor input in Inputs) input.Dispose();
        foreach (Tensor output in Outputs ?? []) output.Dispose();
    }

    /// <summary>Whether both can be rows of one batch.</summary>
    public bool Fits(PredictJob other)
    {
        if (!IsUniform || !other.IsUniform) return false;
        for (int i = 0; i < Inputs.Length; i++)
        {
            if (!Inputs[i].Shape.AsSpan(1).SequenceEqual(other.Inputs[i].Shape.AsSpan(1))) return false;
        }

        return true;
    }

    void IValueTaskSource.GetResult(short token) => _end.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _end.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _end.OnCompleted(continuation, state, token, flags);
}
