using FastIot.Tests.Cli;
using FastIot.Tests.Scoring;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Faults;

/// <summary>A shadow beside native instances in exactly-once delivery: nothing that is committed knows of it.</summary>
[Collection(nameof(NativeBinary))]
public sealed class ShadowRunTests(RealServers servers) : IClassFixture<RealServers>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void A_group_is_taken_up_with_and_without_one_after_a_kill()
    {
        string models = Directory.CreateTempSubdirectory("fastiot-shadow-run-").FullName;
        using var scene = new Scene(servers.Kafka(), null);
        try
        {
            ShippedModel.Save(models, 3);
            ShippedModel.Save(models, 4, m => ShippedModel.Recalibrated(m, .1));
            string[] plain = ["--models", models, "--model-version", "3"], shadowed = [.. plain, "--shadow", "4"];
            Instance producer = scene.Produce(sensors: 200, "20m", speed: 40);
            Instance instance = scene.Start("a", flags: shadowed);
            scene.AwaitEach(200, instance);
            Assert.Contains("anomaly_detector:4 scores the windows of anomaly_detector:3 beside it", instance.Said);
            instance.Signal(Instance.Kill);
            instance.AwaitExit(s_patience);

            Instance heir = scene.Start("a", flags: plain);
            scene.AwaitEach(200, heir);
            heir.End(s_patience);
            Instance last = scene.Start("a", null, "2s", shadowed);
            producer.AwaitExit(s_patience);
            scene.AwaitSettled(last);
            last.End(s_patience);
            Assert.Matches(@"shadow +anomaly_detector:4: [0-9,]+ windows compared", last.Said);
            scene.Judge(leastWindows: 10_000);
            Assert.All(scene.Committed(), m => Assert.Equal((3, 3), (m!.Model.Version, m.Model.Latest)));
        }
        finally
        {
            Directory.Delete(models, recursive: true);
        }
    }
}
