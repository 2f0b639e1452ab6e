using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace FastIot.Tests.Servers;

/// <summary>A real Kafka and a real MinIO on free ports of the loopback, for the tests of one class. They start when first asked for.</summary>
public sealed class RealServers : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-servers-").FullName;
    private string? _kafka;
    private string? _minio;

    /// <summary>host:port of a Kafka without topics. Skips the test where there is none to start.</summary>
    public string Kafka()
    {
        if (_kafka != null) return _kafka;
        string script = Path.Combine(TestEnvironment.Servers, "kafka");
        TestEnvironment.Tool("java", "default-jre-headless");
        int port = FreePort();
        Run(script, "start", Path.Combine(_folder, "kafka"), $"{port}");
        return _kafka = $"127.0.0.1:{port}";
    }

    /// <summary>URL of a MinIO (user and password minioadmin) without buckets.</summary>
    public string Minio()
    {
        if (_minio != null) return _minio;
        int port = FreePort();
        Run(Path.Combine(TestEnvironment.Servers, "minio"), "start", Path.Combine(_folder, "minio"), $"{port}");
        return _minio = $"http://127.0.0.1:{port}";
    }

    /// <summary>Kills the broker as if the machine had died.</summary>
    public void KillKafka() => Run(Path.Combine(TestEnvironment.Servers, "kafka"), "kill", Path.Combine(_folder, "kafka"));

    /// <summary>Starts it again on its data; returns when it answers.</summary>
    public void RestartKafka() => Run(Path.Combine(TestEnvironment.Servers, "kafka"), "restart", Path.Combine(_folder, "kafka"));

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The first of so many ports in a row that are all free.</summary>
    public static int FreePortRange(int count)
    {
        while (true)
        {
            int first = FreePort();
            if (first + count < 65535 && Enumerable.Range(first, count).All(IsFree)) return first;
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Runs a program to its end; its output is the result, a failure fails the test.</summary>
    public static string Run(string program, params string[] arguments)
    {
        // To files, not pipes: a server that stays behind would keep a pipe open.
        string output = Path.GetTempFileName();
        var start = new ProcessStartInfo("/bin/bash", ["-c", "out=$1; shift; exec \"$@\" >\"$out\" 2>&1 </dev/null", "bash", output, program, .. arguments]);
        using Process process = Process.Start(start)!;
        bool ended = process.WaitForExit(TimeSpan.FromMinutes(2));
        string text = File.ReadAllText(output);
        File.Delete(output);
        Assert.True(ended && process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {(ended ? $"exit code {process.ExitCode}" : "no end")}{Environment.NewLine}{text}");
        return text;
    }

    public void Dispose()
    {
        if (_kafka != null) Run(Path.Combine(TestEnvironment.Servers, "kafka"), "stop", Path.Combine(_folder, "kafka"));
        if (_minio != null) Run(Path.Combine(TestEnvironment.Servers, "minio"), "stop", Path.Combine(_folder, "minio"));
        Directory.Delete(_folder, recursive: true);
    }
}
