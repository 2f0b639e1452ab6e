using System.Diagnostics;
using FastIot.Ingest;
using FastIot.Kafka;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Faults;

/// <summary>A member of the group that reads from what is committed, else from the begin, and remembers where it was.</summary>
internal sealed class GroupMember : IAssignmentListener, IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Record[] _records = new Record[Limits.PollRecords];

    public GroupMember(KafkaOptions options, int worker)
    {
        Source = new KafkaSource(options, worker, NullLogger.Instance);
        Source.Start(this);
    }

    public KafkaSource Source { get; }

    public SortedSet<int> Owned { get; } = [];

    /// <summary>The assignments of the last rebalance or rewind.</summary>
    public List<PartitionAssignment> Last { get; private set; } = [];

    public List<(int Partition, long Offset)> Read { get; } = [];

    /// <summary>Polls until it is so; a minute without fails the test.</summary>
    public void Until(Func<bool> done) => Until(done, this);

    public static void Until(Func<bool> done, params GroupMember[] members)
    {
        var waited = Stopwatch.StartNew();
        while (!done())
        {
            Assert.True(waited.Elapsed < s_patience, $"not within {s_patience.TotalSeconds:0} s; owned: {string.Join(" | ", members.Select(m => string.Join(',', m.Owned)))}; read: {string.Join(" | ", members.Select(m => m.Read.Count))}");
            foreach (GroupMember member in members) member.Poll();
        }
    }

    public void OnAssigned(Span<PartitionAssignment> partitions)
    {
        Last = [.. partitions];
        foreach (ref PartitionAssignment assignment in partitions)
        {
            assignment.StartOffset = assignment.CommittedOffset >= 0 ? assignment.CommittedOffset : assignment.LowOffset;
            Owned.Add(assignment.Partition);
        }
    }

    public void OnRevoked(ReadOnlySpan<int> partitions, bool lost)
    {
        foreach (int partition in partitions) Owned.Remove(partition);
    }

    public void Dispose()
    {
        Source.Close();
        Source.Dispose();
    }

    private void Poll()
    {
        int count = Source.Poll(_records, 20);
        for (int i = 0; i < count; i++) Read.Add((_records[i].Partition, _records[i].Offset));
    }
}
