namespace FastIot.Emit;

/// <summary>A snapshot of slow state that is in the store.</summary>
/// <param name="WindowEndUs">Window end it belongs to.</param>
/// <param name="Hash">Begin of its SHA-256, see <see cref="Recovery.SlowStateSnapshot"/>.</param>
internal sealed record StoredSnapshot(long WindowEndUs, string Hash);

/// <summary>
/// How far the files of one partition are, for one taking over of it: written by the file writer, read by the partition's worker. What an
/// earlier owner in the same process still has in the queue moves its own progress, never its successor's.
/// </summary>
internal sealed class FileProgress(int partition)
{
    private long _storedUs = long.MinValue;
    private StoredSnapshot? _snapshot;
    private volatile bool _abandoned;

    public int Partition { get; } = partition;

    /// <summary>Last window end up to which all files are in the store; <see cref="long.MinValue"/> = none by this owner.</summary>
    public long StoredUs
    {
        get => Volatile.Read(ref _storedUs);
        set => Volatile.Write(ref _storedUs, value);
    }

    /// <summary>The last snapshot in the store; null = none by this owner.</summary>
    public StoredSnapshot? Snapshot
    {
        get => Volatile.Read(ref _snapshot);
        set => Volatile.Write(ref _snapshot, value);
    }

    /// <summary>Nobody waits for what is queued any more: it is dropped. What is under way may still be stored: it is what its successor stores.</summary>
    public bool Abandoned
    {
        get => _abandoned;
        set => _abandoned = value;
    }
}
