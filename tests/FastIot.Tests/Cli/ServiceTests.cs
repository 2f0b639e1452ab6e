using System.Net.Sockets;
using System.Text;
using FastIot.Tests.Faults;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Cli;

/// <summary>The native binary under a service manager that speaks systemd's protocol, and the unit that systemd gets.</summary>
[Collection(nameof(NativeBinary))]
public sealed class ServiceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-service-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_service_manager_hears_of_the_start_of_life_and_of_the_end()
    {
        string path = Path.Combine(_folder, "notify");
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(path));
        using var demo = new Instance([("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "1000000")],
            "demo", "--sensors", "50", "--history", "0", "--duration", "0", "--out", Path.Combine(_folder, "out"), "--http", "off");
        Assert.Equal("READY=1", await HearAsync(manager));
        for (int i = 0; i < 3; i++) Assert.Matches("^WATCHDOG=1\nSTATUS=(starting|running): [0-9]+ partitions, [0-9]+ readings, [0-9]+ anomalies, lag [0-9]+$", await HearAsync(manager));
        demo.Signal(Instance.Terminate);
        string said;
        do said = await HearAsync(manager);
        while (said.StartsWith("WATCHDOG=1", StringComparison.Ordinal));
        Assert.Equal("STOPPING=1", said);
        demo.AwaitExit(TimeSpan.FromMinutes(1));
        Assert.True(demo.ExitCode == 0, demo.Said);
    }

    [Fact]
    public async Task A_service_manager_that_is_not_there_costs_a_warning()
    {
        ProcessResult result = await NativeBinary.RunAsync([("NOTIFY_SOCKET", Path.Combine(_folder, "nobody"))],
            ["demo", "--sensors", "50", "--history", "0", "--duration", "1s", "--out", Path.Combine(_folder, "out"), "--http", "off"]);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(2, result.Error.Split("warning: the service manager at NOTIFY_SOCKET does not take \"READY=1\"").Length);
    }

    [Fact]
    public void Systemd_accepts_the_unit_and_finds_little_exposed()
    {
        string systemd = TestEnvironment.Tool("systemd-analyze", "systemd");
        string unit = Path.Combine(TestEnvironment.Root, "compose", "systemd", "fastiot.service");
        string here = Path.Combine(_folder, "fastiot.service");
        File.WriteAllText(here, File.ReadAllText(unit).Replace("/opt/fastiot/fastiot", NativeBinary.Path, StringComparison.Ordinal));
        Assert.Equal("", RealServers.Run(systemd, "verify", here));
        RealServers.Run(systemd, "security", "--offline=true", "--threshold=20", here);
    }

    private static async Task<string> HearAsync(Socket manager)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        byte[] buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer, 0, await manager.ReceiveAsync(buffer, patience.Token));
    }
}
