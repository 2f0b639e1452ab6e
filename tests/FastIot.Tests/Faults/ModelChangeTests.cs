using FastIot.Tests.Cli;
using FastIot.Tests.Golden;
using FastIot.Tests.Scoring;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Faults;

/// <summary>A newer version of the model while native instances run, and are killed.</summary>
[Collection(nameof(NativeBinary))]
public sealed class ModelChangeTests(RealServers servers) : IClassFixture<RealServers>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void A_newer_version_scores_from_a_window_on_and_a_replay_scores_each_as_before()
    {
        string models = Directory.CreateTempSubdirectory("fastiot-versions-").FullName;
        using var scene = new Scene(servers.Kafka(), null);
        try
        {
            int version = ShippedModel.Version, next = version + 1;
            ShippedModel.Save(models, version);
            string[] flags = ["--models", models, "--model-poll", "100ms"];
            Instance producer = scene.Produce(sensors: 200, "20m", speed: 40);
            Instance instance = scene.Start("a", flags: flags);
            scene.AwaitEach(200, instance);
            ShippedModel.Save(models, next);
            instance.AwaitSaid($"anomaly_detector:{next} is loaded", s_patience);
            Eventually.Until(() => instance.HasExited || scene.Committed().All(m => m?.Model.Latest == next), s_patience, () => instance.Said);
            instance.Signal(Instance.Kill);
            instance.AwaitExit(s_patience);

            Instance heir = scene.Start("a", flags: flags);
            scene.AwaitEach(200, heir);
            producer.AwaitExit(s_patience);
            heir.End(s_patience);
            scene.Settle("a", flags);
            scene.Judge(leastWindows: 10_000);
            var sides = FeatureTable.Query(scene.Folder, $"""
                max(window_end) FILTER (model = 'anomaly_detector:{version}') < min(window_end) FILTER (model = 'anomaly_detector:{next}'), count(DISTINCT model)
                """, "GROUP BY sensor_id, metric", row => (InOrder: row.GetBoolean(0), Models: row.GetInt64(1)));
            Assert.Equal(200, sides.Count);
            Assert.All(sides, s => Assert.Equal((true, 2L), s));
        }
        finally
        {
            Directory.Delete(models, recursive: true);
        }
    }

    [Fact]
    public void A_newer_version_of_other_features_waits_for_a_restart()
    {
        string models = Directory.CreateTempSubdirectory("fastiot-versions-").FullName;
        using var scene = new Scene(servers.Kafka(), null);
        try
        {
            int version = ShippedModel.Version;
            ShippedModel.Save(models, version);
            Instance instance = scene.Start("a", flags: ["--models", models, "--model-poll", "100ms"]);
            scene.ProduceAll(sensors: 50, "10m");
            scene.AwaitProgress(0, instance);
            // As many columns and the same lags: only the names say that the rows that are kept are not what it was trained on.
            ShippedModel.Save(models, version + 1, m => m with { Features = m.Features with { Names = [.. m.Features.Names.Reverse()] } });
            instance.AwaitSaid($"anomaly_detector:{version + 1} wants other features than those that are kept", s_patience);
            Assert.Contains("its features.names (level_5min", instance.Said);
            instance.End(s_patience);
            Assert.All(scene.Committed(), m => Assert.Equal(version, m!.Model.Latest));
        }
        finally
        {
            Directory.Delete(models, recursive: true);
        }
    }
}
