using System.Diagnostics;
using System.Text;
using Confluent.Kafka;
using FastIot.Ingest;
using FastIot.Kafka;
using FastIot.Kafka.Wire;
using FastIot.Tests.Servers;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Kafka.Wire;

/// <summary>The direct source beside librdkafka's: the same records, in the same order, whatever happens to the brokers.</summary>
public sealed class DirectFetchTests(RealServers servers) : IClassFixture<RealServers>
{
    private const int Partitions = 3;

    private static readonly long s_now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    [Fact]
    public async Task Both_ways_give_the_same_records_with_all_codecs_transactions_and_tombstones()
    {
        FastIot.Kafka.KafkaOptions options = await TopicAsync("both");
        int written = 0;
        var random = new Random(TestSeed.Or(31));
        foreach (CompressionType codec in Enum.GetValues<CompressionType>())
        {
            foreach (bool? commit in new bool?[] { null, true, false, true })
            {
                var config = new ProducerConfig { BootstrapServers = options.Bootstrap, CompressionType = codec, LingerMs = 20, BatchSize = random.Next(1000, 100_000) };
                if (commit != null) config.TransactionalId = $"both-{codec}";
                using IProducer<string?, byte[]?> producer = new ProducerBuilder<string?, byte[]?>(config).Build();
                if (commit != null) producer.InitTransactions(TimeSpan.FromSeconds(60));
                if (commit != null) producer.BeginTransaction();
                int count = random.Next(300, 2000);
                for (int i = 0; i < count; i++) producer.Produce(new TopicPartition(options.RawTopic, random.Next(Partitions)), Random(random));
                producer.Flush(TimeSpan.FromSeconds(60));
                if (commit == true) producer.CommitTransaction(TimeSpan.FromSeconds(60));
                if (commit == false) producer.AbortTransaction(TimeSpan.FromSeconds(60));
                if (commit != false) written += count;
            }
        }

        List<Read> direct = ReadAll(options, IngestMode.Direct, written), librdkafka = ReadAll(options, IngestMode.Librdkafka, written);
        Assert.Equal(written, direct.Count);
        Assert.Equal(librdkafka, direct);
        FastIot.Kafka.KafkaOptions uncommitted = options with { Properties = new Dictionary<string, string> { ["isolation.level"] = "read_uncommitted", ["max.partition.fetch.bytes"] = "5000" } };
        Assert.True(ReadAll(uncommitted, IngestMode.Direct, written + 1).Count > written);
    }

    [Fact]
    public async Task A_broker_killed_while_it_is_read_loses_and_doubles_nothing()
    {
        FastIot.Kafka.KafkaOptions options = await TopicAsync("killed-read");
        const int count = 30_000;
        Produce(options, 0, count);
        using var member = new Member(options with { Properties = new Dictionary<string, string> { ["max.partition.fetch.bytes"] = "20000" } }, IngestMode.Direct);
        member.ReadUntil(count / 3);
        servers.KillKafka();
        member.Poll();
        servers.RestartKafka();
        Produce(options, count, count);
        member.ReadUntil(2 * count);
        AssertOnce(member.Seen, 2 * count);
    }

    [Fact]
    public void A_partition_is_followed_to_its_new_leader_and_errors_are_tried_again()
    {
        using var cluster = new MockCluster(brokers: 2);
        FastIot.Kafka.KafkaOptions options = OnMock(cluster);
        Produce(options, 0, 500);
        using var member = new Member(options, IngestMode.Direct);
        member.ReadUntil(500);
        for (int partition = 0; partition < Partitions; partition++) cluster.MoveLeader(options.RawTopic, partition, 2);
        Produce(options, 500, 500);
        member.ReadUntil(1000);
        cluster.FailNext((short)ApiKey.Fetch, BrokerError.NotLeaderOrFollower, BrokerError.KafkaStorageError, BrokerError.UnknownLeaderEpoch);
        for (int partition = 0; partition < Partitions; partition++) cluster.MoveLeader(options.RawTopic, partition, 1);
        Produce(options, 1000, 500);
        member.ReadUntil(1500);
        AssertOnce(member.Seen, 1500);
    }

    [Fact]
    public void A_paused_partition_delivers_nothing_until_it_is_resumed()
    {
        using var cluster = new MockCluster();
        FastIot.Kafka.KafkaOptions options = OnMock(cluster);
        Produce(options, 0, 300);
        using var member = new Member(options, IngestMode.Direct);
        member.ReadUntil(300);
        member.Source.Pause(1);
        Produce(options, 300, 300);
        member.ReadUntil(500);
        Assert.DoesNotContain(member.Seen.Skip(300), r => r.Partition == 1);
        member.Source.Resume(1);
        member.ReadUntil(600);
        AssertOnce(member.Seen, 600);
        Assert.All(Enumerable.Range(0, Partitions), p => Assert.Equal(200, member.Source.HighOffset(p)));
        var group = (IGroupSource)member.Source;
        Assert.All(Enumerable.Range(0, Partitions), p => Assert.True(group.AtEnd(p, 200) && group.Owns(p)));
        group.Seek(2, 150);
        Assert.False(group.AtEnd(2, 150));
        member.ReadUntil(650);
        Assert.Equal(Enumerable.Range(150, 50).Select(o => (2, (long)o)), member.Seen.Skip(600).Select(r => (r.Partition, r.Offset)));
    }

    [Fact]
    public void Two_members_share_the_partitions_and_the_second_begins_where_the_first_committed()
    {
        using var cluster = new MockCluster();
        FastIot.Kafka.KafkaOptions options = OnMock(cluster);
        Produce(options, 0, 300);
        using (var first = new Member(options, IngestMode.Direct))
        {
            first.ReadUntil(300);
            first.Source.Commit([new PartitionCommit(0, 60, "m"), new PartitionCommit(1, 100, "m"), new PartitionCommit(2, 100, "m")]);
        }

        using var second = new Member(options, IngestMode.Direct);
        second.ReadUntil(40);
        Assert.Equal(Enumerable.Range(60, 40).Select(o => (0, (long)o)), second.Seen.Select(r => (r.Partition, r.Offset)));
    }

    [Fact]
    public void An_offset_that_is_not_in_the_log_is_an_error_that_names_it()
    {
        using var cluster = new MockCluster();
        FastIot.Kafka.KafkaOptions options = OnMock(cluster);
        Produce(options, 0, 30);
        using var member = new Member(options, IngestMode.Direct) { StartAt = 1_000_000 };
        var e = Assert.Throws<IngestException>(() => member.ReadUntil(1));
        Assert.Contains("]@1000000: the log no longer has this offset", e.Message);
    }

    [Fact]
    public void What_only_librdkafka_can_is_left_to_it()
    {
        using var cluster = new MockCluster();
        FastIot.Kafka.KafkaOptions options = OnMock(cluster) with { Properties = new Dictionary<string, string> { ["client.rack"] = "here" } };
        using (IRecordSource source = DirectKafkaSource.Open(options, IngestMode.Auto, 0, NullLogger.Instance)) Assert.IsType<KafkaSource>(source);
        var e = Assert.Throws<FastIot.Kafka.KafkaException>(() => DirectKafkaSource.Open(options, IngestMode.Direct, 0, NullLogger.Instance));
        Assert.Contains("client.rack=here", e.Message);
        // Masked, whatever it is.
        options = options with { Properties = new Dictionary<string, string> { ["sasl.password"] = "secret" } };
        e = Assert.Throws<FastIot.Kafka.KafkaException>(() => DirectKafkaSource.Open(options, IngestMode.Direct, 0, NullLogger.Instance));
        Assert.DoesNotContain("secret", e.Message);
    }

    [Fact]
    public void Polling_allocates_nothing_once_warm()
    {
        using var cluster = new MockCluster();
        FastIot.Kafka.KafkaOptions options = OnMock(cluster);
        Produce(options, 0, 3000);
        using var member = new Member(options, IngestMode.Direct);
        member.ReadUntil(3000);
        Produce(options, 3000, 3000);
        var records = new Record[Limits.PollRecords];
        int read = 0;
        // The first of them may let buffers grow.
        while (read < 1000) read += member.Source.Poll(records, 100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        while (read < 3000) read += member.Source.Poll(records, 100);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static Message<string?, byte[]?> Random(Random random)
    {
        var message = new Message<string?, byte[]?>
        {
            Key = random.Next(10) == 0 ? null : $"sensor_{random.Next(50):D6}",
            Value = random.Next(50) == 0 ? null : Encoding.UTF8.GetBytes(new string((char)('a' + random.Next(26)), random.Next(400))),
            Timestamp = new Timestamp(s_now + random.Next(-10_000, 10_000), TimestampType.CreateTime),
        };
        if (random.Next(5) == 0) message.Headers = [new Header("trace", [1, 2, 3]), new Header("none", null)];
        return message;
    }

    private static void Produce(FastIot.Kafka.KafkaOptions options, int from, int count)
    {
        var config = new ProducerConfig { BootstrapServers = options.Bootstrap, CompressionType = CompressionType.Gzip, LingerMs = 5, EnableIdempotence = true };
        using IProducer<string, string> producer = new ProducerBuilder<string, string>(config).Build();
        for (int i = from; i < from + count; i++) producer.Produce(new TopicPartition(options.RawTopic, i % Partitions), new Message<string, string> { Key = "k", Value = $"{i}", Timestamp = new Timestamp(s_now, TimestampType.CreateTime) });
        producer.Flush(TimeSpan.FromSeconds(90));
    }

    private static void AssertOnce(List<Read> read, int count)
    {
        Assert.Equal(count, read.Count);
        foreach (IGrouping<int, Read> partition in read.GroupBy(r => r.Partition))
        {
            Assert.Equal(Enumerable.Range(0, count / Partitions).Select(i => $"{i * Partitions + partition.Key}"), partition.Select(r => r.Value));
            Assert.Equal(partition.Select(r => r.Offset).Distinct().Order(), partition.Select(r => r.Offset));
        }
    }

    private static List<Read> ReadAll(FastIot.Kafka.KafkaOptions options, IngestMode mode, int count)
    {
        using var member = new Member(options with { Group = $"{mode}-{Guid.NewGuid():N}" }, mode);
        member.ReadUntil(count);
        // Behind the last record are markers: the end is told all the same, and no record comes before it.
        if (mode == IngestMode.Direct) member.ReadToEnd();
        return [.. member.Seen.GroupBy(r => r.Partition).OrderBy(g => g.Key).SelectMany(g => g)];
    }

    private async Task<FastIot.Kafka.KafkaOptions> TopicAsync(string topic)
    {
        var options = new FastIot.Kafka.KafkaOptions { Bootstrap = servers.Kafka(), RawTopic = topic, Group = topic };
        await TopicAdmin.CreateAsync(options, [new TopicWish(topic, Partitions, 1)], TimeSpan.FromSeconds(30));
        return options;
    }

    private static FastIot.Kafka.KafkaOptions OnMock(MockCluster cluster)
    {
        cluster.CreateTopic("raw-readings", Partitions);
        for (int partition = 0; partition < Partitions; partition++) cluster.MoveLeader("raw-readings", partition, 1);
        return new FastIot.Kafka.KafkaOptions { Bootstrap = cluster.Bootstrap, Properties = new Dictionary<string, string> { ["session.timeout.ms"] = "6000" } };
    }

    private sealed record Read(int Partition, long Offset, long TimestampMs, string? Key, string? Value);

    /// <summary>A member of the group that remembers everything.</summary>
    private sealed class Member : IAssignmentListener, IDisposable
    {
        private readonly Record[] _records = new Record[Limits.PollRecords];

        public Member(FastIot.Kafka.KafkaOptions options, IngestMode mode)
        {
            Source = DirectKafkaSource.Open(options, mode, 0, NullLogger.Instance);
            Assert.Equal(mode == IngestMode.Direct, Source is DirectKafkaSource);
            Source.Start(this);
        }

        public IRecordSource Source { get; }

        public long StartAt { get; init; } = -1;

        public List<Read> Seen { get; } = [];

        public void Poll()
        {
            int count = Source.Poll(_records, 50);
            for (int i = 0; i < count; i++)
            {
                ref Record r = ref _records[i];
                unsafe
                {
                    Seen.Add(new Read(r.Partition, r.Offset, r.TimestampMs, r.KeyLength == 0 ? null : Encoding.UTF8.GetString(r.KeySpan), r.Value == null ? null : Encoding.UTF8.GetString(r.ValueSpan)));
                }
            }
        }

        public void ReadToEnd()
        {
            var waited = Stopwatch.StartNew();
            while (!Enumerable.Range(0, Partitions).All(p => ((IGroupSource)Source).AtEnd(p, 0)))
            {
                Assert.True(waited.Elapsed < TimeSpan.FromSeconds(90), "no end within 90 s");
                Poll();
            }
        }

        public void ReadUntil(int count)
        {
            var waited = Stopwatch.StartNew();
            while (Seen.Count < count)
            {
                Assert.True(waited.Elapsed < TimeSpan.FromSeconds(90), $"{Seen.Count} of {count} records came within 90 s");
                Poll();
            }
        }

        public void OnAssigned(Span<PartitionAssignment> partitions)
        {
            foreach (ref PartitionAssignment assignment in partitions)
                assignment.StartOffset = StartAt >= 0 ? StartAt : assignment.CommittedOffset >= 0 ? assignment.CommittedOffset : assignment.LowOffset;
        }

        public void OnRevoked(ReadOnlySpan<int> partitions, bool lost)
        {
        }

        public void Dispose()
        {
            Source.Close();
            Source.Dispose();
        }
    }
}
