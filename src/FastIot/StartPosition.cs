using FastIot.Ingest;
using FastIot.Recovery;
using FastIot.Windows;

namespace FastIot;

/// <summary>Where and how reading of a partition begins.</summary>
internal readonly record struct StartState
{
    /// <summary>First offset to read.</summary>
    public required long Offset { get; init; }

    /// <summary>What is out already; null for a partition nobody has read.</summary>
    public CommitMetadata? Committed { get; init; }

    /// <summary>Config hash in the name of the snapshot: that of whoever wrote it.</summary>
    public string SnapshotConfigHash { get; init; }

    /// <summary>The snapshot may have been learnt with other features: then a cold start is what the policy has asked for.</summary>
    public bool MayStartCold { get; init; }

    /// <summary>Records that were needed and are no longer in the log.</summary>
    public long Gap { get; init; }

    /// <summary>Partitions of the topic; 0 = unknown.</summary>
    public int Partitions { get; init; }

    /// <summary>What the operator should know; null = all as usual.</summary>
    public string? Notice { get; init; }
}

/// <summary>
/// Decides where a partition's reading begins, from what the group has committed and what the log still holds. Never a guess: what does not
/// fit is refused, unless a policy says what to do.
/// </summary>
internal static class StartPosition
{
    private const string Help = "To go on with the present configuration from where the group is: --on-config-change restart-windows. To begin anew: another --group, or delete this group's offsets.";

    /// <exception cref="IngestException">The commit is foreign, of another configuration, or no longer in the log.</exception>
    public static StartState Decide(in PartitionAssignment assignment, PipelineOptions options, string configHash)
    {
        string where = $"partition {assignment.Partition} of {options.Topic}";
        if (assignment.CommittedOffset < 0) return Fresh(in assignment, assignment.LowOffset, null);
        CommitMetadata? committed = Read(in assignment, options, where);
        StartState start = committed == null
            ? Fresh(in assignment, assignment.CommittedOffset, $"{where}: begins at offset {assignment.CommittedOffset} without knowing what is out, as --on-config-change says")
            : Resume(in assignment, committed, options, configHash, where);
        return WithinLog(in assignment, start, options, where);
    }

    private static CommitMetadata? Read(in PartitionAssignment assignment, PipelineOptions options, string where)
    {
        string metadata = assignment.Metadata ?? "";
        try
        {
            if (metadata.Length > 0) return CommitMetadata.Parse(metadata);
            if (options.OnConfigChange == ConfigChangePolicy.RestartWindows) return null;
            throw new IngestException($"{where}: the group has committed offset {assignment.CommittedOffset} without FastIot's metadata (another program, or an offset reset, did). {Help}");
        }
        catch (UnknownFormatException e)
        {
            throw new IngestException($"{where}, committed offset {assignment.CommittedOffset}: {e.Message}. Run the version of FastIot that wrote it, or begin anew: another --group, or delete this group's offsets.", e);
        }
        catch (FormatException e)
        {
            if (options.OnConfigChange == ConfigChangePolicy.RestartWindows) return null;
            throw new IngestException($"{where}, committed offset {assignment.CommittedOffset}: {e.Message}. {Help}", e);
        }
    }

    private static StartState Resume(in PartitionAssignment assignment, CommitMetadata committed, PipelineOptions options, string configHash, string where)
    {
        var start = new StartState { Offset = assignment.CommittedOffset, Committed = committed, SnapshotConfigHash = committed.ConfigHash, Partitions = assignment.PartitionCount };
        string? change = null;
        if (committed.ConfigHash != configHash)
            change = $"the group's state was written with another configuration of readings, windows, features, alarms or model (hash {committed.ConfigHash}, now {configHash}; fastiot config shows the present one)";
        else if (committed.Partitions > 0 && assignment.PartitionCount > 0 && committed.Partitions != assignment.PartitionCount)
            change = $"the topic had {committed.Partitions} partitions and has {assignment.PartitionCount} now: sensors have moved, their windows around the change are split";
        if (change == null) return start;
        if (options.OnConfigChange == ConfigChangePolicy.Fail) throw new IngestException($"{where}: {change}. {Help}");
        return Restart(start, committed, options, configHash, $"{where}: {change}; windows are restarted from offset {start.Offset}, as --on-config-change says");
    }

    /// <summary>
    /// A replay from the committed offset has every reading from the snapshot − the former window on. So the first window that is whole under
    /// the present configuration begins there; those before are left out, and all that is out stays out.
    /// </summary>
    private static StartState Restart(StartState start, CommitMetadata committed, PipelineOptions options, string configHash, string notice)
    {
        if (committed.SnapshotUs != CommitMetadata.None)
        {
            long whole = committed.SnapshotUs - committed.WindowUs + options.Windows.WindowUs;
            long before = Watermark.Floor(whole - 1, options.Windows.SlideUs);
            long emitted = Math.Max(committed.EmittedUs, before), stored = Math.Max(committed.StoredUs, before);
            if (stored > committed.StoredUs) notice += $"; rows of window ends before {DateTime.UnixEpoch.AddMicroseconds(stored):u} are left out";
            committed = committed with { EmittedUs = emitted, StoredUs = stored };
        }

        return start with { Committed = committed with { ConfigHash = configHash, Partitions = start.Partitions }, MayStartCold = true, Notice = notice };
    }

    private static StartState WithinLog(in PartitionAssignment assignment, StartState start, PipelineOptions options, string where)
    {
        long low = assignment.LowOffset, high = assignment.HighOffset;
        if (start.Offset < low)
        {
            string missing = $"{where}: readings from offset {start.Offset} on are needed, but the log begins at {low}: {low - start.Offset} records have expired";
            if (options.OnGap == GapPolicy.Fail) throw new IngestException($"{missing}. Raise the topic's retention; to go on without them: --on-gap earliest.");
            return start with { Offset = low, Gap = low - start.Offset, Notice = $"{missing}; going on without them, as --on-gap says: windows that miss readings are written as they are" };
        }

        if (start.Offset > high && high >= 0)
        {
            string beyond = $"{where}: the group has committed offset {start.Offset}, but the log ends at {high}: the topic was made anew";
            if (options.OnGap == GapPolicy.Fail) throw new IngestException($"{beyond}. Use another --group; or go on at its begin: --on-gap earliest.");
            return Fresh(in assignment, low, $"{beyond}; reading begins at {low}, as --on-gap says");
        }

        return start;
    }

    private static StartState Fresh(in PartitionAssignment assignment, long offset, string? notice) =>
        new() { Offset = offset, SnapshotConfigHash = "", Partitions = assignment.PartitionCount, Notice = notice };
}
