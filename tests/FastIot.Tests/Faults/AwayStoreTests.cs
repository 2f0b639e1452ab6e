using FastIot.Tests.Cli;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Faults;

/// <summary>Stores that refuse, are slow, cut off, away or full under a native instance: files wait, alarms do not, nothing is lost.</summary>
[Collection(nameof(NativeBinary))]
public sealed class AwayStoreTests(RealServers servers) : IClassFixture<RealServers>
{
    /// <summary>One member of the group: partitions that change hands need the store, and wait for it.</summary>
    private static readonly string[] s_alone = ["--workers", "1"];

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void A_store_that_refuses_or_is_slow_delays_files_and_no_alarm()
    {
        using var proxy = new FaultyProxy(servers.Minio());
        using var scene = new Scene(servers.Kafka(), proxy.Url);
        Instance producer = scene.Produce(sensors: 200, "24h", speed: 60);
        Instance instance = scene.Start("a", flags: s_alone);
        scene.AwaitProgress(0, instance);
        foreach (ProxyFault fault in (ProxyFault[])[ProxyFault.Unavailable, ProxyFault.Forbidden, ProxyFault.Slow])
        {
            int hurt = proxy.Hurt;
            proxy.Fault = fault;
            Eventually.Until(() => proxy.Hurt > hurt + 2, s_patience, () => instance.Said);
            long stored = scene.Stored();
            scene.AwaitProgress(scene.Progress() + 20_000, instance);
            proxy.Fault = ProxyFault.None;
            AwaitStored(scene, stored, instance);
        }

        End(scene, producer, instance);
    }

    [Fact]
    public void A_store_that_is_cut_off_silent_or_down_delays_files_and_no_alarm()
    {
        string address = $"127.0.0.1:{RealServers.FreePort()}";
        Toxiproxy proxy = servers.Toxiproxy();
        proxy.Link("minio", address, new Uri(servers.Minio()).Authority);
        using var scene = new Scene(servers.Kafka(), $"http://{address}");
        Instance producer = scene.Produce(sensors: 200, "24h", speed: 60);
        Instance instance = scene.Start("a", flags: s_alone);
        scene.AwaitProgress(0, instance);

        // Cut within a body, reset before the answer, cut within the answer.
        foreach ((string type, string stream, (string, int)[] attributes) in (ReadOnlySpan<(string, string, (string, int)[])>)
            [("limit_data", "upstream", [("bytes", 4000)]), ("reset_peer", "downstream", [("timeout", 0)]), ("limit_data", "downstream", [("bytes", 20)])])
        {
            int before = Refusals(instance);
            long stored = scene.Stored();
            proxy.Hurt("minio", type, stream, attributes);
            Eventually.Until(() => Refusals(instance) > before + 1, s_patience, () => $"{type}: {instance.Said}");
            scene.AwaitProgress(scene.Progress() + 20_000, instance);
            proxy.Heal("minio", type);
            AwaitStored(scene, stored, instance);
        }

        int down = Refusals(instance);
        servers.StopMinio();
        Eventually.Until(() => Refusals(instance) > down + 1, s_patience, () => instance.Said);
        scene.AwaitProgress(scene.Progress() + 20_000, instance);

        // One that dies meanwhile, too, comes back and writes what it had not.
        instance.Signal(Instance.Kill);
        instance.AwaitExit(s_patience);
        long before2 = scene.Stored();
        servers.RestartMinio();
        instance = scene.Start("a", flags: s_alone);
        AwaitStored(scene, before2, instance);
        End(scene, producer, instance);
    }

    [Fact]
    public void A_disk_that_is_full_delays_files_and_no_alarm()
    {
        if (Environment.UserName != "root") Assert.Skip("only root may mount the small file system that this fills");
        string folder = Directory.CreateTempSubdirectory("fastiot-full-").FullName;
        RealServers.Run("mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder);
        try
        {
            using var scene = new Scene(servers.Kafka(), null, folder: folder);
            Instance producer = scene.Produce(sensors: 200, "24h", speed: 60);
            Instance instance = scene.Start("a");
            instance.AwaitSaid("disk is not full", s_patience);
            scene.AwaitProgress(scene.Progress() + 20_000, instance);
            long stored = scene.Stored();
            RealServers.Run("mount", "-o", "remount,size=200m", folder);
            AwaitStored(scene, stored, instance);
            End(scene, producer, instance);
        }
        finally
        {
            RealServers.Run("umount", folder);
            Directory.Delete(folder);
        }
    }

    private static void End(Scene scene, Instance producer, Instance instance)
    {
        producer.End(s_patience);
        instance.End(s_patience);
        scene.Settle();
        scene.Judge(leastWindows: 5_000);
    }

    private static void AwaitStored(Scene scene, long before, Instance instance) =>
        Eventually.Until(() => scene.Stored() > before, s_patience, () => $"nothing more was stored: {instance.Said}");

    private static int Refusals(Instance instance) => instance.Said.Split("trying again").Length - 1;
}
