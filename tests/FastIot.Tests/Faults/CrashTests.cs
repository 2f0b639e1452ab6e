using System.Diagnostics;
using FastIot.Tests.Cli;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Faults;

/// <summary>
/// Native instances killed by SIGKILL, at named points and at random, against a real Kafka and a real MinIO. FASTIOT_TEST_KILLS=200 is the long run.
/// </summary>
[Collection(nameof(NativeBinary))]
public sealed class CrashTests(RealServers servers) : IClassFixture<RealServers>
{
    private const int Killed = 128 + Instance.Kill;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    /// <summary>Those that every run comes by; the rest have tests of their own.</summary>
    private static readonly string[] s_points =
    [
        "transaction-after-commit:3", "assign-begin", "assign-end", "replay:500", "window-closed:40", "anomaly-queued:5", "file-before-put:3", "file-after-put:3", "snapshot-before-put:2", "snapshot-after-put:2",
        "transaction-begun:3", "transaction-before-offsets:3", "transaction-after-offsets:3", "transaction-before-commit:3",
    ];

    [Fact]
    public void Killed_at_every_named_point_it_sends_each_window_once()
    {
        using var scene = new Scene(servers.Kafka(), servers.Minio());
        Instance producer = scene.Produce(sensors: 300, "60m", speed: 60);
        foreach (string point in s_points)
        {
            Instance instance = scene.Start("a", point);
            Eventually.Until(() => instance.HasExited, s_patience, () => $"{point} was not come to: {instance.Said}");
            instance.AwaitExit(s_patience);
            Assert.True(instance.ExitCode == Killed, $"{point}: exit code {instance.ExitCode}: {instance.Said}");
        }

        Instance draining = scene.Start("a", "drain-begin");
        scene.AwaitProgress(scene.Progress(), draining);
        draining.Signal(Instance.Terminate);
        draining.AwaitExit(s_patience);
        Assert.Equal(Killed, draining.ExitCode);
        producer.AwaitExit(s_patience);
        foreach (string point in (string[])["idle-decided", "idle-applied:2"])
        {
            Instance idle = scene.Start("a", point, "2s");
            idle.AwaitExit(s_patience);
            Assert.True(idle.ExitCode == Killed, $"{point}: exit code {idle.ExitCode}: {idle.Said}");
        }

        scene.Settle();
        scene.Judge(leastWindows: 100_000);
    }

    [Fact]
    public void Killed_at_random_it_sends_each_window_once()
    {
        int kills = int.TryParse(Environment.GetEnvironmentVariable("FASTIOT_TEST_KILLS"), out int asked) ? asked : 6;
        // 50,000 readings a second where there is time for it.
        (int sensors, int speed) = kills > 20 ? (5500, 10) : (300, 60);
        int seed = TestSeed.Or(Environment.TickCount);
        var random = new Random(seed);
        using var scene = new Scene(servers.Kafka(), servers.Minio());
        Instance producer = scene.Produce(sensors, "24h", speed);
        var producing = Stopwatch.StartNew();
        long progress = 0;
        var back = new List<double>();
        for (int kill = 0; kill < kills; kill++)
        {
            Instance instance = scene.Start("a");
            var started = Stopwatch.StartNew();
            progress = scene.AwaitProgress(progress, instance);
            back.Add(started.Elapsed.TotalSeconds);
            using (var pace = new ManualResetEventSlim()) pace.Wait(random.Next(0, 2500), TestContext.Current.CancellationToken);
            instance.Signal(Instance.Kill);
            instance.AwaitExit(s_patience);
            Assert.True(instance.ExitCode == Killed, $"exit code {instance.ExitCode}: {instance.Said}");
        }

        producer.Signal(Instance.Terminate);
        producer.AwaitExit(s_patience);
        double rate = Enumerable.Range(0, Scene.Partitions).Sum(scene.EndOffset) / producing.Elapsed.TotalSeconds;
        scene.Settle();
        scene.Judge(leastWindows: 10_000);
        back.Sort();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}, {kills} kills, {rate:0} records a second; from the start to a further commit: p50 {back[back.Count / 2]:0.0} s, max {back[^1]:0.0} s");
    }
}
