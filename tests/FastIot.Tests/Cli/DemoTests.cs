using System.Diagnostics;
using System.Text.Json;
using FastIot.Tests.Golden;

namespace FastIot.Tests.Cli;

/// <summary>The demo as a newcomer runs it, shortened, in the native binary.</summary>
[Collection(nameof(NativeBinary))]
public sealed class DemoTests
{
    [Fact]
    public async Task Demo_loses_nothing_scores_every_window_and_collects_no_garbage()
    {
        string folder = Directory.CreateTempSubdirectory("fastiot-demo-").FullName;
        ProcessResult result = await NativeBinary.RunAsync("demo", "--sensors", "2000", "--duration", "20s", "--out", folder, "--http", "127.0.0.1:0", "--json");
        Assert.True(result.ExitCode == 0, result.ToString());
        JsonElement summary = JsonDocument.Parse(result.Out).RootElement;
        long Number(string name) => summary.GetProperty(name).GetInt64();
        Assert.True(Number("produced") > 2000 * 10 * 15, $"{Number("produced")} readings in 20 s");
        Assert.Equal(Number("produced"), Number("records"));
        Assert.Equal(Number("produced"), Number("readings") + Number("late") + Number("rejected"));
        Assert.Equal(0, Number("rejected"));
        Assert.Equal(2000, Number("series"));
        Assert.True(Number("windows") > 2000 * 15, $"{Number("windows")} windows");
        Assert.Equal(Number("windows"), Number("scored"));
        JsonElement steady = summary.GetProperty("steady");
        Assert.Equal(0, steady.GetProperty("gen2").GetInt64());

        // Readings and windows allocate nothing (AllocationTests); commits and files do, some hundred bytes each, by the second.
        Assert.True(steady.GetProperty("worker_allocated_bytes").GetDouble() / steady.GetProperty("seconds").GetDouble() < 24 << 10, $"the worker allocated {steady}");
        Assert.True(summary.GetProperty("process").GetProperty("peak_memory_bytes").GetInt64() < 512L << 20);
        Assert.Equal(summary.GetProperty("files").GetProperty("rows").GetInt64(), FeatureTable.Read(folder).Count);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Any_client_can_join_the_demos_kafka_and_a_signal_ends_it_in_order()
    {
        string folder = Directory.CreateTempSubdirectory("fastiot-demo-").FullName;
        using Process demo = NativeBinary.Start([], "demo", "--sensors", "100", "--duration", "0", "--history", "0", "--out", folder, "--http", "127.0.0.1:0", "--json");
        string bootstrap = "", url = "";
        while (bootstrap.Length == 0 || url.Length == 0)
        {
            string line = await demo.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) ?? throw new InvalidOperationException("the demo has ended");
            if (line.StartsWith("Kafka at ", StringComparison.Ordinal)) bootstrap = line["Kafka at ".Length..line.IndexOf(',')];
            if (line.StartsWith("http://", StringComparison.Ordinal)) url = line[..line.IndexOf(' ')];
        }

        var config = new Confluent.Kafka.ConsumerConfig { BootstrapServers = bootstrap, GroupId = "another", AutoOffsetReset = Confluent.Kafka.AutoOffsetReset.Earliest };
        using (Confluent.Kafka.IConsumer<string, string> consumer = new Confluent.Kafka.ConsumerBuilder<string, string>(config).Build())
        {
            consumer.Subscribe("raw-readings");
            for (int i = 0; i < 100; i++)
            {
                Confluent.Kafka.ConsumeResult<string, string> read = consumer.Consume(TimeSpan.FromSeconds(30)) ?? throw new TimeoutException("no reading came");
                Assert.Equal(read.Message.Key, JsonDocument.Parse(read.Message.Value).RootElement.GetProperty("sensor_id").GetString());
            }
        }

        using var http = new HttpClient();
        string metrics = await http.GetStringAsync($"{url}metrics", TestContext.Current.CancellationToken);
        foreach (string name in new[] { "fastiot_readings_total", "fastiot_windows_emitted_total", "events_processed_total", "kafka_consumer_lag", "fastiot_files_written_total" }) Assert.Contains($"\n{name}", metrics);
        Process.Start("/bin/kill", ["-INT", $"{demo.Id}"]).WaitForExit();
        ProcessResult result = await NativeBinary.EndAsync(demo, TimeSpan.FromMinutes(1));
        Assert.True(result.ExitCode == 0, result.ToString());
        JsonElement summary = JsonDocument.Parse(result.Out).RootElement;
        Assert.Equal(summary.GetProperty("produced").GetInt64(), summary.GetProperty("records").GetInt64());
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Simulate_and_replay_are_deterministic()
    {
        string folder = Directory.CreateTempSubdirectory("fastiot-replay-").FullName;
        string readings = Path.Combine(folder, "readings.ndjson.gz");
        ProcessResult simulated = await NativeBinary.RunAsync("simulate", "--to", readings, "--sensors", "20", "--duration", "50m", "--truth", Path.Combine(folder, "truth.ndjson"), "--malformed-share", "0.001");
        Assert.True(simulated.ExitCode == 0, simulated.ToString());
        string[] outputs = new string[2];
        for (int i = 0; i < 2; i++)
        {
            string to = Path.Combine(folder, $"out{i}");
            ProcessResult replayed = await NativeBinary.RunAsync("replay", readings, "--out", to, "--json");
            Assert.True(replayed.ExitCode == 0, replayed.ToString());
            Assert.True(JsonDocument.Parse(replayed.Out).RootElement.GetProperty("scored").GetInt64() > 1000);
            Assert.NotEqual(0, new FileInfo(Path.Combine(to, "dead-letters.ndjson")).Length);
            outputs[i] = string.Join('\n', Directory.GetFiles(to, "*.parquet", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
                .Select(f => Path.GetRelativePath(to, f) + " " + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f)))));
        }

        Assert.NotEqual("", outputs[0]);
        Assert.Equal(outputs[0], outputs[1]);
        Directory.Delete(folder, recursive: true);
    }
}
