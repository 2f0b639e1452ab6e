using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Recovery;
using FastIot.Scoring;
using Microsoft.Extensions.Logging;

namespace FastIot;

/// <summary>Takes partitions over: start position, slow state, model, as they were committed.</summary>
internal sealed class PartitionOpener(PipelineOptions options, WindowCloser closer, OutputChannels channels, ILogger log)
{
    private readonly string _configHash = options.ConfigHash();

    /// <summary>Sets the assignment's start offset.</summary>
    /// <exception cref="IngestException">What is committed cannot be resumed; the message says why and what to do.</exception>
    /// <exception cref="ObjectStoreException">The store does not answer.</exception>
    public Partition Open(ref PartitionAssignment assignment, PartitionStatistics statistics)
    {
        StartState start = StartPosition.Decide(in assignment, options, _configHash);
        if (start.Notice is { } notice) Log.Notice(log, notice);
        if (start.Committed is { } at) CheckModels(assignment.Partition, at.Model);
        assignment.StartOffset = start.Offset;
        Partition partition = Load(assignment.Partition, in start, statistics);
        partition.Begin(in start);
        Log.Assigned(log, options.Topic, assignment.Partition, start.Offset, start.Committed?.Position ?? start.Offset);
        return partition;
    }

    private Partition New(int number, PartitionStatistics statistics) => new(number, options, _configHash, closer, channels, statistics);

    private Partition Load(int number, in StartState start, PartitionStatistics statistics)
    {
        Partition partition = New(number, statistics);
        if (start.Committed is not { SnapshotUs: not CommitMetadata.None, SnapshotHash.Length: > 0 } committed || channels.Files == null) return partition;
        string name = SlowStateSnapshot.Name(options, number, committed.SnapshotUs, start.SnapshotConfigHash);
        string where = $"partition {number} of {options.Topic}: the snapshot {name} in {channels.Files.Location}";
        byte[]? snapshot = channels.Files.Store.GetAsync(name, CancellationToken.None).GetAwaiter().GetResult();
        try
        {
            if (snapshot == null) throw new InvalidDataException("it is not there");
            partition.Load(snapshot, options, committed);
            return partition;
        }
        catch (InvalidDataException e)
        {
            partition.Dispose();
            statistics.Assigned = true;
            string problem = $"{where} cannot be used: {e.Message}";
            if (options.OnSnapshotLoss == SnapshotLossPolicy.Fail && !start.MayStartCold)
                throw new IngestException($"{problem}. Put it back; or let the series learn their baselines anew: --on-snapshot-loss cold-start.", e);
            Log.Notice(log, $"{problem}; its series begin cold");
            statistics.SnapshotsLost++;
            return New(number, statistics);
        }
    }

    /// <summary>A replay scores by the model that its windows were scored by.</summary>
    private void CheckModels(int number, ModelInForce model)
    {
        try
        {
            _ = closer.Scorers[model.Version];
            if (model.IsChanging) _ = closer.Scorers[model.Next];
        }
        catch (ModelException e)
        {
            throw new IngestException($"partition {number} of {options.Topic}: its last windows were scored by a model that is no longer there: {e.Message}. Put it back until they are stored; --model-version chooses which one scores from then on.", e);
        }
    }
}
