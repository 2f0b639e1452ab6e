using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Confluent.Kafka;
using FastIot.Kafka;
using FastIot.Tests.Cli;
using FastIot.Tests.Servers;
using KafkaOptions = FastIot.Kafka.KafkaOptions;

namespace FastIot.Tests.Faults;

/// <summary>
/// A simulated fleet in a real Kafka, native instances of the pipeline in exactly-once delivery that come to harm, and at the end the judgement:
/// <c>verify</c>, and kcat, which reads committed records only.
/// </summary>
internal sealed class Scene : IDisposable
{
    public const int Partitions = 4;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(20);

    // What a zombie's transaction holds undecided is not waited for.
    private static readonly Dictionary<string, string> s_undecided = new() { ["isolation.level"] = "read_uncommitted" };

    private readonly List<Instance> _instances = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-scene-").FullName;
    private readonly string? _minio;

    /// <param name="minio">URL of the store; null = a local folder.</param>
    /// <param name="replicas">Of each topic, one a broker.</param>
    /// <param name="folder">Where the files are, without MinIO; null = a folder of its own.</param>
    public Scene(string kafka, string? minio, int replicas = 1, string? folder = null)
    {
        Folder = folder ?? Path.Combine(_folder, "store");
        string name = Guid.NewGuid().ToString("N")[..8];
        _minio = minio;
        Bucket = $"scene-{name}";
        Options = new KafkaOptions { Bootstrap = kafka, Group = $"group-{name}", RawTopic = $"raw-{name}", AnomalyTopic = $"anomalies-{name}", DeadLetterTopic = $"dlq-{name}", LateTopic = $"late-{name}" };
        (string, int)[] topics = [(Options.RawTopic, Partitions), (Options.AnomalyTopic, 2), (Options.DeadLetterTopic, 1), (Options.LateTopic!, 1)];
        TopicAdmin.CreateAsync(Options, [.. topics.Select(t => new TopicWish(t.Item1, t.Item2, (short)replicas))], s_timeout).GetAwaiter().GetResult();
    }

    public KafkaOptions Options { get; }

    public string Bucket { get; }

    public string Folder { get; }

    /// <summary>Plays a fleet with disorder and bad records into the log, as fast as <paramref name="speed"/> says; 0 = at once.</summary>
    public Instance Produce(int sensors, string duration, int speed, string start = "2026-11-20T00:00:00Z", int seed = 1)
    {
        string[] arguments =
        [
            "simulate", "--to", $"kafka://{Options.Bootstrap}/{Options.RawTopic}", "--sensors", $"{sensors}", "--duration", duration, "--speed", $"{speed}", "--start", start, "--seed", $"{seed}",
            "--late-share", "0.01", "--duplicate-share", "0.01", "--malformed-share", "0.002", "--future-share", "0.001", "--anomaly-rate", "0.1",
        ];
        return Add(new Instance([], arguments));
    }

    /// <summary>Plays it and waits for its end.</summary>
    public void ProduceAll(int sensors, string duration, string start = "2026-11-20T00:00:00Z", int seed = 1)
    {
        Instance producer = Produce(sensors, duration, 0, start, seed);
        producer.AwaitExit(s_patience);
        Assert.True(producer.ExitCode == 0, producer.Said);
    }

    /// <summary>Starts an instance of the pipeline under a name; one that was killed comes back under the same.</summary>
    /// <param name="faultPoint">Where it is to be killed or halted, see <see cref="FaultPoint"/>; null = nowhere.</param>
    public Instance Start(string id, string? faultPoint = null, string idleTimeout = "0s", params string[] flags)
    {
        (string, string)[] environment = faultPoint == null ? [] : [(FaultPoint.Variable, faultPoint)];

        // Young series may raise alarms, or none would within the few minutes that a test has.
        string[] warming = flags.Contains("--warming") ? [] : ["--warming", "3m"], http = flags.Contains("--http") ? [] : ["--http", "off"];
        string[] arguments = ["run", "--instance-id", id, "--delivery", "exactly-once", "--idle-timeout", idleTimeout, .. warming, .. http, .. Common(), .. flags];
        return Add(new Instance([.. StoreEnvironment(), .. environment], arguments));
    }

    /// <summary>Ends the run: everything read, the last windows closed as idle, the instance ended in order.</summary>
    public void Settle(string id = "a", params string[] flags)
    {
        Instance last = Start(id, null, "2s", flags);
        AwaitSettled(last);
        last.End(TimeSpan.FromSeconds(40));
    }

    /// <summary>Waits until each partition is read to its end, and its last windows are closed as idle and stored.</summary>
    public void AwaitSettled(Instance instance)
    {
        long[] ends = [.. Enumerable.Range(0, Partitions).Select(EndOffset)];
        CommitMetadata?[] found = [];
        Eventually.Until(() => (found = Committed()).Select((m, i) => m != null && m.Position == ends[i] && m.Idle.Count > 0 && m.StoredUs == m.EmittedUs && m.EmittedUs >= m.Idle[m.Idle.Count - 1].WindowEndUs).All(ok => ok), s_patience,
            () => $"ends {string.Join(',', ends)}, committed {string.Join(" | ", found.Select(m => m?.ToString() ?? "nothing"))}, {instance.Said}");
    }

    /// <summary>Waits until the group has committed as many readings more than <paramref name="than"/>.</summary>
    public long AwaitProgress(long than, Instance instance)
    {
        long now = 0;
        foreach (Instance other in _instances) Assert.False(other.HasExited && other.ExitCode is 1 or 2, other.Said);
        Eventually.Until(() => instance.HasExited || (now = Progress()) > than, s_patience, () => $"{now} after {than}; {instance.Said}");
        Assert.True(!instance.HasExited || instance.ExitCode is 0 or > 128, instance.Said);
        return now;
    }

    /// <summary>Waits until the group has committed as many readings more of each partition.</summary>
    public void AwaitEach(long more, Instance instance)
    {
        long[] before = Positions(), now = before;
        Eventually.Until(() => instance.HasExited || (now = Positions()).Select((p, i) => p >= before[i] + more).All(further => further), s_patience,
            () => $"{string.Join(',', before)} and now {string.Join(',', now)}; {instance.Said}{string.Concat(_instances.Where(i => i != instance).Select(i => $"\n--- {(i.HasExited ? $"ended with {i.ExitCode}" : "running")}:\n{i.Said}"))}");
        Assert.True(!instance.HasExited || instance.ExitCode is 0 or > 128, instance.Said);
    }

    /// <summary>Positions of all partitions together, as committed.</summary>
    public long Progress() => Committed().Sum(m => m?.Position ?? 0);

    /// <summary>The least window end that is stored of each partition, as committed.</summary>
    public long Stored() => Committed().Min(m => m?.StoredUs ?? CommitMetadata.None);

    /// <summary>What each partition has committed; null = nothing, or nothing of FastIot's.</summary>
    public CommitMetadata?[] Committed() =>
        [.. GroupOffsets.Read(Options with { Properties = s_undecided }, [.. Enumerable.Range(0, Partitions)], s_timeout).OrderBy(c => c.Partition).Select(c => c.Offset < 0 ? null : Ours(c.Metadata!))];

    public long EndOffset(int partition)
    {
        using IConsumer<byte[], byte[]> consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig { BootstrapServers = Options.Bootstrap, GroupId = "ends" }).Build();
        return consumer.QueryWatermarkOffsets(new TopicPartition(Options.RawTopic, partition), s_timeout).High.Value;
    }

    /// <summary>Every window once in both outputs, every dead letter and late reading once; an independent client sees as many anomalies, none twice.</summary>
    /// <param name="leastWindows">Fewer would prove nothing.</param>
    public JsonNode Judge(int leastWindows)
    {
        ProcessResult verified = NativeBinary.RunAsync(StoreEnvironment(), ["verify", "--json", .. Common()]).GetAwaiter().GetResult();
        Assert.True(verified.ExitCode == 0, verified.ToString()[..Math.Min(6000, verified.ToString().Length)]);
        JsonNode report = JsonNode.Parse(verified.Out)!;
        long anomalies = report["anomalies"]!["checked"]!.GetValue<long>();
        Assert.True(report["rows"]!["checked"]!.GetValue<long>() >= leastWindows && anomalies > 0, verified.Out);
        string[] windows = Windows();
        Assert.Equal(windows.Length, windows.Distinct().Count());
        Assert.Equal(anomalies, windows.Length);
        TestContext.Current.TestOutputHelper?.WriteLine($"{report["records"]} records, {report["rows"]!["checked"]} rows and {anomalies} anomalies as the log says");
        return report;
    }

    public void Dispose()
    {
        foreach (Instance instance in _instances) instance.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Sensor, metric and window end of each committed anomaly, as kcat and a JSON parser see them.</summary>
    private string[] Windows()
    {
        string[] lines = RealServers.Run(TestEnvironment.Tool("kcat", "kcat"), "-b", Options.Bootstrap, "-t", Options.AnomalyTopic, "-C", "-e", "-q", "-o", "beginning", "-X", "isolation.level=read_committed", "-f", "%s\n")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.Select(l => JsonNode.Parse(l)!).Select(a => $"{a["sensor_id"]}/{a["metric"]}/{a["window_end"]}")];
    }

    private static CommitMetadata? Ours(string metadata)
    {
        try
        {
            return CommitMetadata.Parse(metadata);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private long[] Positions() => [.. Committed().Select(m => m?.Position ?? 0)];

    private string[] Common()
    {
        string[] store = _minio == null ? ["--out", Folder] : ["--minio", _minio, "--minio-bucket", Bucket];
        return
        [
            "--kafka", Options.Bootstrap, "--group", Options.Group, "--raw-topic", Options.RawTopic, "--anomaly-topic", Options.AnomalyTopic, "--dead-letter-topic", Options.DeadLetterTopic,
            "--late-topic", Options.LateTopic!, .. store,
        ];
    }

    private static (string, string)[] StoreEnvironment() => [("MINIO_ACCESS_KEY", "minioadmin"), ("MINIO_SECRET_KEY", "minioadmin")];

    private Instance Add(Instance instance)
    {
        _instances.Add(instance);
        return instance;
    }
}
