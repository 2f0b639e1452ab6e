namespace FastIot.Serving;

/// <summary>
/// Cores that run batches, handed out in the order of asking. Each thread of a model asks for one batch at a time, so that models with work
/// take turns, whatever the length of their queues.
/// </summary>
internal sealed class ComputeSlots(int slots)
{
    private readonly Lock _lock = new();
    private readonly Queue<ManualResetEventSlim> _waiting = new();
    private int _free = slots;

    /// <summary>Threads that wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock) return _waiting.Count;
        }
    }

    /// <param name="ticket">The caller's own, not set.</param>
    public void Enter(ManualResetEventSlim ticket)
    {
        lock (_lock)
        {
            if (_free > 0)
            {
                _free--;
                return;
            }

            _waiting.Enqueue(ticket);
        }

        ticket.Wait();
        ticket.Reset();
    }

    public void Leave()
    {
        lock (_lock)
        {
            if (_waiting.TryDequeue(out ManualResetEventSlim? next)) next.Set();
            else _free++;
        }
    }
}
