using FastIot.Scoring;
using FastIot.Tests.Cli;
using FastIot.Tests.Golden;
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
            int version = Publish(models, 0), next = version + 1;
            string[] flags = ["--models", models, "--model-poll", "100ms"];
            Instance producer = scene.Produce(sensors: 200, "20m", speed: 40);
            Instance instance = scene.Start("a", flags: flags);
            scene.AwaitEach(200, instance);
            Publish(models, next);
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

    /// <summary>The shipped model under another number, as a copy of its folder would come to be there: file by file.</summary>
    /// <param name="number">0 = its own.</param>
    private static int Publish(string models, int number)
    {
        string versions = Path.Combine(TestEnvironment.Root, "models", "anomaly_detector");
        int own = ModelRepository.Versions(versions).Max(), version = number == 0 ? own : number;
        string shipped = Path.Combine(versions, $"{own}");
        string folder = Directory.CreateDirectory(Path.Combine(models, "anomaly_detector", $"{version}")).FullName;
        File.WriteAllText(Path.Combine(folder, "model.json"), File.ReadAllText(Path.Combine(shipped, "model.json")).Replace($"\"version\": {own}", $"\"version\": {version}", StringComparison.Ordinal));
        File.Copy(Path.Combine(shipped, "model.onnx"), Path.Combine(folder, "model.onnx"));
        return version;
    }
}
