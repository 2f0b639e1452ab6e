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
    private Toxiproxy? _toxiproxy;

    /// <summary>host:port[,…] of a Kafka without topics. Skips the test where there is none to start.</summary>
    /// <param name="brokers">Asked for by the first call; broker k listens ten ports behind broker k − 1.</param>
    /// <param name="settings">Further settings of the brokers, <c>key=value</c>.</param>
    public string Kafka(int brokers = 1, params string[] settings)
    {
        if (_kafka != null) return _kafka;
        TestEnvironment.Tool("java", "default-jre-headless");

        // The fleets' days lie in the past, and Kafka lets records expire by their own time.
        string[] set = [.. settings.Prepend("log.retention.ms=-1").SelectMany(s => new[] { "--set", s })];
        string said = Run(Script("kafka"), ["start", Path.Combine(_folder, "kafka"), $"{FreePortRange(brokers * 10)}", "--brokers", $"{brokers}", .. set]);
        return _kafka = said.Trim().Split('\n')[^1];
    }

    /// <summary>URL of a MinIO (user and password minioadmin) without buckets.</summary>
    public string Minio()
    {
        if (_minio != null) return _minio;
        int port = FreePort();
        Run(Script("minio"), "start", Path.Combine(_folder, "minio"), $"{port}");
        return _minio = $"http://127.0.0.1:{port}";
    }

    /// <summary>Ends MinIO; <see cref="RestartMinio"/> has it back on its data.</summary>
    public void StopMinio() => Run(Script("minio"), "stop", Path.Combine(_folder, "minio"));

    public void RestartMinio() => Run(Script("minio"), "start", Path.Combine(_folder, "minio"), $"{new Uri(_minio!).Port}");

    /// <summary>A proxy that hurts connections.</summary>
    internal Toxiproxy Toxiproxy()
    {
        if (_toxiproxy != null) return _toxiproxy;
        int port = FreePort();
        Run(Script("toxiproxy"), "start", Path.Combine(_folder, "toxiproxy"), $"{port}");
        return _toxiproxy = new Toxiproxy($"http://127.0.0.1:{port}");
    }

    /// <summary>Kills a broker as if its machine had died.</summary>
    public void KillKafka(int broker = 1) => Run(Script("kafka"), "kill", Path.Combine(_folder, "kafka"), $"{broker}");

    /// <summary>Starts it again on its data; returns when it answers.</summary>
    public void RestartKafka(int broker = 1) => Run(Script("kafka"), "restart", Path.Combine(_folder, "kafka"), $"{broker}");

    /// <summary>Sets how many bytes a second each client may fetch from Kafka; null = as many as there are.</summary>
    public void LimitFetches(int? bytes)
    {
        string[] change = bytes == null ? ["--delete-config", "consumer_byte_rate"] : ["--add-config", $"consumer_byte_rate={bytes}"];
        Run(Script("kafka"), ["configs", "--bootstrap-server", _kafka!, "--alter", "--entity-type", "clients", "--entity-default", .. change]);
    }

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
        if (_kafka != null) Run(Script("kafka"), "stop", Path.Combine(_folder, "kafka"));
        if (_minio != null) Run(Script("minio"), "stop", Path.Combine(_folder, "minio"));
        if (_toxiproxy != null) Run(Script("toxiproxy"), "stop", Path.Combine(_folder, "toxiproxy"));
        _toxiproxy?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Script(string name) => Path.Combine(TestEnvironment.Servers, name);
}
