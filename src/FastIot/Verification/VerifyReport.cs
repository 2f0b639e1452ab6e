namespace FastIot.Verification;

/// <summary>What one output was found to hold.</summary>
public sealed class OutputReport
{
    internal long CheckedCount, MissingCount, DuplicateCount, DifferentCount, UnexpectedCount;

    /// <summary>As many as there must be.</summary>
    public long Checked => CheckedCount;

    /// <summary>Not there.</summary>
    public long Missing => MissingCount;

    /// <summary>There once more than once.</summary>
    public long Duplicate => DuplicateCount;

    /// <summary>There with other values.</summary>
    public long Different => DifferentCount;

    /// <summary>There without a reading that it could come from.</summary>
    public long Unexpected => UnexpectedCount;

    internal long Problems => MissingCount + DuplicateCount + DifferentCount + UnexpectedCount;
}

/// <summary>One thing that is not as it must be.</summary>
/// <param name="Output">row, anomaly, dead letter, late reading, or commit.</param>
/// <param name="Problem">missing, duplicate, different, unexpected.</param>
/// <param name="Where">Series and window, or offset and index.</param>
/// <param name="Detail">Which values differ, and in which object or record.</param>
public sealed record Finding(string Output, string Problem, int Partition, string Where, string Detail);

/// <summary>What was read of one partition.</summary>
public sealed record PartitionReport(int Partition, long FromOffset, long ToOffset, string? CheckedAfter, string? EmittedUpTo, string? StoredUpTo, string? Note);

/// <summary>What <c>verify</c> found out. Complete and right exactly if <see cref="Ok"/>.</summary>
public sealed class VerifyReport
{
    /// <summary>Findings that are kept; beyond it they are counted only.</summary>
    public const int MostFindings = 1000;

    private readonly List<Finding> _findings = [];
    private readonly Lock _lock = new();
    private long _records, _readings, _windows;

    public bool Ok => Rows.Problems + Anomalies.Problems + DeadLetters.Problems + LateReadings.Problems + CommitProblems == 0;

    public required string Group { get; init; }

    public required string Topic { get; init; }

    public required string Store { get; init; }

    public long Records => _records;

    public long Readings => _readings;

    /// <summary>Windows of one series each, computed from the log within the range.</summary>
    public long Windows => _windows;

    public OutputReport Rows { get; } = new();

    public OutputReport Anomalies { get; } = new();

    public OutputReport DeadLetters { get; } = new();

    public OutputReport LateReadings { get; } = new();

    /// <summary>Commits that contradict the log.</summary>
    public long CommitProblems { get; private set; }

    public List<PartitionReport> Partitions { get; } = [];

    public IReadOnlyList<Finding> Findings => _findings;

    internal void Read(long records, long readings, long windows)
    {
        Interlocked.Add(ref _records, records);
        Interlocked.Add(ref _readings, readings);
        Interlocked.Add(ref _windows, windows);
    }

    internal void Add(PartitionReport partition)
    {
        lock (_lock) Partitions.Add(partition);
    }

    internal void Missing(OutputReport output, string name, int partition, string where, string detail) => Add(ref output.MissingCount, name, "missing", partition, where, detail);

    internal void Duplicate(OutputReport output, string name, int partition, string where, string detail) => Add(ref output.DuplicateCount, name, "duplicate", partition, where, detail);

    internal void Different(OutputReport output, string name, int partition, string where, string detail) => Add(ref output.DifferentCount, name, "different", partition, where, detail);

    internal void Unexpected(OutputReport output, string name, int partition, string where, string detail) => Add(ref output.UnexpectedCount, name, "unexpected", partition, where, detail);

    internal void Commit(int partition, string where, string detail)
    {
        lock (_lock) CommitProblems++;
        Keep(new Finding("commit", "different", partition, where, detail));
    }

    private void Add(ref long count, string name, string problem, int partition, string where, string detail)
    {
        Interlocked.Increment(ref count);
        Keep(new Finding(name, problem, partition, where, detail));
    }

    private void Keep(Finding finding)
    {
        lock (_lock)
        {
            if (_findings.Count < MostFindings) _findings.Add(finding);
        }
    }
}
