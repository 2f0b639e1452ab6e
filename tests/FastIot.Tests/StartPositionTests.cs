using FastIot.Ingest;
using FastIot.Recovery;

namespace FastIot.Tests;

public sealed class StartPositionTests
{
    private const long Second = 1_000_000;
    private const long At = 1_793_577_600 * Second;

    private static readonly PipelineOptions s_options = new();
    private static readonly string s_hash = s_options.ConfigHash();

    private static CommitMetadata Ours => new(50, At + 70 * Second, At + 60 * Second, At, s_hash) { SnapshotHash = "1a2b3c4d", WindowUs = 60 * Second, Partitions = 10 };

    [Fact]
    public void Metadata_survives_its_text_and_stays_below_150_bytes()
    {
        CommitMetadata usual = Ours with
        {
            Position = 1_234_567_890_123,
            Idle = new IdleDecisions().With(new IdleDecision(1_234_567_878_000, At + 30 * Second)).With(new IdleDecision(1_234_567_890_123, At + 3600 * Second)),
            Model = new ModelInForce(11, 12, At + 80 * Second),
        };
        Assert.Equal(usual, CommitMetadata.Parse(usual.ToString()));
        Assert.InRange(usual.ToString().Length, 1, 150);
        var odd = new CommitMetadata(long.MaxValue, At + 1, CommitMetadata.None, CommitMetadata.None, s_hash) { WindowUs = 7 };
        Assert.Equal(odd, CommitMetadata.Parse(odd.ToString()));
        CommitMetadata empty = odd with { EmittedUs = CommitMetadata.None, WindowUs = 0 };
        Assert.Equal(empty, CommitMetadata.Parse(empty.ToString()));
    }

    [Fact]
    public void A_partition_nobody_has_read_begins_at_the_log_s_begin()
    {
        StartState start = StartPosition.Decide(new PartitionAssignment { CommittedOffset = -1, LowOffset = 17, HighOffset = 20 }, s_options, s_hash);
        Assert.Null(start.Committed);
        Assert.Equal(17, start.Offset);
    }

    [Fact]
    public void A_commit_of_ours_is_resumed()
    {
        StartState start = Decide(Ours.ToString(), s_options);
        Assert.Equal(Ours, start.Committed);
        Assert.Equal(40, start.Offset);
        Assert.Null(start.Notice);
    }

    [Theory]
    [InlineData(null, 0, 60, "without FastIot's metadata")]
    [InlineData("", 0, 60, "without FastIot's metadata")]
    [InlineData("hello", 0, 60, "not written by FastIot")]
    [InlineData("v=2;pos=x;emit=-;pq=-;snap=-;h=0", 0, 60, "not written by FastIot")]
    [InlineData("v=3;pos=1", 0, 60, "format 3")]
    [InlineData("v=2;pos=50;emit=-;pq=-;snap=-;h=ffffffff", 0, 60, "another configuration")]
    [InlineData("OURS", 41, 60, "1 records have expired")]
    [InlineData("OURS", 0, 39, "made anew")]
    public void What_does_not_fit_is_refused_and_the_message_says_why_and_what_to_do(string? metadata, long low, long high, string why)
    {
        if (metadata == "OURS") metadata = Ours.ToString();
        IngestException refused = Assert.Throws<IngestException>(() => Decide(metadata, s_options, low, high));
        Assert.Contains(why, refused.Message);
        Assert.Contains("partition 3 of raw-readings", refused.Message);
        Assert.Contains("--", refused.Message);
    }

    [Fact]
    public void Another_number_of_partitions_is_refused_or_taken_over()
    {
        IngestException refused = Assert.Throws<IngestException>(() => Decide(Ours.ToString(), s_options, partitions: 20));
        Assert.Contains("had 10 partitions and has 20 now", refused.Message);
        StartState start = Decide(Ours.ToString(), s_options with { OnConfigChange = ConfigChangePolicy.RestartWindows }, partitions: 20);
        Assert.Equal(20, start.Committed!.Partitions);
    }

    [Fact]
    public void With_restart_windows_what_is_out_stays_out_and_the_first_whole_window_follows()
    {
        PipelineOptions budget = s_options with { AlarmBudget = 3, OnConfigChange = ConfigChangePolicy.RestartWindows };
        StartState same = StartPosition.Decide(Assignment(Ours.ToString()), budget, budget.ConfigHash());
        Assert.Equal((40, At + 70 * Second, At + 60 * Second), (same.Offset, same.Committed!.EmittedUs, same.Committed.StoredUs));
        Assert.Equal(budget.ConfigHash(), same.Committed.ConfigHash);
        Assert.Equal(s_hash, same.SnapshotConfigHash);

        // Windows of 300 s need readings from before the replay offset: the first whole one begins where the former ones before the snapshot did.
        PipelineOptions longer = budget with { Windows = budget.Windows with { WindowUs = 300 * Second } };
        StartState start = StartPosition.Decide(Assignment(Ours.ToString()), longer, longer.ConfigHash());
        Assert.Equal(At + 230 * Second, start.Committed!.EmittedUs);
        Assert.Contains("left out", start.Notice);

        Assert.Null(Decide("hello", budget).Committed);
        Assert.Contains("format 3", Assert.Throws<IngestException>(() => Decide("v=3;pos=1", budget)).Message);
    }

    [Fact]
    public void With_earliest_a_gap_is_counted_and_a_topic_made_anew_is_begun()
    {
        PipelineOptions earliest = s_options with { OnGap = GapPolicy.Earliest };
        StartState start = Decide(Ours.ToString(), earliest, low: 45);
        Assert.Equal((45, 5), (start.Offset, start.Gap));
        Assert.Equal(Ours, start.Committed);
        start = Decide(Ours.ToString(), earliest, low: 3, high: 9);
        Assert.Equal(3, start.Offset);
        Assert.Null(start.Committed);
    }

    [Fact]
    public void The_hash_tells_configurations_apart_that_give_other_rows_or_alarms()
    {
        PipelineOptions[] others =
        [
            s_options with { Windows = s_options.Windows with { LatenessUs = 1 } }, s_options with { AlarmBudget = 3 }, s_options with { MaxSeriesPerPartition = 3 },
            s_options with { ModelName = "m" }, s_options with { Decode = s_options.Decode with { ValueName = "v" } },
            s_options with { Features = s_options.Features with { WarmingWindows = 3 } }, s_options with { Features = s_options.Features with { Floors = [1] } },
            s_options with { Features = s_options.Features with { Lags = [0] } },
            s_options with { Features = s_options.Features with { Names = [.. s_options.Features.Names.Reverse()] } },
            s_options with { Features = s_options.Features with { Names = ["mean"], RawMean = [1], RawScale = [2] } },
            s_options with { Features = s_options.Features with { Names = ["mean"], RawMean = [1.5], RawScale = [2] } },
        ];
        Assert.Equal(others.Length + 1, others.Append(s_options).Select(o => o.ConfigHash()).Distinct().Count());
        Assert.Equal(s_hash, (s_options with { Workers = 7, CommitInterval = TimeSpan.Zero, SnapshotUs = 5 }).ConfigHash());
    }

    private static PartitionAssignment Assignment(string? metadata, long low = 0, long high = 60, int partitions = 10) =>
        new() { Partition = 3, CommittedOffset = 40, Metadata = metadata, LowOffset = low, HighOffset = high, PartitionCount = partitions };

    private static StartState Decide(string? metadata, PipelineOptions options, long low = 0, long high = 60, int partitions = 10) =>
        StartPosition.Decide(Assignment(metadata, low, high, partitions), options, options.ConfigHash());
}
