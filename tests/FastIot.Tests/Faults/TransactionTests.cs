using System.Diagnostics;
using System.Text;
using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Kafka;
using FastIot.Observe;
using FastIot.Tests.Servers;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Faults;

/// <summary>Sink and source on a real broker: what is committed, what is refused, what is left. The mock cluster fences nobody.</summary>
public sealed class TransactionTests(RealServers servers) : IClassFixture<RealServers>
{
    private const int Partitions = 4;

    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(20);

    public static TheoryData<string> Protocols => ["eager", "cooperative", "static", "consumer"];

    [Theory]
    [MemberData(nameof(Protocols))]
    public void Records_offsets_and_metadata_are_committed_together(string protocol)
    {
        KafkaOptions options = Options(protocol);
        string metadata = new string('m', CommitMetadata.MaxLength);
        using (var member = new GroupMember(options, 0))
        using (TransactionalKafkaSink sink = Sink(options))
        {
            member.Until(() => member.Owned.Count == Partitions);
            Assert.All(member.Owned, p => Assert.True(member.Source.Owns(p)));
            Assert.True(sink.TryWriteAnomaly("a"u8, "{\"n\":1}"u8, 0));
            Assert.Equal(CommitOutcome.Committed, Commit(sink, member, new PartitionCommit(2, 5, metadata)).Outcome);
            Assert.Equal(CommitOutcome.Committed, Commit(sink, member, new PartitionCommit(2, 6, metadata)).Outcome);
            Assert.True(sink.TryWriteAnomaly("a"u8, "{\"n\":2}"u8, 0));
            // Else the brokers may not know of the transaction yet, refuse its end, and the producer is to be made anew.
            sink.Flush(s_timeout);
            Assert.Equal(CommitResult.Aborted("the end of the transaction was asked for"), sink.Abort(s_timeout));
            Assert.True(sink.TryWriteAnomaly("a"u8, "{\"n\":3}"u8, 0));
            Assert.Equal(CommitOutcome.Committed, Commit(sink, member, new PartitionCommit(2, 7, metadata)).Outcome);
        }

        Assert.Equal(["{\"n\":1}", "{\"n\":3}"], Committed(options));
        CommittedOffset found = GroupOffsets.Read(options, [2], s_timeout).Single();
        Assert.Equal((7L, metadata), (found.Offset, found.Metadata));
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void A_member_whose_generation_has_passed_can_commit_nothing(string protocol)
    {
        if (protocol == "static") return;
        KafkaOptions options = Options(protocol);
        using var first = new GroupMember(options, 0);
        using TransactionalKafkaSink sink = Sink(options);
        first.Until(() => first.Owned.Count == Partitions);
        IGroupMembership stale = first.Source.Group()!;
        using (var second = new GroupMember(options, 1))
        {
            GroupMember.Until(() => first.Owned.Count == Partitions / 2 && second.Owned.Count == Partitions / 2, first, second);
            Assert.True(sink.TryWriteAnomaly("a"u8, "{\"n\":1}"u8, 0));
            CommitResult refused = sink.Commit([new PartitionCommit(first.Owned.First(), 1, "m")], stale, s_timeout);
            Assert.True(refused.Outcome == CommitOutcome.Aborted, refused.ToString());
            stale.Dispose();
            // With what is true now it goes on.
            Assert.True(sink.TryWriteAnomaly("a"u8, "{\"n\":2}"u8, 0));
            Assert.Equal(CommitOutcome.Committed, Commit(sink, first, new PartitionCommit(first.Owned.First(), 1, "m")).Outcome);
        }

        Assert.Equal(["{\"n\":2}"], Committed(options));
    }

    [Fact]
    public void A_second_instance_under_the_same_id_fences_the_first_and_ends_what_it_left_open()
    {
        KafkaOptions options = Options("cooperative");
        using var member = new GroupMember(options, 0);
        using TransactionalKafkaSink zombie = Sink(options);
        member.Until(() => member.Owned.Count == Partitions);
        Assert.True(zombie.TryWriteAnomaly("a"u8, "{\"n\":1}"u8, 0));
        zombie.Flush(s_timeout);
        using TransactionalKafkaSink sink = Sink(options);
        Assert.True(sink.TryWriteAnomaly("a"u8, "{\"n\":2}"u8, 0));
        Assert.Equal(CommitOutcome.Committed, Commit(sink, member, new PartitionCommit(0, 1, "new")).Outcome);
        CommitResult fenced = Commit(zombie, member, new PartitionCommit(0, 9, "old"));
        Assert.True(fenced.Outcome == CommitOutcome.Unknown, fenced.ToString());
        Assert.Contains("pipeline.instance-id", fenced.Reason);
        // Discarded: it takes and keeps nothing any more.
        Assert.True(zombie.TryWriteAnomaly("a"u8, "{\"n\":3}"u8, 0));
        Assert.Equal(CommitOutcome.Unknown, Commit(zombie, member, new PartitionCommit(0, 9, "old")).Outcome);
        Assert.Equal(["{\"n\":2}"], Committed(options));
        Assert.Equal((1L, "new"), (GroupOffsets.Read(options, [0], s_timeout)[0].Offset, GroupOffsets.Read(options, [0], s_timeout)[0].Metadata));
    }

    [Fact]
    public void A_rewind_reads_again_from_what_is_committed_and_a_seek_from_where_it_says()
    {
        KafkaOptions options = Options("cooperative");
        Produce(options, 400);
        using var member = new GroupMember(options, 0);
        using TransactionalKafkaSink sink = Sink(options);
        member.Until(() => member.Read.Count == 400);
        long end = member.Read.Where(r => r.Partition == 1).Max(r => r.Offset) + 1;
        member.Until(() => member.Source.AtEnd(1, end));
        Assert.False(member.Source.AtEnd(1, end - 1) && member.Source.HighOffset(1) > end);
        Assert.Equal(CommitOutcome.Committed, Commit(sink, member, new PartitionCommit(1, 10, "m")).Outcome);
        member.Read.Clear();
        member.Source.Rewind();
        Assert.Equal(Partitions, member.Owned.Count);
        Assert.Equal((10L, "m"), (member.Last.Single(a => a.Partition == 1).CommittedOffset, member.Last.Single(a => a.Partition == 1).Metadata));
        member.Until(() => member.Read.Count == 390);
        Assert.Equal(10, member.Read.Where(r => r.Partition == 1).Min(r => r.Offset));
        member.Read.Clear();
        member.Source.Seek(1, end - 3);
        member.Until(() => member.Read.Count == 3);
        Assert.Equal([end - 3, end - 2, end - 1], member.Read.Select(r => r.Offset));
    }

    [Fact]
    public void From_begin_to_visible_takes_milliseconds()
    {
        KafkaOptions options = Options("cooperative");
        var latency = new LatencyHistogram();
        using var member = new GroupMember(options, 0);
        using var sink = new TransactionalKafkaSink(options, $"{options.Group}-0", latency, NullLogger.Instance);
        member.Until(() => member.Owned.Count == Partitions);
        for (int i = 0; i < 100; i++)
        {
            Assert.True(sink.TryWriteAnomaly("a"u8, "{}"u8, Stopwatch.GetTimestamp()));
            Assert.Equal(CommitOutcome.Committed, Commit(sink, member, new PartitionCommit(0, i + 1, "m")).Outcome);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"begin to committed: p50 {latency.QuantileMs(.5):0.0} ms, p95 {latency.QuantileMs(.95):0.0} ms, max {latency.MaxMs:0.0} ms");
        Assert.Equal(100, latency.Count);
        // With librdkafka's own pause between two transactions it would be 100 ms and more each.
        Assert.True(latency.QuantileMs(.5) < 90, $"p50 {latency.QuantileMs(.5)} ms");
    }

    [Fact]
    public void Brokers_that_do_not_answer_end_a_commit_within_its_bound()
    {
        using var cluster = new MockCluster();
        KafkaOptions options = OnMock(cluster);
        using var member = new GroupMember(options, 0);
        using TransactionalKafkaSink sink = Sink(options);
        member.Until(() => member.Owned.Count == 1);
        using IGroupMembership group = member.Source.Group()!;
        Assert.True(sink.TryWriteAnomaly("a"u8, "{}"u8, 0));
        cluster.SetDown(down: true);
        var waited = Stopwatch.StartNew();
        CommitResult result = sink.Commit([new PartitionCommit(0, 1, "m")], group, TimeSpan.FromSeconds(2));
        Assert.True(result.Outcome == CommitOutcome.Unknown, result.ToString());
        // librdkafka waits for the transaction's own time-out at most, whatever the call says.
        Assert.InRange(waited.Elapsed.TotalSeconds, 1, 25);
        cluster.SetDown(down: false);
    }

    private static KafkaOptions OnMock(MockCluster cluster)
    {
        var options = new KafkaOptions { Bootstrap = cluster.Bootstrap, Group = "g" };
        foreach (string topic in new[] { options.RawTopic, options.AnomalyTopic, options.DeadLetterTopic }) cluster.CreateTopic(topic, 1);
        return options;
    }

    private static CommitResult Commit(TransactionalKafkaSink sink, GroupMember member, PartitionCommit commit)
    {
        using IGroupMembership group = member.Source.Group()!;
        return sink.Commit([commit], group, s_timeout);
    }

    private static TransactionalKafkaSink Sink(KafkaOptions options) => new(options, $"{options.Group}-0", null, NullLogger.Instance);

    /// <summary>Topics and group of this test's own.</summary>
    private KafkaOptions Options(string protocol)
    {
        string name = Guid.NewGuid().ToString("N")[..8];
        Dictionary<string, string> properties = protocol switch
        {
            "eager" => new() { ["partition.assignment.strategy"] = "range" },
            "static" => new() { ["group.instance.id"] = $"instance-{name}" },
            "consumer" => new() { ["group.protocol"] = "consumer" },
            _ => [],
        };
        var options = new KafkaOptions { Bootstrap = servers.Kafka(), Group = $"group-{name}", RawTopic = $"raw-{name}", AnomalyTopic = $"anomalies-{name}", DeadLetterTopic = $"dlq-{name}", Properties = properties };
        TopicAdmin.CreateAsync(options with { Properties = new Dictionary<string, string>() }, [new(options.RawTopic, Partitions, 1), new(options.AnomalyTopic, 1, 1), new(options.DeadLetterTopic, 1, 1)], s_timeout).GetAwaiter().GetResult();
        return options;
    }

    private static void Produce(KafkaOptions options, int count)
    {
        using var producer = new KafkaProducer(options with { Properties = new Dictionary<string, string>() }, [], null, NullLogger.Instance);
        nint topic = producer.Topic(options.RawTopic);
        for (int i = 0; i < count; i++) Assert.True(producer.TryProduce(topic, i % Partitions, "k"u8, Encoding.UTF8.GetBytes($"{i}")));
        producer.Flush(s_timeout);
    }

    /// <summary>What kcat, which reads committed records only, sees of the anomalies.</summary>
    private static string[] Committed(KafkaOptions options) =>
        RealServers.Run(TestEnvironment.Tool("kcat", "kcat"), "-b", options.Bootstrap, "-t", options.AnomalyTopic, "-C", "-e", "-q", "-o", "beginning", "-X", "isolation.level=read_committed", "-f", "%s\n")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
