using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using FastIot.Tests.Cli;

namespace FastIot.Tests.Faults;

/// <summary>The native binary where the system gives it little: it says what is short and what to do, or goes on.</summary>
[Collection(nameof(NativeBinary))]
public sealed class ProcessLimitTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-limits-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("demo")]
    [InlineData("run")]
    [InlineData("serve")]
    public async Task Too_few_file_handles_are_noticed_before_anything_is_started(string command)
    {
        ProcessResult result = await WithAsync("ulimit -n 100", [], command);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("error: this process may open 100 files and sockets; it needs 256. Raise the limit: ulimit -n 4096, or LimitNOFILE=4096 in a systemd unit\n", result.Error);
    }

    [Fact]
    public async Task Too_little_memory_is_noticed_before_anything_is_started()
    {
        ProcessResult result = await NativeBinary.RunAsync([HeapLimit(100)], ["demo", "--out", _folder]);
        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: this process may use 100 MiB of memory", result.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public async Task Series_that_outgrow_the_memory_end_the_process_with_the_reason()
    {
        ProcessResult result = await NativeBinary.RunAsync([HeapLimit(192)], ["demo", "--sensors", "200000", "--rate", "0.1", "--out", _folder, "--http", "127.0.0.1:0", "--duration", "20s"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Matches(@"error: .*out of memory: series and windows hold \d+(\.\d)? MiB, .* more are needed, and this process may use 192 MiB in all, .*lower pipeline\.max-series", result.Error);
        Assert.DoesNotContain("   at ", result.Error.Split("error: ")[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Idle_connections_to_the_page_do_not_take_the_handles_of_the_pipeline()
    {
        using Process demo = Start("ulimit -n 256", [], "demo", "--sensors", "200", "--history", "0", "--duration", "15s", "--out", _folder, "--http", "127.0.0.1:0", "--json");
        string url = "";
        while (url.Length == 0)
        {
            string line = await demo.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) ?? throw new InvalidOperationException("the demo has ended");
            if (line.StartsWith("http://", StringComparison.Ordinal)) url = line[..line.IndexOf(' ')];
        }

        var address = new Uri(url);
        var clients = new List<TcpClient>();
        try
        {
            for (int i = 0; i < 400; i++)
            {
                var client = new TcpClient();
                clients.Add(client);
                await client.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
            }

            ProcessResult result = await NativeBinary.EndAsync(demo, TimeSpan.FromMinutes(2));
            Assert.True(result.ExitCode == 0, result.ToString());
            JsonElement summary = JsonDocument.Parse(result.Out).RootElement;
            Assert.Equal(summary.GetProperty("produced").GetInt64(), summary.GetProperty("records").GetInt64());
            Assert.True(summary.GetProperty("files").GetProperty("rows").GetInt64() > 0, result.Out);
        }
        finally
        {
            foreach (TcpClient client in clients) client.Dispose();
        }
    }

    /// <summary>What the garbage collector takes for all the memory there is, as it takes a container's limit.</summary>
    private static (string Name, string Value) HeapLimit(int mebibytes) => ("DOTNET_GCHeapHardLimit", ((long)mebibytes << 20).ToString("x", CultureInfo.InvariantCulture));

    private static async Task<ProcessResult> WithAsync(string limit, (string Name, string Value)[] environment, params string[] arguments)
    {
        using Process process = Start(limit, environment, arguments);
        return await NativeBinary.EndAsync(process, TimeSpan.FromMinutes(2));
    }

    private static Process Start(string limit, (string Name, string Value)[] environment, params string[] arguments) =>
        NativeBinary.StartWith("/bin/sh", environment, ["-c", $"{limit} && exec \"$0\" \"$@\"", NativeBinary.Path, .. arguments]);
}
