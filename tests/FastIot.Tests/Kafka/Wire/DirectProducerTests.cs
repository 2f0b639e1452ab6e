using System.Diagnostics;
using System.Globalization;
using System.Text;
using Confluent.Kafka;
using FastIot.Emit;
using FastIot.Kafka;
using FastIot.Kafka.Wire;
using FastIot.Simulation;
using FastIot.Tests.Servers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Kafka.Wire;

/// <summary>What the direct producer sends, read back by librdkafka: from a real broker, which checks every batch, and from the mock cluster, which fails on request.</summary>
public sealed class DirectProducerTests(RealServers servers) : IClassFixture<RealServers>
{
    private const int Partitions = 5;

    private static readonly long s_now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    [Theory]
    [InlineData("none")]
    [InlineData("gzip")]
    [InlineData("snappy")]
    [InlineData("lz4")]
    [InlineData("zstd")]
    public async Task Others_read_the_same_records_where_they_would_have_put_them(string codec)
    {
        FastIot.Kafka.KafkaOptions options = await TopicAsync($"direct-{codec}", new() { ["compression.type"] = codec, ["linger.ms"] = "5", ["batch.size"] = "40000" });
        const int count = 6000;
        using (IReadingTarget target = DirectKafkaTarget.Open(options, ProduceMode.Direct, NullLogger.Instance))
        {
            for (int i = 0; i < count; i++) Write(target, Key(i), Value(i), Timestamp(i));
            Write(target, "large", new string('x', 700_000), 1);
            target.Flush(TimeSpan.FromSeconds(90));
        }

        List<Message> direct = ReadAll(options, count + 1);
        Assert.Equal(count + 1, direct.Count);
        Assert.Equal(700_000, direct.Single(m => m.Key == "large").Value.Length);
        // Within a partition in the order they were written; nothing twice, nothing missing.
        Assert.Equal(Enumerable.Range(0, count).GroupBy(i => FastIot.Kafka.Murmur2.Partition(Encoding.UTF8.GetBytes(Key(i)), Partitions)).OrderBy(g => g.Key)
                .SelectMany(g => g.Select(i => new Message(g.Key, Key(i), Value(i), Timestamp(i)))),
            direct.Where(m => m.Key != "large"));

        FastIot.Kafka.KafkaOptions other = await TopicAsync($"librdkafka-{codec}", []);
        using (IReadingTarget target = DirectKafkaTarget.Open(other, ProduceMode.Librdkafka, NullLogger.Instance))
        {
            for (int i = 0; i < 500; i++) Write(target, Key(i), Value(i), Timestamp(i));
            target.Flush(TimeSpan.FromSeconds(60));
        }

        Assert.All(ReadAll(other, 500), m => Assert.Contains(m, direct));
    }

    [Fact]
    public async Task A_broker_killed_in_mid_stream_loses_and_doubles_nothing()
    {
        FastIot.Kafka.KafkaOptions options = await TopicAsync("killed", new() { ["batch.size"] = "5000", ["linger.ms"] = "1" });
        const int count = 40_000;
        using (IReadingTarget target = DirectKafkaTarget.Open(options, ProduceMode.Direct, NullLogger.Instance))
        {
            for (int i = 0; i < count; i++)
            {
                Write(target, Key(i), Value(i), Timestamp(i));
                if (i != count / 2) continue;
                servers.KillKafka();
                servers.RestartKafka();
            }

            target.Flush(TimeSpan.FromSeconds(90));
        }

        List<Message> read = ReadAll(options, count);
        Assert.Equal(count, read.Count);
        Assert.Equal(count, read.Select(m => m.Value).Distinct().Count());
        foreach (IGrouping<int, Message> partition in read.GroupBy(m => m.Partition)) Assert.Equal(partition.OrderBy(m => Number(m.Value)), partition);
    }

    [Theory]
    [InlineData(BrokerError.NotLeaderOrFollower)]
    [InlineData(BrokerError.RequestTimedOut)]
    [InlineData(BrokerError.UnknownTopicOrPartition)]
    [InlineData(BrokerError.NotEnoughReplicas)]
    public void What_may_succeed_later_is_sent_again(short error)
    {
        using var cluster = new MockCluster();
        FastIot.Kafka.KafkaOptions options = OnMock(cluster);
        var log = new Lines();
        using (IReadingTarget target = DirectKafkaTarget.Open(options, ProduceMode.Direct, log))
        {
            cluster.FailNext(0, error, error, error);
            for (int i = 0; i < 3000; i++) Write(target, Key(i), Value(i), Timestamp(i));
            target.Flush(TimeSpan.FromSeconds(60));
        }

        Assert.Equal(3000, ReadAll(options, 3000).Select(m => m.Value).Distinct().Count());
        Assert.Contains(log, line => line.Contains(BrokerError.Text(error)));
    }

    [Theory]
    [InlineData(BrokerError.MessageTooLarge)]
    [InlineData(BrokerError.TopicAuthorizationFailed)]
    [InlineData(BrokerError.OutOfOrderSequence)]
    public void What_cannot_succeed_ends_the_flush_with_the_reason(short error)
    {
        using var cluster = new MockCluster();
        using IReadingTarget target = DirectKafkaTarget.Open(OnMock(cluster), ProduceMode.Direct, NullLogger.Instance);
        cluster.FailNext(0, error);
        Write(target, Key(1), Value(1), Timestamp(1));
        var e = Assert.Throws<EmitException>(() => target.Flush(TimeSpan.FromSeconds(60)));
        Assert.Contains("raw-readings[", e.Message);
        Assert.Contains(BrokerError.Text(error), e.Message);
    }

    [Fact]
    public void A_broker_that_stays_away_is_given_up_in_time()
    {
        FastIot.Kafka.KafkaOptions options;
        IReadingTarget target;
        using (var cluster = new MockCluster())
        {
            options = OnMock(cluster, new() { ["delivery.timeout.ms"] = "1500", ["linger.ms"] = "1" });
            target = DirectKafkaTarget.Open(options, ProduceMode.Direct, NullLogger.Instance);
        }

        using (target)
        {
            Write(target, Key(1), Value(1), Timestamp(1));
            var waited = Stopwatch.StartNew();
            var e = Assert.Throws<EmitException>(() => target.Flush(TimeSpan.FromSeconds(60)));
            Assert.Contains("could not be delivered within", e.Message);
            Assert.InRange(waited.Elapsed.TotalSeconds, 1, 50);
        }
    }

    [Fact]
    public void Without_a_broker_or_a_topic_the_error_says_what_to_do()
    {
        var e = Assert.Throws<FastIot.Kafka.KafkaException>(() => DirectKafkaTarget.Open(
            new FastIot.Kafka.KafkaOptions { Bootstrap = "127.0.0.1:1", Properties = new Dictionary<string, string> { ["request.timeout.ms"] = "300" } }, ProduceMode.Direct, NullLogger.Instance));
        Assert.Contains("127.0.0.1:1: nothing listens there", e.Message);
        e = Assert.Throws<FastIot.Kafka.KafkaException>(() => DirectKafkaTarget.Open(new FastIot.Kafka.KafkaOptions { Bootstrap = servers.Kafka(), RawTopic = "nowhere" }, ProduceMode.Direct, NullLogger.Instance));
        Assert.Contains("fastiot topics create", e.Message);
    }

    [Fact]
    public void What_only_librdkafka_can_is_left_to_it()
    {
        using var cluster = new MockCluster();
        FastIot.Kafka.KafkaOptions options = OnMock(cluster, new() { ["queue.buffering.max.messages"] = "1000" });
        var log = new Lines();
        using (IReadingTarget target = DirectKafkaTarget.Open(options, ProduceMode.Auto, log))
        {
            Assert.IsType<KafkaTarget>(target);
            Assert.Contains("queue.buffering.max.messages=1000", Assert.Single(log));
        }

        using (IReadingTarget target = DirectKafkaTarget.Open(options with { Properties = new Dictionary<string, string>() }, ProduceMode.Auto, log)) Assert.IsType<DirectKafkaTarget>(target);
        Assert.Single(log);
        var e = Assert.Throws<FastIot.Kafka.KafkaException>(() => DirectKafkaTarget.Open(options, ProduceMode.Direct, log));
        Assert.Contains("queue.buffering.max.messages", e.Message);
    }

    [Fact]
    public void Producing_allocates_nothing_per_record()
    {
        using var cluster = new MockCluster();
        using IReadingTarget target = DirectKafkaTarget.Open(OnMock(cluster), ProduceMode.Direct, NullLogger.Instance);
        byte[] key = "key"u8.ToArray(), value = new byte[100];
        long before = 0;
        for (int i = 0; i < 20_000; i++)
        {
            if (i == 10_000) before = GC.GetAllocatedBytesForCurrentThread();
            while (!target.TryWrite(key, value, i + 1)) target.Wait();
        }

        // Ten thousand records fill five batches: at most those are new.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);
        target.Flush(TimeSpan.FromSeconds(60));
    }

    [Theory]
    [InlineData("a:1", "a:1")]
    [InlineData("a", "a:9092")]
    [InlineData("PLAINTEXT://a:1, b:2", "a:1 b:2")]
    [InlineData("[::1]:5", "[::1]:5")]
    [InlineData("::1", "[::1]:9092")]
    public void Addresses_are_read_as_librdkafka_does(string text, string expected) => Assert.Equal(expected, string.Join<BrokerAddress>(' ', BrokerAddress.ParseAll(text)));

    private static string Key(int i) => $"sensor_{i % 137:D6}";

    private static string Value(int i) => $"{{\"n\":{i},\"value\":{i % 1000 / 10.0}}}";

    private static int Number(string value) => int.Parse(value.AsSpan(5, value.IndexOf(',') - 5), CultureInfo.InvariantCulture);

    // Of today, or the broker deletes them as too old. Not ascending: the deltas within a batch have both signs.
    private static long Timestamp(int i) => s_now + i * 7919L % 100_000;

    private static void Write(IReadingTarget target, string key, string value, long timestampMs)
    {
        byte[] keyBytes = Encoding.UTF8.GetBytes(key), valueBytes = Encoding.UTF8.GetBytes(value);
        var waited = Stopwatch.StartNew();
        while (!target.TryWrite(keyBytes, valueBytes, timestampMs))
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(90), "no room within 90 s");
            target.Wait();
        }
    }

    private async Task<FastIot.Kafka.KafkaOptions> TopicAsync(string topic, Dictionary<string, string> properties)
    {
        var options = new FastIot.Kafka.KafkaOptions { Bootstrap = servers.Kafka(), RawTopic = topic, Properties = properties };
        await TopicAdmin.CreateAsync(options with { Properties = new Dictionary<string, string>() }, [new TopicWish(topic, Partitions, 1)], TimeSpan.FromSeconds(30));
        return options;
    }

    private static FastIot.Kafka.KafkaOptions OnMock(MockCluster cluster, Dictionary<string, string>? properties = null)
    {
        cluster.CreateTopic("raw-readings", 2);
        return new FastIot.Kafka.KafkaOptions { Bootstrap = cluster.Bootstrap, Properties = properties ?? [] };
    }

    private sealed record Message(int Partition, string Key, string Value, long TimestampMs);

    /// <summary>Everything there is, partition by partition; and a little longer, so that what is there twice is seen.</summary>
    private static List<Message> ReadAll(FastIot.Kafka.KafkaOptions options, int least)
    {
        var config = new ConsumerConfig { BootstrapServers = options.Bootstrap, GroupId = Guid.NewGuid().ToString(), EnableAutoCommit = false, EnablePartitionEof = true, CheckCrcs = true, FetchMaxBytes = 8 << 20 };
        using IConsumer<string, string> consumer = new ConsumerBuilder<string, string>(config).Build();
        int partitions = options.RawTopic == "raw-readings" ? 2 : Partitions;
        consumer.Assign(Enumerable.Range(0, partitions).Select(p => new TopicPartitionOffset(options.RawTopic, p, Offset.Beginning)));
        var read = new List<Message>();
        var ended = new HashSet<int>();
        var waited = Stopwatch.StartNew();
        while (ended.Count < partitions || read.Count < least)
        {
            if (waited.Elapsed > TimeSpan.FromSeconds(90)) Assert.Fail($"{read.Count} of {least} records came within 90 s, the ends of {string.Join(", ", ended)}");
            ConsumeResult<string, string>? result = consumer.Consume(TimeSpan.FromSeconds(1));
            if (result == null) continue;
            if (result.IsPartitionEOF) ended.Add(result.Partition.Value);
            else read.Add(new Message(result.Partition.Value, result.Message.Key, result.Message.Value, result.Message.Timestamp.UnixTimestampMs));
        }

        return [.. read.GroupBy(m => m.Partition).OrderBy(g => g.Key).SelectMany(g => g)];
    }

    private sealed class Lines : List<string>, ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (this) Add(formatter(state, exception));
        }
    }
}
