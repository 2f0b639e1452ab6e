using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FastIot.Ingest;
using FastIot.Tests.Cli;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Faults;

/// <summary>What must not be guessed: a native instance refuses it, says what to do, and does it when told so.</summary>
[Collection(nameof(NativeBinary))]
public sealed class PolicyTests(RealServers servers) : IClassFixture<RealServers>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Readings_that_have_expired_are_refused_or_gone_over_as_told()
    {
        using Scene scene = Begun();
        using (IAdminClient admin = Admin(scene))
        {
            await admin.DeleteRecordsAsync([.. Enumerable.Range(0, Scene.Partitions).Select(p => new TopicPartitionOffset(scene.Options.RawTopic, p, scene.EndOffset(p)))]);
        }

        scene.ProduceAll(100, "5m", "2026-11-20T00:10:00Z");
        Refuses(scene, "records have expired", "--on-gap earliest");
        GoesOn(scene, "going on without them", "--on-gap", "earliest");
    }

    [Fact]
    public void Offsets_that_are_not_ours_are_refused_or_begun_from_as_told()
    {
        using Scene scene = Begun();
        Commit(scene, 3, "somebody else's");
        scene.ProduceAll(100, "5m", "2026-11-20T00:10:00Z");
        Refuses(scene, "somebody else's", "--on-config-change restart-windows");
        GoesOn(scene, "as --on-config-change says", "--on-config-change", "restart-windows");
    }

    [Fact]
    public void Metadata_of_a_newer_format_is_refused_whatever_is_told()
    {
        using Scene scene = Begun();
        Commit(scene, 3, "v=9;pos=3");
        Refuses(scene, "has format 9", "begin anew", "--on-config-change", "restart-windows");
    }

    [Fact]
    public void Other_windows_are_refused_or_restarted_as_told()
    {
        using Scene scene = Begun();
        scene.ProduceAll(100, "5m", "2026-11-20T00:10:00Z");
        Refuses(scene, "another configuration", "--on-config-change restart-windows", "--lateness", "5s");
        GoesOn(scene, "windows are restarted", "--on-config-change", "restart-windows", "--lateness", "5s");
    }

    [Fact]
    public async Task Partitions_that_are_added_meanwhile_are_noticed_and_refused_or_taken_as_told()
    {
        using Scene scene = Begun();
        Instance instance = scene.Start("a", flags: ["--kafka-property", "topic.metadata.refresh.interval.ms=500"]);
        instance.AwaitSaid("[3] assigned", s_patience);
        using (IAdminClient admin = Admin(scene))
        {
            await admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = scene.Options.RawTopic, IncreaseTo = Scene.Partitions + 2 }]);
        }

        instance.AwaitExit(s_patience);
        Assert.True(instance.ExitCode == 1 && instance.Said.Contains("had 4 partitions and has 6 now", StringComparison.Ordinal), $"{instance.ExitCode}: {instance.Said}");
        scene.ProduceAll(100, "5m", "2026-11-20T00:10:00Z");
        Refuses(scene, "had 4 partitions and has 6 now", "--on-config-change restart-windows");
        GoesOn(scene, "windows are restarted", "--on-config-change", "restart-windows");
    }

    /// <summary>A log that an instance has read to its end.</summary>
    private Scene Begun()
    {
        var scene = new Scene(servers.Kafka(), null);
        scene.ProduceAll(100, "5m");
        scene.Settle();
        return scene;
    }

    private static void Refuses(Scene scene, string reason, string help, params string[] flags)
    {
        Instance refusing = scene.Start("a", flags: flags);
        refusing.AwaitExit(s_patience);
        Assert.Equal(1, refusing.ExitCode);
        Assert.Contains(reason, refusing.Said);
        Assert.Contains(help, refusing.Said);
    }

    private static void GoesOn(Scene scene, string notice, params string[] flags)
    {
        long before = scene.Stored();
        Instance instance = scene.Start("a", flags: flags);
        instance.AwaitSaid(notice, s_patience);
        Eventually.Until(() => instance.HasExited || scene.Stored() > before, s_patience, () => instance.Said);
        instance.End(s_patience);
    }

    private static void Commit(Scene scene, long offset, string metadata)
    {
        using var member = new GroupMember(scene.Options, 0);
        member.Until(() => member.Owned.Count == Scene.Partitions);
        CommitResult result = member.Source.Commit([new PartitionCommit(0, offset, metadata)]);
        Assert.True(result.Outcome == CommitOutcome.Committed, result.ToString());
    }

    private static IAdminClient Admin(Scene scene) => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = scene.Options.Bootstrap }).Build();
}
