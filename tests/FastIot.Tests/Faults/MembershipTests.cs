using FastIot.Tests.Cli;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Faults;

/// <summary>Several native instances that take partitions from each other: zombies, storms of rebalances.</summary>
[Collection(nameof(NativeBinary))]
public sealed class MembershipTests(RealServers servers) : IClassFixture<RealServers>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly string[] s_short = ["--kafka-property", "session.timeout.ms=6000"];

    /// <summary>Where the zombie is halted: with a transaction begun, one about to be committed, a file about to be put.</summary>
    public static TheoryData<string, string> Halts => new()
    {
        { "transaction-begun:6:stop", "static" }, { "transaction-before-commit:6:stop", "static" }, { "file-before-put:6:stop", "static" }, { "transaction-before-commit:6:stop", "dynamic" },
    };

    [Theory]
    [MemberData(nameof(Halts))]
    public void A_zombie_that_wakes_after_another_took_over_damages_nothing(string halt, string membership)
    {
        using var scene = new Scene(servers.Kafka(), servers.Minio());
        Instance producer = scene.Produce(sensors: 200, "24h", speed: 60);
        Instance zombie = scene.Start("zombie", halt, flags: [.. s_short, "--membership", membership]);
        Eventually.Until(() => zombie.IsHalted || zombie.HasExited, s_patience, () => zombie.Said);
        Assert.False(zombie.HasExited, zombie.Said);
        Instance heir = scene.Start("heir", flags: [.. s_short, "--membership", membership]);

        // All partitions are the heir's once each has got further than the zombie committed.
        long[] left = [.. scene.Committed().Select(m => m?.Position ?? 0)];
        Eventually.Until(() => scene.Committed().Select((m, i) => m != null && m.Position > left[i]).All(further => further), s_patience, () => heir.Said);
        zombie.Signal(Instance.Continue);
        scene.AwaitProgress(scene.Progress(), heir);
        Eventually.Until(() => zombie.HasExited || zombie.Said.Split(" assigned: ").Length > 1 + Scene.Partitions, s_patience, () => $"the zombie neither ended nor joined again: {zombie.Said}");
        scene.AwaitProgress(scene.Progress(), heir);
        producer.End(s_patience);
        foreach (Instance instance in (Instance[])[zombie, heir])
        {
            if (!instance.HasExited) instance.End(s_patience);
        }

        scene.Settle("heir", s_short);
        scene.Judge(leastWindows: 5_000);
    }

    [Fact]
    public void A_storm_of_rebalances_sends_each_window_once()
    {
        string[] flags = [.. s_short, "--membership", "dynamic", "--workers", "1"];
        using var scene = new Scene(servers.Kafka(), servers.Minio());
        Instance producer = scene.Produce(sensors: 200, "24h", speed: 60);
        var alive = new Dictionary<string, Instance>();

        // One to four, some of which die when they have to give partitions up, to two, to one.
        foreach (string who in (string[])["+a", "+b", "+c", "+d", "-b", "!c", "+c", "-d", "!a", "+b", "-c"])
        {
            string id = who[1..];
            if (who[0] == '+') alive[id] = scene.Start(id, id == "a" ? "revoke-begin:4" : null, flags: flags);
            else if (alive.Remove(id, out Instance? leaving) && !leaving.HasExited && who[0] == '-') leaving.End(s_patience);
            else leaving!.Signal(Instance.Kill);
            if (alive.Count > 0) scene.AwaitProgress(scene.Progress() + 2000, alive.Values.Last(i => !i.HasExited));
        }

        producer.End(s_patience);
        foreach (Instance instance in alive.Values) instance.End(s_patience);
        scene.Settle("a", flags);
        scene.Judge(leastWindows: 5_000);
    }
}
