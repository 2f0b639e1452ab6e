using FastIot.Ingest;

namespace FastIot.Tests;

public sealed class StartPositionTests
{
    private static readonly PipelineOptions s_options = new();
    private static readonly string s_hash = s_options.ConfigHash();

    [Fact]
    public void Metadata_survives_its_text_and_stays_small()
    {
        var metadata = new CommitMetadata(long.MaxValue, 1_793_576_940_000_000, long.MinValue, 9_214_646_400_000_000, s_hash);
        Assert.Equal(metadata, CommitMetadata.Parse(metadata.ToString()));
        Assert.True(metadata.ToString().Length < CommitMetadata.MaxLength);
    }

    [Fact]
    public void A_partition_nobody_has_read_begins_at_the_log_s_begin()
    {
        var assignment = new PartitionAssignment { CommittedOffset = -1, LowOffset = 17, HighOffset = 20 };
        Assert.Null(StartPosition.Decide(ref assignment, s_options, s_hash));
        Assert.Equal(17, assignment.StartOffset);
    }

    [Fact]
    public void A_commit_of_ours_is_resumed()
    {
        var metadata = new CommitMetadata(50, 100, 60, 60, s_hash);
        var assignment = new PartitionAssignment { CommittedOffset = 40, Metadata = metadata.ToString(), LowOffset = 0, HighOffset = 60 };
        Assert.Equal(metadata, StartPosition.Decide(ref assignment, s_options, s_hash));
        Assert.Equal(40, assignment.StartOffset);
    }

    [Theory]
    [InlineData(null, 0, 60, "without FastIot's metadata")]
    [InlineData("", 0, 60, "without FastIot's metadata")]
    [InlineData("hello", 0, 60, "not written by FastIot")]
    [InlineData("v=1;pos=x;emit=-;pq=-;snap=-;h=0", 0, 60, "not written by FastIot")]
    [InlineData("v=2;pos=1", 0, 60, "format 2")]
    [InlineData("v=1;pos=50;emit=-;pq=-;snap=-;h=ffffffff", 0, 60, "another configuration")]
    [InlineData("OURS", 41, 60, "1 records have expired")]
    [InlineData("OURS", 0, 39, "recreated")]
    public void What_does_not_fit_is_refused_and_the_message_says_why(string? metadata, long low, long high, string why)
    {
        if (metadata == "OURS") metadata = new CommitMetadata(50, 100, 60, 60, s_hash).ToString();
        var assignment = new PartitionAssignment { Partition = 3, CommittedOffset = 40, Metadata = metadata, LowOffset = low, HighOffset = high };
        IngestException refused = Assert.Throws<IngestException>(() => StartPosition.Decide(ref assignment, s_options, s_hash));
        Assert.Contains(why, refused.Message);
        Assert.Contains("partition 3 of raw-readings", refused.Message);
    }

    [Fact]
    public void The_hash_tells_configurations_apart()
    {
        Assert.NotEqual(s_hash, (s_options with { Windows = s_options.Windows with { LatenessUs = 1 } }).ConfigHash());
        Assert.Equal(s_hash, (s_options with { Workers = 7, AlarmBudget = 3 }).ConfigHash());
    }
}
