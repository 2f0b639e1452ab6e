using FastIot.Ingest;

namespace FastIot;

/// <summary>Where a partition's reading begins, from what the group has committed and what the log still holds. Never a guess: what does not fit is refused.</summary>
internal static class StartPosition
{
    /// <summary>Sets the assignment's start offset.</summary>
    /// <returns>The state to resume from; null for a partition nobody has read.</returns>
    /// <exception cref="IngestException">The commit is foreign, of another configuration, or no longer in the log.</exception>
    public static CommitMetadata? Decide(ref PartitionAssignment assignment, PipelineOptions options, string configHash)
    {
        string where = $"partition {assignment.Partition} of {options.Topic}";
        if (assignment.CommittedOffset < 0)
        {
            assignment.StartOffset = assignment.LowOffset;
            return null;
        }

        if (string.IsNullOrEmpty(assignment.Metadata))
            throw new IngestException($"{where}: the group has committed offset {assignment.CommittedOffset} without FastIot's metadata (another program, or an offset reset, did). Use a new group, or delete this group's offsets.");
        CommitMetadata committed;
        try
        {
            committed = CommitMetadata.Parse(assignment.Metadata);
        }
        catch (FormatException e)
        {
            throw new IngestException($"{where}, committed offset {assignment.CommittedOffset}: {e.Message}. Use a new group, or delete this group's offsets.", e);
        }

        if (committed.ConfigHash != configHash)
            throw new IngestException($"{where}: the group's state was written with another configuration of windows, decoding or files (hash {committed.ConfigHash}, now {configHash}). Use the former configuration, or a new group.");
        if (assignment.CommittedOffset < assignment.LowOffset)
            throw new IngestException($"{where}: readings from offset {assignment.CommittedOffset} on are needed, but the log begins at {assignment.LowOffset}: {assignment.LowOffset - assignment.CommittedOffset} records have expired. Raise the topic's retention; to go on without them, use a new group.");
        if (assignment.CommittedOffset > assignment.HighOffset)
            throw new IngestException($"{where}: the group has committed offset {assignment.CommittedOffset}, but the log ends at {assignment.HighOffset}: the topic was recreated. Use a new group.");
        assignment.StartOffset = assignment.CommittedOffset;
        return committed;
    }
}
