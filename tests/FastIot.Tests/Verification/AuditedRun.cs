using System.Diagnostics;
using System.Text.Json.Nodes;
using Confluent.Kafka;
using FastIot.Decode;
using FastIot.Emit;
using FastIot.Features;
using FastIot.Ingest;
using FastIot.Kafka;
using FastIot.Scoring;
using FastIot.Tests.Cli;
using FastIot.Windows;
using Microsoft.Extensions.Logging.Abstractions;
using KafkaOptions = FastIot.Kafka.KafkaOptions;

namespace FastIot.Tests.Verification;

/// <summary>
/// A run of the pipeline over a small fleet with every kind of disorder, against a broker in this process; its log and outputs are what the
/// tests of verify start from. They damage copies of the outputs, never the run's own.
/// </summary>
public sealed class AuditedRun : IDisposable
{
    public const string Group = "audited";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly MockCluster _cluster = new();

    public AuditedRun()
    {
        Options = new KafkaOptions { Bootstrap = _cluster.Bootstrap, Group = Group, LateTopic = "late", Properties = new Dictionary<string, string> { ["session.timeout.ms"] = "6000" } };
        _cluster.CreateTopic(Options.RawTopic, 2);
        foreach (string topic in new[] { Options.AnomalyTopic, Options.DeadLetterTopic, Options.LateTopic }) _cluster.CreateTopic(topic, 1);
        ProcessResult simulated = CommandLineRun.Run("simulate", "--to", $"kafka://{Options.Bootstrap}", "--sensors", "40", "--duration", "22m", "--speed", "0", "--start", "2026-11-20T00:00:00Z",
            "--late-share", "0.02", "--duplicate-share", "0.01", "--malformed-share", "0.005", "--future-share", "0.002", "--skewed-share", "0.05", "--anomaly-rate", "0.2");
        Assert.True(simulated.ExitCode == 0, simulated.ToString());
        ProduceLate(60);
        Run();
    }

    public KafkaOptions Options { get; }

    public string Folder { get; } = Directory.CreateTempSubdirectory("fastiot-audit-").FullName;

    /// <summary>verify over this run; flags that are given replace its own.</summary>
    public ProcessResult Verify(params string[] flags)
    {
        (string Flag, string Value)[] own = [("--kafka", Options.Bootstrap), ("--group", Group), ("--late-topic", Options.LateTopic!), ("--out", Folder)];
        return CommandLineRun.Run(["verify", "--json", .. own.Where(o => !flags.Contains(o.Flag)).SelectMany(o => new[] { o.Flag, o.Value }), .. flags]);
    }

    /// <summary>A copy of the feature files, to be damaged.</summary>
    public string CopyFiles()
    {
        string copy = Directory.CreateTempSubdirectory("fastiot-audit-copy-").FullName;
        foreach (string file in Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories))
        {
            string to = Path.Combine(copy, Path.GetRelativePath(Folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        return copy;
    }

    /// <summary>A copy of a topic, each record as <paramref name="change"/> leaves it: none, one or more.</summary>
    public string CopyTopic(string topic, Func<int, Message<byte[], byte[]>, IEnumerable<Message<byte[], byte[]>>> change)
    {
        string copy = $"{topic}-{Guid.NewGuid():N}";
        _cluster.CreateTopic(copy, 1);
        using IProducer<byte[], byte[]> producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = Options.Bootstrap }).Build();
        int index = 0;
        foreach (Message<byte[], byte[]> message in Messages(topic))
        {
            foreach (Message<byte[], byte[]> changed in change(index++, message)) producer.Produce(copy, changed);
        }

        producer.Flush(s_patience);
        return copy;
    }

    public List<Message<byte[], byte[]>> Messages(string topic)
    {
        var config = new ConsumerConfig { BootstrapServers = Options.Bootstrap, GroupId = Guid.NewGuid().ToString(), EnablePartitionEof = true };
        using IConsumer<byte[], byte[]> consumer = new ConsumerBuilder<byte[], byte[]>(config).Build();
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
        var messages = new List<Message<byte[], byte[]>>();
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed < s_patience)
        {
            ConsumeResult<byte[], byte[]>? result = consumer.Consume(TimeSpan.FromSeconds(1));
            if (result is { IsPartitionEOF: true }) return messages;
            if (result != null) messages.Add(result.Message);
        }

        throw new TimeoutException($"the end of {topic} was not reached");
    }

    /// <summary>The anomaly with one member changed.</summary>
    public static Message<byte[], byte[]> With(Message<byte[], byte[]> message, string member, Func<JsonNode?, JsonNode?> change)
    {
        JsonObject anomaly = JsonNode.Parse(message.Value)!.AsObject();
        anomaly[member] = change(anomaly[member]);
        return new Message<byte[], byte[]> { Key = message.Key, Value = System.Text.Encoding.UTF8.GetBytes(anomaly.ToJsonString()), Headers = message.Headers };
    }

    public void Dispose()
    {
        _cluster.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Readings of the first minute behind those of the last.</summary>
    private void ProduceLate(int count)
    {
        using IProducer<string, string> producer = new ProducerBuilder<string, string>(new ProducerConfig { BootstrapServers = Options.Bootstrap }).Build();
        for (int i = 0; i < count; i++)
        {
            string reading = $"{{\"sensor_id\":\"late_{i % 7}\",\"timestamp\":\"2026-11-20T00:00:{i:D2}Z\",\"value\":{i}}}";
            producer.Produce(Options.RawTopic, new Message<string, string> { Key = $"late_{i % 7}", Value = reading, Timestamp = new Timestamp(1_795_134_120_000 + i, TimestampType.CreateTime) });
        }

        producer.Flush(s_patience);
    }

    private void Run()
    {
        var options = new PipelineOptions { Windows = WindowSpec.Default, Decode = new DecodeOptions(), Features = FeatureSpec.Default, ModelName = "anomaly_detector" };
        using var store = new LocalFolderStore(Folder);
        using var model = ModelRepository.Load(Path.Combine(TestEnvironment.Root, "models"), "anomaly_detector", "latest", ExecutionProvider.Cpu, NullLogger.Instance);
        options = options with { Features = model.Manifest.Features with { WarmingWindows = 30 } };
        using var files = new FeatureFileWriter(store, options.Windows.WindowUs, options.ConfigHash(), NullLogger.Instance);
        using var pipeline = new Pipeline(options, worker => new KafkaSource(Options, worker, NullLogger.Instance), _ => new KafkaSink(Options, null, NullLogger.Instance), files, new ModelVersions(model), EventClock.Wall(), NullLoggerFactory.Instance);
        pipeline.Start();
        bool done = SpinWait.SpinUntil(() => pipeline.Completion.IsCompleted || pipeline.Snapshot() is { Partitions.Count: 2, Lag: 0 } s && s.Partitions.All(p => p.Position > 0 && p.HighOffset == p.Position), s_patience);
        pipeline.RequestDrain();
        Assert.True(done && pipeline.Completion.Wait(s_patience, TestContext.Current.CancellationToken), "the pipeline did not come to the log's end");
    }
}
