namespace FastIot.Ingest;

/// <summary>
/// Reads a history first, then the real source: so that a demo's series are known before its first record arrives. The history of a
/// partition goes through the pipeline like any other record, with offset −1: before everything that the log holds.
/// </summary>
/// <remarks>Only for partitions assigned at the start; later ones begin without a history.</remarks>
public sealed class PreloadedSource : IRecordSource, IAssignmentListener
{
    private readonly IRecordSource _source;
    private readonly Func<int[], IRecordSource> _history;
    private readonly Action _loaded;
    private IAssignmentListener? _listener;
    private IRecordSource? _replaying;
    private bool _done;
    private int _paused;

    /// <param name="source">The real source. Disposed with this.</param>
    /// <param name="history">Makes the source of the history of these partitions; it must complete.</param>
    /// <param name="loaded">Called on the polling thread when the history has been read.</param>
    public PreloadedSource(IRecordSource source, Func<int[], IRecordSource> history, Action loaded)
    {
        _source = source;
        _history = history;
        _loaded = loaded;
    }

    public bool Completed => _done && _source.Completed;

    public void Start(IAssignmentListener listener)
    {
        _listener = listener;
        _source.Start(this);
    }

    public int Poll(Span<Record> records, int timeoutMs)
    {
        if (_done) return _source.Poll(records, timeoutMs);
        if (_replaying == null) return _source.Poll(records, timeoutMs);
        if (_paused > 0)
        {
            // The history waits as a whole: nothing else will wake the worker, it asks again whether its files have gone.
            Thread.Sleep(Math.Min(timeoutMs, 10));
            return 0;
        }

        int count = _replaying.Poll(records, timeoutMs);
        for (int i = 0; i < count; i++) records[i].Offset = -1;
        if (count > 0 || !_replaying.Completed) return count;
        _replaying.Dispose();
        _replaying = null;
        _done = true;
        _loaded();
        return 0;
    }

    public void Pause(int partition)
    {
        _paused++;
        _source.Pause(partition);
    }

    public void Resume(int partition)
    {
        _paused--;
        _source.Resume(partition);
    }

    public long HighOffset(int partition) => _source.HighOffset(partition);

    public CommitResult Commit(ReadOnlySpan<PartitionCommit> commits) => _source.Commit(commits);

    public void Close() => _source.Close();

    public void OnAssigned(Span<PartitionAssignment> partitions)
    {
        _listener!.OnAssigned(partitions);
        if (_done || _replaying != null || partitions.IsEmpty) return;
        int[] numbers = new int[partitions.Length];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = partitions[i].Partition;
        _replaying = _history(numbers);
        _replaying.Start(new NoListener());
    }

    public void OnRevoked(ReadOnlySpan<int> partitions, bool lost) => _listener!.OnRevoked(partitions, lost);

    public void Dispose()
    {
        _replaying?.Dispose();
        _source.Dispose();
    }

    /// <summary>The history's partitions are those already assigned.</summary>
    private sealed class NoListener : IAssignmentListener
    {
        public void OnAssigned(Span<PartitionAssignment> partitions)
        {
            foreach (ref PartitionAssignment assignment in partitions) assignment.StartOffset = assignment.LowOffset;
        }

        public void OnRevoked(ReadOnlySpan<int> partitions, bool lost)
        {
        }
    }
}
