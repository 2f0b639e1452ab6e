using FastIot.Recovery;

namespace FastIot.Emit;

/// <summary>What the file writer does for a partition, in the order it was handed over.</summary>
internal abstract class FileJob(FileProgress progress, long upToUs)
{
    public FileProgress Progress { get; } = progress;

    /// <summary>Last window end that it speaks of.</summary>
    public long UpToUs { get; } = upToUs;

    /// <summary>Memory it holds until it is done.</summary>
    public virtual long Bytes => 0;

    /// <summary>Gives its memory back.</summary>
    public virtual void Release(FeatureFileWriter writer)
    {
    }
}

/// <summary>Writes rows as a file; without any, only moves the bound.</summary>
internal sealed class RowsJob(FileProgress progress, FeatureRows rows) : FileJob(progress, rows.UpToUs)
{
    public FeatureRows Rows { get; } = rows;

    public override long Bytes { get; } = rows.Bytes;

    public override void Release(FeatureFileWriter writer) => writer.Return(Rows);
}

/// <summary>Stores slow state as it was at a window end, behind the files up to there.</summary>
internal sealed class SnapshotJob(FileProgress progress, NativeArray<byte> content, int length, long windowEndUs, string name) : FileJob(progress, windowEndUs)
{
    /// <summary>The snapshot; its hash is not there yet.</summary>
    public NativeArray<byte> Content { get; } = content;

    public int Length { get; } = length;

    public string Name { get; } = name;

    public string? Hash { get; set; }

    public override long Bytes { get; } = content.Bytes;

    public override void Release(FeatureFileWriter writer) => writer.Return(Content);
}

/// <summary>Removes the partition's snapshots before a committed one.</summary>
/// <param name="prefix">What names of the partition's snapshots begin with; they sort by time.</param>
/// <param name="committed">The one to keep.</param>
internal sealed class SweepJob(FileProgress progress, string prefix, string committed) : FileJob(progress, CommitMetadata.None)
{
    public string Prefix => prefix;

    public string Committed => committed;
}
