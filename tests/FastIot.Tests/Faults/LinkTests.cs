using FastIot.Tests.Cli;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Faults;

/// <summary>A broker behind links that are cut, slow or silent.</summary>
[Collection(nameof(NativeBinary))]
public sealed class LinkTests(RealServers servers) : IClassFixture<RealServers>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void Links_to_the_broker_that_are_cut_slow_or_silent_cost_no_window()
    {
        string proxied = $"127.0.0.1:{RealServers.FreePort()}";
        string direct = servers.Kafka(1, $"advertised.listeners=PLAINTEXT://{proxied}");
        Toxiproxy proxy = servers.Toxiproxy();
        proxy.Link("kafka", proxied, direct);
        using var scene = new Scene(proxied, servers.Minio());
        Instance producer = scene.Produce(sensors: 200, "24h", speed: 60);

        // Short, so that silence is noticed within seconds.
        string[] flags = ["--kafka-property", "session.timeout.ms=6000", "--kafka-property", "socket.timeout.ms=3000"];
        Instance instance = scene.Start("a", flags: flags);
        scene.AwaitProgress(0, instance);
        proxy.SetUp("kafka", up: false);
        Eventually.Until(() => Complaints(instance) > 0, s_patience, () => instance.Said);
        proxy.SetUp("kafka", up: true);
        scene.AwaitEach(2_000, instance);
        foreach ((string type, string stream, (string, int)[] attributes) in (ReadOnlySpan<(string, string, (string, int)[])>)
            [("latency", "downstream", [("latency", 300), ("jitter", 200)]), ("reset_peer", "upstream", [("timeout", 700)]), ("timeout", "downstream", [("timeout", 0)]), ("limit_data", "upstream", [("bytes", 20_000)])])
        {
            int before = Complaints(instance);
            proxy.Hurt("kafka", type, stream, attributes);
            if (type == "latency") scene.AwaitEach(2_000, instance);
            else Eventually.Until(() => Complaints(instance) > before, s_patience, () => $"{type}: {instance.Said}");
            proxy.Heal("kafka", type);
            scene.AwaitEach(2_000, instance);
        }

        producer.End(s_patience);
        instance.End(s_patience);
        scene.Settle();
        scene.Judge(leastWindows: 5_000);
    }

    private static int Complaints(Instance instance) => instance.Said.Split(" warn ").Length - 1;
}
