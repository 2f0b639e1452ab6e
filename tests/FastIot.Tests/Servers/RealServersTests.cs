using System.Diagnostics;
using System.Text.Json;
using Confluent.Kafka;
using FastIot.Emit;
using FastIot.Tests.Cli;
using FastIot.Tests.Golden;

namespace FastIot.Tests.Servers;

/// <summary>The native binary between a real Kafka and a real MinIO, with other people's clients on both sides.</summary>
[Collection(nameof(NativeBinary))]
public sealed class RealServersTests(RealServers servers) : IClassFixture<RealServers>
{
    private const int Sensors = 20;
    private const int Seconds = 700;
    private const int FlatFrom = 300;
    private const long Start = 1_793_577_600; // 2026-11-02T00:00:00Z

    /// <summary>The predecessor's producer, in short: python, gzip, key = sensor id. Sensor 3 stands still from some time on; a few records are broken.</summary>
    private const string Producer = """
        import json, random, sys
        from datetime import datetime, timezone
        from kafka import KafkaProducer
        bootstrap, sensors, seconds, flat, start = sys.argv[1], *map(int, sys.argv[2:])
        producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type='gzip', linger_ms=50, key_serializer=str.encode)
        random.seed(1)
        for second in range(seconds):
            for sensor in range(sensors):
                time = start + second
                stamp = datetime.fromtimestamp(time, timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.%f') + 'Z'
                value = 20.5 if sensor == 3 and second >= flat else round(20 + random.gauss(0, 1), 3)
                reading = {'sensor_id': f'sensor_{sensor:06d}', 'timestamp': stamp, 'metric': 'temperature', 'value': value,
                           'meta': {'unit': 'celsius', 'location': f'zone_{sensor}', 'is_anomaly': False, 'anomaly_type': None}}
                producer.send('raw-readings', key=reading['sensor_id'], value=json.dumps(reading).encode(), timestamp_ms=time * 1000)
        for broken in (b'{"sensor_id":', b'[]', b'{"sensor_id":"sensor_000001","timestamp":"soon","value":1}'):
            producer.send('raw-readings', key='sensor_000001', value=broken, timestamp_ms=(start + seconds) * 1000)
        producer.flush()
        """;

    [Fact]
    public async Task Python_in_kcat_out_and_parquet_in_the_bucket()
    {
        string kafka = servers.Kafka(), minio = servers.Minio(), kcat = TestEnvironment.Tool("kcat", "kcat");
        ProcessResult topics = await NativeBinary.RunAsync("topics", "create", "--kafka", kafka);
        Assert.True(topics.ExitCode == 0, topics.ToString());
        Assert.Contains("raw-readings: made", topics.Out);
        Assert.Contains("raw-readings: was there", (await NativeBinary.RunAsync("topics", "create", "--kafka", kafka)).Out);
        RealServers.Run("/usr/bin/python3", "-c", Producer, kafka, $"{Sensors}", $"{Seconds}", $"{FlatFrom}", $"{Start}");

        using Process run = NativeBinary.Start([("MINIO_ACCESS_KEY", "minioadmin"), ("MINIO_SECRET_KEY", "minioadmin")],
            "run", "--kafka", kafka, "--minio", minio, "--http", "127.0.0.1:0", "--json");
        List<Message<string, byte[]>> letters = Consume(kafka, "raw-readings-dlq", 3);
        List<Message<string, byte[]>> anomalies = Consume(kafka, "anomalies", 10);
        RealServers.Run("/bin/kill", "-TERM", $"{run.Id}");
        ProcessResult result = await NativeBinary.EndAsync(run, TimeSpan.FromMinutes(1));
        Assert.True(result.ExitCode == 0, result.ToString());

        JsonElement summary = JsonDocument.Parse(result.Out).RootElement;
        Assert.Equal(Sensors * Seconds, summary.GetProperty("readings").GetInt64());
        Assert.Equal(3, summary.GetProperty("rejected").GetInt64());
        Assert.Equal(["empty", "invalid_timestamp", "malformed_json"], letters.Select(l => Header(l, "reason")).Order());
        Assert.All(letters, l => Assert.Equal("raw-readings", Header(l, "topic")));
        Assert.All(letters, l => Assert.True(long.Parse(Header(l, "offset")) >= 0 && int.Parse(Header(l, "partition")) is >= 0 and < 10 && Header(l, "index") == "0"));
        Assert.Contains(letters, l => System.Text.Encoding.UTF8.GetString(l.Value) == "{\"sensor_id\":");

        var schema = JsonSchema.Read(Path.Combine(TestEnvironment.Root, "compose", "anomaly.schema.json"));
        string[] seen = RealServers.Run(kcat, "-b", kafka, "-t", "anomalies", "-C", "-e", "-q", "-o", "beginning", "-f", "%k %s\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(seen.Length >= anomalies.Count);
        foreach (string line in seen)
        {
            int space = line.IndexOf(' ');
            JsonElement anomaly = JsonDocument.Parse(line[(space + 1)..]).RootElement;
            Assert.True(schema.Check(anomaly) == null, $"{schema.Check(anomaly)}: {line}");
            Assert.Equal(line[..space], anomaly.GetProperty("sensor_id").GetString());
        }

        // Only sensor 3 stood still; nothing else alarms within the half hour of warming.
        Assert.All(seen, line => Assert.StartsWith("sensor_000003 ", line));
        Assert.All(anomalies, a => Assert.Equal("stuck", JsonDocument.Parse(a.Value).RootElement.GetProperty("kind").GetString()));
        await VerifyBucketAsync(minio);
    }

    [Fact]
    public async Task A_wrong_secret_is_refused_with_a_clear_message()
    {
        string minio = servers.Minio();
        ProcessResult result = await NativeBinary.RunAsync([("MINIO_ACCESS_KEY", "minioadmin"), ("MINIO_SECRET_KEY", "not-the-secret")], ["run", "--kafka", "127.0.0.1:1", "--minio", minio, "--http", "off"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"error: cannot prepare {minio}/iot-data", result.Error);
        Assert.DoesNotContain("not-the-secret", result.Error);
        Assert.DoesNotContain("   at ", result.Error);
    }

    private static async Task VerifyBucketAsync(string minio)
    {
        using var store = new MinioStore(new MinioOptions { Endpoint = minio, Bucket = "iot-data", AccessKey = "minioadmin", SecretKey = "minioadmin" });
        IReadOnlyList<string> names = await store.ListAsync("features/", TestContext.Current.CancellationToken);
        Assert.NotEmpty(names);
        string folder = Directory.CreateTempSubdirectory("fastiot-bucket-").FullName;
        foreach (string name in names)
        {
            string path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllBytesAsync(path, (await store.GetAsync(name, TestContext.Current.CancellationToken))!, TestContext.Current.CancellationToken);
        }

        List<FeatureRow> rows = FeatureTable.Read(folder);
        Directory.Delete(folder, recursive: true);
        Assert.Equal(Sensors, rows.Select(r => r.Sensor).Distinct().Count());
        Assert.Equal(rows.Count, rows.Select(r => (r.Sensor, r.WindowEndUs)).Distinct().Count());
        // Whole windows have a reading a second; files hold those that end by the last whole minute.
        Assert.All(rows.Where(r => r.WindowStartUs >= Start * 1_000_000), r => Assert.Equal(60, r.Count));
        Assert.True(rows.Max(r => r.WindowEndUs) >= (Start + Seconds - 120) * 1_000_000);
    }

    private static string Header(Message<string, byte[]> message, string name) => System.Text.Encoding.UTF8.GetString(message.Headers.GetLastBytes(name));

    private static List<Message<string, byte[]>> Consume(string kafka, string topic, int count)
    {
        using IConsumer<string, byte[]> consumer = new ConsumerBuilder<string, byte[]>(new ConsumerConfig { BootstrapServers = kafka, GroupId = Guid.NewGuid().ToString(), AutoOffsetReset = AutoOffsetReset.Earliest, EnableAutoCommit = false }).Build();
        consumer.Subscribe(topic);
        var messages = new List<Message<string, byte[]>>();
        var waited = Stopwatch.StartNew();
        while (messages.Count < count)
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(90), $"{messages.Count} of {count} records of {topic} came within 90 s");
            if (consumer.Consume(TimeSpan.FromSeconds(1)) is { Message: { } message }) messages.Add(message);
        }

        consumer.Close();
        return messages;
    }
}
