using System.Runtime.InteropServices;
using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Recovery;

namespace FastIot;

/// <summary>One commit of a worker: what each of its partitions has to say, with the records written since the last one.</summary>
internal sealed class WorkerCommit(PipelineOptions options, OutputChannels channels)
{
    private readonly List<PartitionCommit> _commits = [];
    private readonly List<Partition> _prepared = [];

    /// <param name="deciding">A partition whose idle advance is decided on by this commit; null = none.</param>
    /// <returns>Committed also when there was nothing to say.</returns>
    /// <exception cref="EmitException">Files can no longer be written; or (at least once) records were not acknowledged.</exception>
    public CommitResult Commit(IRecordSource source, AssignedPartitions partitions, Partition? deciding, long? advanceTo)
    {
        if (channels.Files?.Fault is { } fault) throw new EncodingException($"feature rows could not be encoded: {fault.Message}", fault);
        _commits.Clear();
        _prepared.Clear();
        var group = source as IGroupSource;
        foreach (Partition partition in partitions.Span)
        {
            // The broker takes the offset of any partition from a member whose generation is right: that it is ours, only we can check. What
            // was written for one that is not, is in the same transaction as all the rest.
            if (group != null && !group.Owns(partition.Number) && options.Fault != ProtocolFault.NoOwnership)
                return CommitResult.Aborted($"partition {partition.Number} of {options.Topic} is another member's by now");
            if (!partition.Progress.TryPrepare(partition == deciding ? advanceTo : null, partition.Progress.WantsModelChange, out PartitionCommit commit)) continue;
            _commits.Add(commit);
            _prepared.Add(partition);
        }

        if (_commits.Count == 0) return CommitResult.Committed;
        CommitResult result = Send(source, group);
        if (result.Outcome != CommitOutcome.Committed) return result;
        foreach (Partition partition in _prepared) partition.Progress.Accept();
        channels.Uncommitted = 0;
        channels.Statistics.Commits++;
        return result;
    }

    private CommitResult Send(IRecordSource source, IGroupSource? group)
    {
        Span<PartitionCommit> commits = CollectionsMarshal.AsSpan(_commits);
        if (channels.Records is not ITransactionalSink sink)
        {
            channels.Records.Flush(options.OutputTimeout);
            return source.Commit(commits);
        }

        using IGroupMembership? membership = group?.Group();
        return membership == null ? CommitResult.Aborted("the worker is no member of the group at the moment") : sink.Commit(commits, membership, options.OutputTimeout);
    }
}

/// <summary>A file cannot be encoded: a defect, and no trying again mends it.</summary>
public sealed class EncodingException(string message, Exception inner) : Exception(message, inner);
