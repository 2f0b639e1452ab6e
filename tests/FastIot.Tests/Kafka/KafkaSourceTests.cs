using System.Diagnostics;
using System.Text;
using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Kafka;
using FastIot.Observe;
using FastIot.Tests.Servers;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Kafka;

/// <summary>Source, sink and producer over librdkafka's mock cluster, which speaks the real protocol.</summary>
public sealed class KafkaSourceTests(RealServers servers) : IClassFixture<RealServers>, IDisposable
{
    private readonly MockCluster _cluster = new();
    private KafkaOptions? _made;

    private KafkaOptions Options => _made ??= OnMock();

    public void Dispose() => _cluster.Dispose();

    [Fact]
    public void Records_arrive_in_order_with_key_value_offset_and_timestamp()
    {
        Produce(1000);
        using var member = new Member(Options);
        List<Read> read = member.Read(1000);
        Assert.Equal(1000, read.Count);
        foreach (IGrouping<int, Read> partition in read.GroupBy(r => r.Partition))
        {
            Assert.Equal(Enumerable.Range(0, partition.Count()).Select(o => (long)o), partition.Select(r => r.Offset));
            Assert.Equal(partition.OrderBy(r => r.TimestampMs).Select(r => r.Value), partition.Select(r => r.Value));
            Assert.All(partition, r => Assert.Equal(Murmur2.Partition(Encoding.UTF8.GetBytes(r.Key), 4), r.Partition));
        }

        Assert.All(read, r => Assert.Equal($"value-{r.TimestampMs - 1_000_000}", r.Value));
        foreach (IGrouping<int, Read> partition in read.GroupBy(r => r.Partition)) Assert.Equal(partition.Count(), member.Source.HighOffset(partition.Key));
    }

    [Fact]
    public void A_commit_comes_back_with_its_metadata()
    {
        Produce(400);
        string metadata = new CommitMetadata(7, 10_000_000, 0, long.MinValue, "0123abcd").ToString();
        using (var member = new Member(Options))
        {
            member.Read(400);
            Assert.All(member.Assigned, a => Assert.Equal((-1L, (string?)null), (a.CommittedOffset, a.Metadata)));
            member.Source.Commit([new PartitionCommit(2, 5, metadata)]);
            member.Source.Close();
            Assert.Equal([0, 1, 2, 3], member.Revoked.Order());
        }

        using var next = new Member(Options);
        next.Read(395);
        PartitionAssignment assignment = next.Assigned.Single(a => a.Partition == 2);
        Assert.Equal((5L, metadata), (assignment.CommittedOffset, assignment.Metadata));
        Assert.Equal(5, next.Seen.Where(r => r.Partition == 2).Min(r => r.Offset));
    }

    [Fact]
    public async Task Two_members_share_the_partitions()
    {
        _made = new KafkaOptions { Bootstrap = servers.Kafka(), RawTopic = "shared", Group = "two-members" };
        await TopicAdmin.CreateAsync(_made, [new TopicWish("shared", 4, 1)], TimeSpan.FromSeconds(30));
        Produce(400);
        using var one = new Member(Options);
        one.Read(400);
        using var two = new Member(Options);
        var waited = Stopwatch.StartNew();
        while (two.Assigned.Count == 0 || one.Held.Count + two.Held.Count != 4 || one.Held.Count == 4)
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(60), $"after a minute one has {one.Held.Count}, two {two.Held.Count} partitions");
            one.Poll();
            two.Poll();
        }

        Assert.Equal([0, 1, 2, 3], one.Held.Concat(two.Held).Order());
        Assert.InRange(one.Held.Count, 1, 3);
    }

    [Fact]
    public void A_paused_partition_delivers_nothing_until_it_is_resumed()
    {
        Produce(400);
        using var member = new Member(Options);
        member.Read(400);
        member.Source.Pause(0);
        Produce(400);
        int others = Enumerable.Range(0, 400).Count(i => Murmur2.Partition(Encoding.UTF8.GetBytes($"key-{i % 50}"), 4) != 0);
        member.Read(others);
        Assert.DoesNotContain(member.Seen.Skip(400), r => r.Partition == 0);
        member.Source.Resume(0);
        member.Read(400 - others);
        Assert.Equal(400 - others, member.Seen.Skip(400).Count(r => r.Partition == 0));
    }

    [Fact]
    public void An_offset_that_is_not_in_the_log_is_an_error_that_names_it()
    {
        Produce(40);
        using var member = new Member(Options) { StartAt = 1_000_000 };
        var e = Assert.Throws<IngestException>(() => member.Read(1));
        Assert.Contains("raw-readings[", e.Message);
        Assert.Contains("no longer has this offset", e.Message);
    }

    [Fact]
    public void An_unknown_property_is_an_error()
    {
        var e = Assert.Throws<KafkaException>(() => new KafkaSource(Options with { Properties = new Dictionary<string, string> { ["fetch.wait.max"] = "5" } }, 0, NullLogger.Instance));
        Assert.Contains("fetch.wait.max", e.Message);
    }

    [Fact]
    public void Outputs_reach_their_topics_with_headers_and_latency()
    {
        var latency = new LatencyHistogram();
        using (var sink = new KafkaSink(Options, latency, NullLogger.Instance))
        {
            Assert.True(sink.TryWriteAnomaly("s"u8, "{}"u8, Stopwatch.GetTimestamp()));
            Assert.True(sink.TryWriteReading(OutputTopic.DeadLetters, "k"u8, [0xFF, 0x00], new Provenance { Reason = "invalid_utf8"u8, Partition = 3, Offset = 1234567890123, Index = 2 }));
            Assert.True(sink.TryWriteReading(OutputTopic.LateReadings, "k"u8, "late"u8, new Provenance { Reason = "late"u8, Partition = 0, Offset = 0, Index = 0 }));
            sink.Flush(TimeSpan.FromSeconds(20));
        }

        Assert.Equal(1, latency.Count);
        Confluent.Kafka.ConsumeResult<string, byte[]> letter = First(Options.DeadLetterTopic);
        Assert.Equal("k", letter.Message.Key);
        Assert.Equal([0xFF, 0x00], letter.Message.Value);
        Assert.Equal("reason=invalid_utf8 topic=raw-readings partition=3 offset=1234567890123 index=2",
            string.Join(' ', letter.Message.Headers.Select(h => $"{h.Key}={Encoding.UTF8.GetString(h.GetValueBytes())}")));
        Assert.Equal("late"u8.ToArray(), First("late").Message.Value);
        Assert.Equal("{}"u8.ToArray(), First(Options.AnomalyTopic).Message.Value);
    }

    [Fact]
    public void A_broker_that_is_gone_is_an_error_of_the_flush()
    {
        using var sink = new KafkaSink(Options with { Bootstrap = "127.0.0.1:1" }, null, NullLogger.Instance);
        sink.TryWriteAnomaly("s"u8, "{}"u8, 0);
        Assert.Contains("not acknowledged", Assert.Throws<EmitException>(() => sink.Flush(TimeSpan.FromMilliseconds(200))).Message);
    }

    [Fact]
    public void Producing_and_polling_allocate_nothing()
    {
        using var producer = new KafkaProducer(Options, [], null, NullLogger.Instance);
        nint topic = producer.Topic(Options.RawTopic);
        using var member = new Member(Options);
        byte[] key = "key"u8.ToArray(), value = new byte[100];
        for (int i = 0; i < 2000; i++) Assert.True(producer.TryProduce(topic, -1, key, value, i + 1));
        producer.Flush(TimeSpan.FromSeconds(20));
        member.Read(2000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 2000; i++) producer.TryProduce(topic, -1, key, value, i + 1);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        producer.Flush(TimeSpan.FromSeconds(20));
        var records = new Record[Limits.PollRecords];
        int read = 0;
        before = GC.GetAllocatedBytesForCurrentThread();
        while (read < 2000) read += member.Source.Poll(records, 100);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData("", 275646681)]
    [InlineData("21", -973932308)]
    [InlineData("foobar", -790332482)]
    [InlineData("a-little-bit-long-string", -985981536)]
    [InlineData("a-little-bit-longer-string", -1486304829)]
    [InlineData("abc", 479470107)]
    public void Murmur2_is_the_one_of_Java(string key, int hash) => Assert.Equal(hash, (int)Murmur2.Hash(Encoding.UTF8.GetBytes(key)));

    private KafkaOptions OnMock()
    {
        // The mock cluster does not hear members leave: a group is free when its session has timed out.
        var options = new KafkaOptions { Bootstrap = _cluster.Bootstrap, LateTopic = "late", Properties = new Dictionary<string, string> { ["session.timeout.ms"] = "6000" } };
        _cluster.CreateTopic(options.RawTopic, 4);
        _cluster.CreateTopic(options.AnomalyTopic, 1);
        _cluster.CreateTopic(options.DeadLetterTopic, 1);
        _cluster.CreateTopic("late", 1);
        return options;
    }

    private void Produce(int count)
    {
        using var producer = new KafkaProducer(Options, [], null, NullLogger.Instance);
        nint topic = producer.Topic(Options.RawTopic);
        for (int i = 0; i < count; i++)
            Assert.True(producer.TryProduce(topic, -1, Encoding.UTF8.GetBytes($"key-{i % 50}"), Encoding.UTF8.GetBytes($"value-{i}"), 1_000_000 + i));
        producer.Flush(TimeSpan.FromSeconds(20));
        Assert.Equal((count, 0), (producer.Delivered, producer.Failed));
    }

    private Confluent.Kafka.ConsumeResult<string, byte[]> First(string topic)
    {
        var config = new Confluent.Kafka.ConsumerConfig { BootstrapServers = Options.Bootstrap, GroupId = Guid.NewGuid().ToString(), AutoOffsetReset = Confluent.Kafka.AutoOffsetReset.Earliest };
        using Confluent.Kafka.IConsumer<string, byte[]> consumer = new Confluent.Kafka.ConsumerBuilder<string, byte[]>(config).Build();
        consumer.Subscribe(topic);
        return consumer.Consume(TimeSpan.FromSeconds(30)) ?? throw new TimeoutException($"nothing in {topic}");
    }

    private sealed record Read(int Partition, long Offset, long TimestampMs, string Key, string Value);

    /// <summary>A member of the group that remembers everything.</summary>
    private sealed class Member : IAssignmentListener, IDisposable
    {
        private readonly Record[] _records = new Record[Limits.PollRecords];

        public Member(KafkaOptions options)
        {
            Source = new KafkaSource(options, 0, NullLogger.Instance);
            Source.Start(this);
        }

        public KafkaSource Source { get; }

        public long StartAt { get; init; } = -1;

        public List<PartitionAssignment> Assigned { get; } = [];

        public List<int> Revoked { get; } = [];

        public HashSet<int> Held { get; } = [];

        public List<Read> Seen { get; } = [];

        public int Poll()
        {
            int count = Source.Poll(_records, 50);
            for (int i = 0; i < count; i++)
            {
                ref Record r = ref _records[i];
                Seen.Add(new Read(r.Partition, r.Offset, r.TimestampMs, Encoding.UTF8.GetString(r.KeySpan), Encoding.UTF8.GetString(r.ValueSpan)));
            }

            return count;
        }

        public List<Read> Read(int count)
        {
            var waited = Stopwatch.StartNew();
            for (int read = 0; read < count; read += Poll()) Assert.True(waited.Elapsed < TimeSpan.FromSeconds(60), $"{read} of {count} records came within a minute");
            return Seen;
        }

        public void OnAssigned(Span<PartitionAssignment> partitions)
        {
            foreach (ref PartitionAssignment assignment in partitions)
            {
                assignment.StartOffset = StartAt >= 0 ? StartAt : assignment.CommittedOffset >= 0 ? assignment.CommittedOffset : assignment.LowOffset;
                Assigned.Add(assignment);
                Held.Add(assignment.Partition);
            }
        }

        public void OnRevoked(ReadOnlySpan<int> partitions, bool lost)
        {
            Revoked.AddRange(partitions);
            foreach (int partition in partitions) Held.Remove(partition);
        }

        public void Dispose()
        {
            Source.Close();
            Source.Dispose();
        }
    }
}
