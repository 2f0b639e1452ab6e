using System.Runtime.InteropServices;
using System.Text;
using FastIot.Ingest;

namespace FastIot.Tests.Engine;

/// <summary>A record in a test's log.</summary>
internal sealed record LogRecord(int Partition, byte[]? Key, byte[]? Value, long TimestampMs = -1)
{
    public static LogRecord Of(int partition, string sensor, string json, long timestampMs = -1) =>
        new(partition, Encoding.UTF8.GetBytes(sensor), Encoding.UTF8.GetBytes(json), timestampMs);
}

/// <summary>A topic in memory: partitions, offsets, committed offsets with metadata. Survives the sources that read it.</summary>
internal sealed class MemoryLog
{
    public SortedDictionary<int, List<LogRecord>> Partitions { get; } = [];

    public Dictionary<int, (long Offset, string Metadata)> Committed { get; } = [];

    public void Add(LogRecord record)
    {
        if (!Partitions.TryGetValue(record.Partition, out List<LogRecord>? log)) Partitions.Add(record.Partition, log = []);
        log.Add(record);
    }
}

/// <summary>Delivers a <see cref="MemoryLog"/> in chunks of random size, partition by partition, as consumers do.</summary>
internal sealed unsafe class MemorySource(MemoryLog log, int seed = 1, bool ends = true) : IRecordSource
{
    private readonly Random _random = new(seed);
    private readonly Dictionary<int, long> _positions = [];
    private readonly HashSet<int> _paused = [];
    private readonly List<nint> _memory = [];
    private IAssignmentListener? _listener;
    private bool _assigned;

    public bool Completed => ends && _assigned && _positions.All(p => p.Value >= log.Partitions[p.Key].Count);

    public IReadOnlySet<int> Paused => _paused;

    /// <summary>Called after each poll that found nothing.</summary>
    public Action? OnIdle { get; init; }

    public void Start(IAssignmentListener listener) => _listener = listener;

    public int Poll(Span<Record> records, int timeoutMs)
    {
        Release();
        if (!_assigned) Assign();
        int count = 0;
        foreach (int partition in log.Partitions.Keys.OrderBy(_ => _random.Next()))
        {
            if (_paused.Contains(partition)) continue;
            int take = _random.Next(1, 50);
            while (take-- > 0 && count < records.Length && _positions[partition] < log.Partitions[partition].Count)
            {
                long offset = _positions[partition]++;
                LogRecord record = log.Partitions[partition][(int)offset];
                records[count++] = new Record
                {
                    Key = Copy(record.Key),
                    KeyLength = record.Key?.Length ?? 0,
                    Value = Copy(record.Value),
                    ValueLength = record.Value?.Length ?? 0,
                    Offset = offset,
                    TimestampMs = record.TimestampMs,
                    Partition = partition,
                };
            }
        }

        if (count == 0) OnIdle?.Invoke();
        return count;
    }

    public void Pause(int partition) => _paused.Add(partition);

    public void Resume(int partition) => _paused.Remove(partition);

    public long HighOffset(int partition) => log.Partitions[partition].Count;

    public CommitResult Commit(ReadOnlySpan<PartitionCommit> commits)
    {
        foreach (PartitionCommit commit in commits)
        {
            Assert.True(!log.Committed.TryGetValue(commit.Partition, out (long Offset, string Metadata) before) || before.Offset <= commit.Offset, "the committed offset went back");
            log.Committed[commit.Partition] = (commit.Offset, commit.Metadata);
        }

        return CommitResult.Committed;
    }

    public void Close() => _listener!.OnRevoked([.. _positions.Keys], lost: false);

    public void Dispose() => Release();

    private void Assign()
    {
        _assigned = true;
        PartitionAssignment[] assignments = [.. log.Partitions.Select(p => new PartitionAssignment
        {
            Partition = p.Key,
            CommittedOffset = log.Committed.TryGetValue(p.Key, out (long Offset, string Metadata) c) ? c.Offset : -1,
            Metadata = log.Committed.TryGetValue(p.Key, out c) ? c.Metadata : null,
            HighOffset = p.Value.Count,
        })];
        _listener!.OnAssigned(assignments);
        foreach (PartitionAssignment assignment in assignments) _positions[assignment.Partition] = assignment.StartOffset;
    }

    /// <summary>Each record in memory of its own, exactly as long as it is: tools that find reads beyond the end see them.</summary>
    private byte* Copy(byte[]? bytes)
    {
        if (bytes == null) return null;
        byte* copy = (byte*)NativeMemory.Alloc((nuint)Math.Max(bytes.Length, 1));
        bytes.CopyTo(new Span<byte>(copy, bytes.Length));
        _memory.Add((nint)copy);
        return copy;
    }

    private void Release()
    {
        foreach (nint memory in _memory) NativeMemory.Free((void*)memory);
        _memory.Clear();
    }
}
