using FastIot.Ingest;

namespace FastIot.Emit;

/// <summary>The pipeline's record outputs.</summary>
public enum OutputTopic : byte
{
    Anomalies,
    DeadLetters,
    LateReadings,
}

/// <summary>Where a dead letter or late reading came from; becomes the record's headers.</summary>
public readonly ref struct Provenance
{
    public required ReadOnlySpan<byte> Reason { get; init; }

    public required int Partition { get; init; }

    public required long Offset { get; init; }

    /// <summary>Which of the record's readings, from 0.</summary>
    public required int Index { get; init; }
}

/// <summary>
/// Takes the pipeline's records: Kafka topics, or files in a folder. One worker thread writes; nothing is kept of the spans.
/// </summary>
public interface IRecordSink : IDisposable
{
    /// <summary>
    /// Queues one anomaly. <paramref name="bornTicks"/> is the <see cref="System.Diagnostics.Stopwatch"/> time from which its latency counts
    /// (0 = none), reported when the broker has it.
    /// </summary>
    /// <returns>False when the bounded queue is full: the caller stops reading, and tries again.</returns>
    bool TryWriteAnomaly(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long bornTicks);

    /// <summary>Queues a dead letter or late reading, its bytes as they came.</summary>
    bool TryWriteReading(OutputTopic topic, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in Provenance provenance);

    /// <summary>Takes note of acknowledgements that have come; never waits.</summary>
    void Poll();

    /// <summary>Waits until everything queued is acknowledged.</summary>
    /// <exception cref="EmitException">Something could not be delivered within the time; the message says what and why.</exception>
    void Flush(TimeSpan timeout);
}

/// <summary>
/// A sink whose records become visible together with the group's offsets, or not at all (delivery: exactly once). A transaction begins by
/// itself with the first record after the last commit. One instance has one identity (transactional.id), stable over restarts: making a
/// new one fences the former, and ends what that one left open.
/// </summary>
public interface ITransactionalSink : IRecordSink
{
    /// <summary>
    /// Commits what was written since the last commit, and the offsets with their metadata, in one transaction. Also with nothing written.
    /// Returns within the time-out, and a little: a call that does not is <see cref="CommitOutcome.Unknown"/>.
    /// </summary>
    /// <param name="commits">One for each partition that has something to say; the caller has checked that it still owns them.</param>
    /// <param name="group">Taken from the source for this very commit: it ages.</param>
    CommitResult Commit(ReadOnlySpan<PartitionCommit> commits, IGroupMembership group, TimeSpan timeout);

    /// <summary>Drops what was written since the last commit.</summary>
    /// <returns><see cref="CommitOutcome.Aborted"/>; or <see cref="CommitOutcome.Unknown"/>: the sink must be discarded.</returns>
    CommitResult Abort(TimeSpan timeout);
}

public sealed class EmitException(string message, Exception? inner = null) : Exception(message, inner);
