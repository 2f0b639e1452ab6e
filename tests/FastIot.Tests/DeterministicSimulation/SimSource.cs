using FastIot.Ingest;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>A consumer: a member of the group, with positions and what it believes to own.</summary>
internal sealed class SimSource(SimBroker broker) : IGroupSource
{
    private readonly SortedDictionary<int, long> _positions = [];
    private readonly Dictionary<int, long> _ends = [];
    private readonly HashSet<int> _paused = [];
    private readonly HashSet<int> _lost = [];
    private IAssignmentListener _listener = null!;
    private SimMember? _member;
    private bool _isDead;

    public bool Completed => false;

    public void Start(IAssignmentListener listener)
    {
        _listener = listener;
        _member = broker.Group.Join();
    }

    public int Poll(Span<Record> records, int timeoutMs)
    {
        broker.Faults.MayCrash();
        Rebalance();
        int count = 0;
        foreach (int partition in _positions.Keys.ToArray())
        {
            _ends[partition] = broker.Logs[partition].End;
            if (_paused.Contains(partition) || broker.Faults.Draw(.3)) continue;
            for (int take = broker.Faults.Random.Next(1, 12); take > 0 && count < records.Length && _positions[partition] < broker.Logs[partition].End; take--)
                records[count++] = broker.Logs[partition][_positions[partition]++, partition];
        }

        return count;
    }

    public void Pause(int partition) => _paused.Add(partition);

    public void Resume(int partition) => _paused.Remove(partition);

    public long HighOffset(int partition) => _ends.GetValueOrDefault(partition, -1);

    /// <summary>At least once: not transactional, but of this generation.</summary>
    public CommitResult Commit(ReadOnlySpan<PartitionCommit> commits) => throw new SimViolation("a transactional worker committed through its source");

    public IGroupMembership? Group()
    {
        // Between the worker's last poll and now, much may have happened: a pause of the process, for one.
        if (broker.Faults.DrawTrouble()) Expire();
        return _member == null ? null : new SimMembership(_member, _member.Generation);
    }

    public bool Owns(int partition) => _positions.ContainsKey(partition) && !_lost.Contains(partition);

    public void Seek(int partition, long offset) => _positions[partition] = offset;

    public bool AtEnd(int partition, long position) => position >= _ends.GetValueOrDefault(partition, long.MaxValue);

    public void Rewind()
    {
        if (broker.Faults.DrawTrouble()) throw new IngestException("the coordinator does not answer") { Transient = true };
        int[] owned = [.. _positions.Keys.Where(p => !_lost.Contains(p))];
        Revoke([.. _positions.Keys], lost: true);
        Assign(owned);
    }

    /// <summary>
    /// The coordinator gives the member up. The client's own thread may have joined again by the time that anybody looks: then the
    /// generation is right, and the partitions are others'.
    /// </summary>
    public void Expire()
    {
        if (_member == null || _member.Gone) return;
        broker.Group.Leave(_member);
        if (broker.Faults.Random.Next(3) > 0) return;
        _lost.UnionWith(_positions.Keys);
        _member = broker.Group.Join();
        if (broker.Faults.Random.Next(2) == 0) broker.Group.JoinRound(_member);
    }

    public void Close()
    {
        Revoke([.. _positions.Keys.Where(p => !_lost.Contains(p))], lost: false);
        if (_member != null) broker.Group.Leave(_member);
    }

    /// <summary>The socket is closed; the coordinator notices at once, or when the session expires.</summary>
    public void Dispose()
    {
        if (_member != null && !_isDead) broker.Group.Leave(_member);
    }

    /// <summary>The process is killed: nothing is said to anybody.</summary>
    public SimMember? Die()
    {
        _isDead = true;
        return _member;
    }

    /// <summary>What librdkafka does from within a poll.</summary>
    private void Rebalance()
    {
        // It may be a while until the client hears that it is no member any more: meanwhile it reads on.
        if (_member!.Gone && _lost.Count == 0 && broker.Faults.Draw(.7)) return;
        if (_member.Gone) _lost.UnionWith(_positions.Keys);
        if (_lost.Count > 0) Revoke([.. _positions.Keys.Where(_lost.Contains)], lost: true);
        if (_member.Gone) _member = broker.Group.Join();
        SimGroup group = broker.Group;
        if (group.IsRebalancing && !_member.Joined)
        {
            bool eager = broker.Faults.Random.Next(2) == 0;
            Revoke([.. _positions.Keys.Where(p => eager || !_member.Target.Contains(p))], lost: false);
            if (!_member.Gone) group.JoinRound(_member);
        }

        if (group.IsRebalancing || _member.Gone || _member.Generation != group.Generation) return;
        int[] fresh = [.. _member.Target.Where(p => !_positions.ContainsKey(p)).Order()];
        if (fresh.Length > 0) Assign(fresh);
    }

    private void Assign(int[] partitions)
    {
        PartitionAssignment[] assignments = [.. partitions.Select(p =>
        {
            (long offset, string? text) = broker.FetchCommitted(p);
            return new PartitionAssignment { Partition = p, CommittedOffset = offset, Metadata = text, HighOffset = broker.Logs[p].End, PartitionCount = broker.PartitionCount };
        })];
        _listener.OnAssigned(assignments);
        foreach (PartitionAssignment assignment in assignments)
        {
            _positions[assignment.Partition] = assignment.StartOffset;
            _ends[assignment.Partition] = broker.Logs[assignment.Partition].End;
        }
    }

    private void Revoke(int[] partitions, bool lost)
    {
        if (partitions.Length == 0) return;
        _listener.OnRevoked(partitions, lost);
        foreach (int partition in partitions)
        {
            _positions.Remove(partition);
            _paused.Remove(partition);
            _lost.Remove(partition);
        }
    }
}
