namespace FastIot.Kafka.Wire;

/// <summary>One batch of one partition on its way to the broker.</summary>
internal sealed class ProduceBatch(int mostBytes) : IDisposable
{
    public RecordBatchBuilder Records { get; } = new(mostBytes);

    public int Partition { get; set; }

    /// <summary>When its first record came.</summary>
    public long OpenedTicks { get; set; }

    public void Dispose() => Records.Dispose();
}

/// <summary>
/// What one partition has sent and not yet got acknowledged, in the order of its sequence numbers. Up to five batches are under way at once
/// (as many as a broker remembers for telling repetitions). After a failure nothing more is sent until the fate of all of them is known; then
/// all that are left go again in order: those that did arrive are recognised by their numbers.
/// </summary>
internal sealed class ProducePartition
{
    private readonly List<ProduceBatch> _unacknowledged = [];
    private int _next;
    private int _inFlight;
    private int _sequence;
    private bool _failed;
    private long _retryTicks;

    public bool HasUnsent => !_failed && _next < _unacknowledged.Count;

    /// <summary>The batch that everything behind it waits for; null where there is none.</summary>
    public ProduceBatch? Oldest => _unacknowledged.Count > 0 ? _unacknowledged[0] : null;

    /// <summary>Sequence number of the next batch's first record; it wraps from 2³¹ − 1 to 0.</summary>
    public int TakeSequence(int records)
    {
        int sequence = _sequence;
        _sequence = (int)(((long)sequence + records) & int.MaxValue);
        return sequence;
    }

    public void Add(ProduceBatch batch) => _unacknowledged.Add(batch);

    public ProduceBatch Peek() => _unacknowledged[_next];

    /// <summary>The next batch goes out.</summary>
    public ProduceBatch TakeNext()
    {
        _inFlight++;
        return _unacknowledged[_next++];
    }

    public void Acknowledge(ProduceBatch batch)
    {
        _inFlight--;
        _next--;
        _unacknowledged.Remove(batch);
    }

    /// <summary>It may have arrived or not.</summary>
    public void Fail(long retryTicks)
    {
        _inFlight--;
        _failed = true;
        _retryTicks = Math.Max(_retryTicks, retryTicks);
    }

    /// <summary>Goes on after a failure, when the time has come.</summary>
    public void Recover(long ticks)
    {
        if (!_failed || _inFlight > 0 || ticks < _retryTicks) return;
        _failed = false;
        _next = 0;
    }
}
