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

    /// <summary>Partitions of the topic; 0 = unknown.</summary>
    public int PartitionCount;

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

    /// <summary>
    /// Commits for the group, synchronously and within a bounded time, after the sink has been flushed (delivery: at least once; a
    /// transactional sink commits by itself).
    /// </summary>
    CommitResult Commit(ReadOnlySpan<PartitionCommit> commits);

    /// <summary>Leaves the group; <see cref="IAssignmentListener.OnRevoked"/> is called from within.</summary>
    void Close();
}

/// <summary>Group, member and generation as they are at one moment: by it a broker refuses commits of members that are no more. Only a sink of the same system can read it.</summary>
public interface IGroupMembership : IDisposable;

/// <summary>A source whose partitions are shared out among the members of a group, and come and go.</summary>
public interface IGroupSource : IRecordSource
{
    /// <summary>The membership as it is now; the caller's to dispose. Null while the member is in no group.</summary>
    IGroupMembership? Group();

    /// <summary>
    /// Whether the partition is assigned to this member, as far as it knows, and not lost. A broker does not check that a member owns the
    /// partitions whose offsets it commits; the worker asks this before every commit.
    /// </summary>
    bool Owns(int partition);

    /// <summary>
    /// The next record of the partition is the one at this offset. What the poll before has delivered of it further on, the caller ignores;
    /// the source delivers none of it again before that.
    /// </summary>
    void Seek(int partition, long offset);

    /// <summary>Whether the log ends at this position as far as the broker has said: a reader there has read everything.</summary>
    bool AtEnd(int partition, long position);

    /// <summary>
    /// Takes all assigned partitions up anew: <see cref="IAssignmentListener.OnRevoked"/> with them (lost), then
    /// <see cref="IAssignmentListener.OnAssigned"/> with what is committed now (waiting for transactions that are still undecided), then
    /// seeks there. Nothing delivered before counts. Within a bounded time.
    /// </summary>
    /// <exception cref="IngestException">It could not be read; <see cref="IngestException.Transient"/> where trying again may help.</exception>
    void Rewind();
}

/// <summary>The source failed in a way that its user must know of; the message names topic, partition and offset where there are any.</summary>
public sealed class IngestException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>A broker did not answer, or not yet: the same may go well later, perhaps with a new client. False: somebody must do something.</summary>
    public bool Transient { get; init; }

    /// <summary>Another member has joined under this one's name: an instance that should have one of its own, or a join of this one that was sent again.</summary>
    public bool Fenced { get; init; }

    /// <summary>The log no longer has the offset that is to be read: a policy may go on without.</summary>
    public bool Gap { get; init; }
}
