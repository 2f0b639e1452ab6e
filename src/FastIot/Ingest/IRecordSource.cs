using System.Runtime.InteropServices;

namespace FastIot.Ingest;

/// <summary>One record as it lies in the source's memory; valid until the next <see cref="IRecordSource.Poll"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct Record
{
    public byte* Key;

    /// <summary>Null for a tombstone.</summary>
    public byte* Value;

    public int KeyLength;

    public int ValueLength;

    public long Offset;

    /// <summary>The record's Kafka timestamp, ms since the epoch; −1 where it has none.</summary>
    public long TimestampMs;

    public int Partition;

    public readonly ReadOnlySpan<byte> KeySpan => new(Key, KeyLength);

    public readonly ReadOnlySpan<byte> ValueSpan => new(Value, ValueLength);
}

/// <summary>A partition about to be read. The listener sets <see cref="StartOffset"/>.</summary>
public struct PartitionAssignment
{
    public int Partition;

    /// <summary>Committed offset of the group, −1 where there is none.</summary>
    public long CommittedOffset;

    /// <summary>Metadata committed beside the offset; null where there is none.</summary>
    public string? Metadata;

    /// <summary>First offset in the log.</summary>
    public long LowOffset;

    /// <summary>Offset behind the last record in the log.</summary>
    public long HighOffset;

    /// <summary>Where reading begins.</summary>
    public long StartOffset;
}

/// <summary>What to commit for one partition: the replay offset and its metadata (DESIGN section 4).</summary>
public readonly record struct PartitionCommit(int Partition, long Offset, string Metadata);

/// <summary>Told of assignments, on the thread that polls, before the first record and after the last one of a partition.</summary>
public interface IAssignmentListener
{
    void OnAssigned(Span<PartitionAssignment> partitions);

    /// <param name="lost">True when the group has given the partitions to others already: nothing may be committed for them.</param>
    void OnRevoked(ReadOnlySpan<int> partitions, bool lost);
}

/// <summary>Where records come from, in the order of each partition's log. One thread calls everything.</summary>
public interface IRecordSource : IDisposable
{
    /// <summary>Begins reading; assignments arrive from within <see cref="Poll"/>.</summary>
    void Start(IAssignmentListener listener);

    /// <summary>
    /// Waits up to <paramref name="timeoutMs"/> for the first record, then takes what is there already. The records of the poll before are
    /// released.
    /// </summary>
    /// <returns>Number of records; 0 after the time-out.</returns>
    int Poll(Span<Record> records, int timeoutMs);

    /// <summary>Stops (or resumes) delivering one partition; its position stays.</summary>
    void Pause(int partition);

    void Resume(int partition);

    /// <summary>Offset behind the last record of the log as the source knows it now; −1 while unknown.</summary>
    long HighOffset(int partition);

    /// <summary>True once nothing more will ever come (a file's end; never a Kafka topic).</summary>
    bool Completed { get; }

    /// <summary>Commits for the group, synchronously.</summary>
    /// <exception cref="IngestException">The commit was refused or timed out; the message says by whom and why.</exception>
    void Commit(ReadOnlySpan<PartitionCommit> commits);

    /// <summary>Leaves the group; <see cref="IAssignmentListener.OnRevoked"/> is called from within.</summary>
    void Close();
}

/// <summary>The source failed in a way that its user must know of; the message names topic, partition and offset where there are any.</summary>
public sealed class IngestException(string message, Exception? inner = null) : Exception(message, inner);
