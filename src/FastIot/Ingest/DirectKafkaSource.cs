using FastIot.Kafka;
using FastIot.Kafka.Wire;
using Microsoft.Extensions.Logging;

namespace FastIot.Ingest;

/// <summary>Which client records are fetched by. Membership and commits are librdkafka's in any case.</summary>
public enum IngestMode
{
    /// <summary>The direct one, unless something is asked for that only librdkafka has.</summary>
    Auto,
    Direct,
    Librdkafka,
}

/// <summary>
/// A member of the consumer group whose records come by FastIot's own fetch: librdkafka keeps membership, heartbeats and commits, with its
/// partitions paused; <see cref="DirectFetch"/> reads them. With gzip that costs a small part of what librdkafka's own fetch does, which
/// inflates every batch twice.
/// </summary>
public sealed partial class DirectKafkaSource : IGroupSource, IAssignmentListener
{
    private readonly IRecordSource _group;
    private readonly DirectFetch _fetch;
    private readonly List<int> _toPause = [];
    private readonly Record[] _unwanted = new Record[16];
    private IAssignmentListener? _listener;

    private DirectKafkaSource(IRecordSource group, DirectFetch fetch)
    {
        _group = group;
        _fetch = fetch;
    }

    public bool Completed => false;

    /// <summary>A source by the chosen client.</summary>
    /// <exception cref="KafkaException">A property that librdkafka does not take, or the direct fetch was asked for and cannot do it.</exception>
    public static IRecordSource Open(KafkaOptions options, IngestMode mode, int worker, ILogger log)
    {
        if (mode == IngestMode.Librdkafka) return new KafkaSource(options, worker, log);
        string reason;
        try
        {
            if (FetchOptions.From(options, out reason) is { } direct)
            {
                // First: it refuses properties that nobody knows.
                var group = new KafkaSource(options, worker, log);
                try
                {
                    return new DirectKafkaSource(group, new DirectFetch(direct, options.RawTopic, log));
                }
                catch
                {
                    group.Dispose();
                    throw;
                }
            }
        }
        catch (WireRefusedException e)
        {
            reason = e.Message;
        }

        if (mode == IngestMode.Direct) throw new KafkaException($"the direct fetch cannot be used: {reason}. Leave the choice to auto, or take librdkafka");
        if (worker == 0) FallBack(log, reason);
        return new KafkaSource(options, worker, log);
    }

    public void Start(IAssignmentListener listener)
    {
        _listener = listener;
        _group.Start(this);
    }

    public int Poll(Span<Record> records, int timeoutMs)
    {
        // Serves the group. What was fetched between an assignment and its pause is thrown away.
        _group.Poll(_unwanted, 0);
        foreach (int partition in _toPause) _group.Pause(partition);
        _toPause.Clear();
        return _fetch.Poll(records, timeoutMs);
    }

    public void Pause(int partition) => _fetch.Pause(partition, pause: true);

    public void Resume(int partition) => _fetch.Pause(partition, pause: false);

    public long HighOffset(int partition) => _fetch.HighOffset(partition);

    public CommitResult Commit(ReadOnlySpan<PartitionCommit> commits) => _group.Commit(commits);

    public IGroupMembership? Group() => (_group as IGroupSource)?.Group();

    public bool Owns(int partition) => _fetch.Has(partition) && (_group is not IGroupSource group || group.Owns(partition));

    public void Seek(int partition, long offset) => _fetch.Seek(partition, offset);

    /// <inheritdoc/>
    /// <remarks>Behind the last record there may be markers of transactions only: the fetch has passed over them, the position has not.</remarks>
    public bool AtEnd(int partition, long position) => _fetch.AtEnd(partition) || _fetch.HighOffset(partition) is >= 0 and long high && position >= high;

    public void Rewind()
    {
        if (_group is not IGroupSource group) throw new IngestException("what is committed is read again by a new member of the group") { Transient = true };
        group.Rewind();
    }

    public void Close() => _group.Close();

    public void Dispose()
    {
        _fetch.Dispose();
        _group.Dispose();
    }

    void IAssignmentListener.OnAssigned(Span<PartitionAssignment> partitions)
    {
        _listener!.OnAssigned(partitions);
        foreach (ref PartitionAssignment assignment in partitions)
        {
            _fetch.Assign(assignment.Partition, assignment.StartOffset);
            _toPause.Add(assignment.Partition);
        }
    }

    void IAssignmentListener.OnRevoked(ReadOnlySpan<int> partitions, bool lost)
    {
        // First: until the last commit is done, the partitions are ours.
        _listener!.OnRevoked(partitions, lost);
        foreach (int partition in partitions)
        {
            _fetch.Unassign(partition);
            _toPause.Remove(partition);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "fetching through librdkafka: {reason} is beyond the direct fetch")]
    private static partial void FallBack(ILogger log, string reason);
}
