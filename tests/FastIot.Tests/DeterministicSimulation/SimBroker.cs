using FastIot.Ingest;
using FastIot.Recovery;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>A record that a pipeline wrote: which topic, from which partition, and what it says.</summary>
internal readonly record struct SimOutput(string Topic, int Partition, string Text);

/// <summary>One producer's transaction.</summary>
internal sealed class SimTransaction
{
    public List<SimOutput> Records { get; } = [];

    public PartitionCommit[] Offsets { get; set; } = [];

    /// <summary>The end was asked for and is under way: it will be committed before anybody reads these offsets again.</summary>
    public bool IsCommitting { get; set; }
}

/// <summary>
/// A Kafka as far as the protocol needs one: logs, committed offsets with metadata, transactions by producer id and epoch. Judges what is
/// committed: what must never go back, never does.
/// </summary>
internal sealed class SimBroker : IDisposable
{
    private readonly Dictionary<string, (int Epoch, SimTransaction? Open)> _producers = [];

    public SimBroker(SimFaults faults, Random random, int partitions, int most)
    {
        Faults = faults;
        Logs = [.. Enumerable.Range(0, partitions).Select(_ => new SimLog(random, most))];
        Group = new SimGroup(this);
        Idle = [.. Logs.Select(_ => new SortedDictionary<long, long>())];
        Models = [.. Logs.Select(_ => new SortedDictionary<long, int>())];
    }

    public SimFaults Faults { get; }

    public SimLog[] Logs { get; }

    public SimGroup Group { get; }

    public Dictionary<int, (long Offset, CommitMetadata Metadata, string Text)> Committed { get; } = [];

    /// <summary>Everything a read_committed consumer sees.</summary>
    public List<SimOutput> Outputs { get; } = [];

    /// <summary>Idle decisions ever committed, by partition and position.</summary>
    public SortedDictionary<long, long>[] Idle { get; }

    /// <summary>Model versions ever committed, by partition and window end from which.</summary>
    public SortedDictionary<long, int>[] Models { get; }

    public int Commits { get; private set; }

    /// <summary>What was committed, in order: for whoever looks into a failure.</summary>
    public List<string> Trace { get; } = [];

    public int LongestMetadata { get; private set; }

    /// <summary>Partitions of the topic as clients are told.</summary>
    public int PartitionCount => Logs.Length;

    /// <summary>Fences whoever used the id before, and ends what that one left open.</summary>
    public int InitProducer(string id)
    {
        (int epoch, SimTransaction? open) = _producers.GetValueOrDefault(id);
        if (open != null) End(open, commit: open.IsCommitting);
        _producers[id] = (epoch + 1, null);
        return epoch + 1;
    }

    public bool IsFenced(string id, int epoch) => _producers[id].Epoch != epoch;

    public SimTransaction Open(string id)
    {
        (int epoch, SimTransaction? open) = _producers[id];
        if (open == null) _producers[id] = (epoch, open = new SimTransaction());
        return open;
    }

    /// <summary>Commits or aborts the producer's transaction.</summary>
    public void EndTransaction(string id, bool commit)
    {
        (int epoch, SimTransaction? open) = _producers[id];
        _producers[id] = (epoch, null);
        if (open != null) End(open, commit);
    }

    /// <summary>
    /// What is committed for the partition. While a transaction with an offset for it is undecided, a reader waits: until it is committed if
    /// that is under way, or aborted by its time-out, which fences its producer.
    /// </summary>
    public (long Offset, string? Text) FetchCommitted(int partition)
    {
        foreach ((string id, (int epoch, SimTransaction? open)) in _producers.ToArray())
        {
            if (open == null || !open.Offsets.Any(o => o.Partition == partition)) continue;
            bool commit = open.IsCommitting;
            _producers[id] = (commit ? epoch : epoch + 1, null);
            End(open, commit);
        }

        return Committed.TryGetValue(partition, out (long Offset, CommitMetadata Metadata, string Text) committed) ? (committed.Offset, committed.Text) : (-1, null);
    }

    public void Dispose()
    {
        foreach (SimLog log in Logs) log.Dispose();
    }

    private void End(SimTransaction transaction, bool commit)
    {
        if (!commit) return;
        Outputs.AddRange(transaction.Records);
        foreach (PartitionCommit offset in transaction.Offsets) Commit(offset);
        Commits++;
    }

    private void Commit(PartitionCommit commit)
    {
        Trace.Add($"[{commit.Partition}] {commit.Offset} {commit.Metadata}");
        CommitMetadata now = CommitMetadata.Parse(commit.Metadata);
        LongestMetadata = Math.Max(LongestMetadata, commit.Metadata.Length);
        string where = $"partition {commit.Partition}: {commit.Offset} {commit.Metadata}";
        if (now.SnapshotUs > now.StoredUs || now.StoredUs > now.EmittedUs) throw new SimViolation($"not snapshot ≤ stored ≤ emitted: {where}");
        if (commit.Offset > now.Position) throw new SimViolation($"replay offset beyond the position: {where}");
        if (Committed.TryGetValue(commit.Partition, out (long Offset, CommitMetadata Metadata, string Text) before))
        {
            CommitMetadata was = before.Metadata;
            if (commit.Offset < before.Offset || now.Position < was.Position || now.EmittedUs < was.EmittedUs || now.StoredUs < was.StoredUs || now.SnapshotUs < was.SnapshotUs)
                throw new SimViolation($"went back: {where}, before {before.Offset} {before.Text}");
        }

        for (int i = 0; i < now.Idle.Count; i++) Idle[commit.Partition][now.Idle[i].Position] = Math.Max(now.Idle[i].WindowEndUs, Idle[commit.Partition].GetValueOrDefault(now.Idle[i].Position));
        if (Models[commit.Partition].Count == 0 || now.EmittedUs == CommitMetadata.None) Models[commit.Partition][long.MinValue] = now.Model.Version;
        if (now.Model.IsChanging) Models[commit.Partition][now.Model.NextFromUs] = now.Model.Next;
        Committed[commit.Partition] = (commit.Offset, now, commit.Metadata);
    }
}
