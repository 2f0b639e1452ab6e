using FastIot.Tests.Cli;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Faults;

/// <summary>Three brokers that die and come back under a native instance: leaders, the group's and the transactions' coordinators move.</summary>
[Collection(nameof(NativeBinary))]
public sealed class BrokerTests(RealServers servers) : IClassFixture<RealServers>
{
    private const int Brokers = 3;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("classic")]
    [InlineData("consumer")]
    public void Brokers_that_die_one_after_another_cost_no_window(string protocol)
    {
        string[] flags = ["--group-protocol", protocol];
        using var scene = new Scene(servers.Kafka(Brokers), servers.Minio(), Brokers);
        Instance producer = scene.Produce(sensors: 200, "24h", speed: 60);
        Instance instance = scene.Start("a", flags: flags);
        scene.AwaitEach(1, instance);
        for (int broker = 1; broker <= Brokers; broker++)
        {
            servers.KillKafka(broker);
            scene.AwaitEach(2_000, instance);
            servers.RestartKafka(broker);
            scene.AwaitEach(2_000, instance);
            Assert.False(instance.HasExited, instance.Said);
        }

        producer.End(s_patience);
        instance.End(s_patience);
        scene.Settle("a", flags);
        scene.Judge(leastWindows: 5_000);
    }
}
