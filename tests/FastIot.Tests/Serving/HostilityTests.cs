using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using FastIot.Tests.Cli;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Serving;

/// <summary>The native binary under clients that are broken, slow, or not ours.</summary>
[Collection(nameof(NativeBinary))]
public sealed class HostilityTests(ConformanceTests.Server server) : IClassFixture<ConformanceTests.Server>
{
    private static readonly string[] s_seeds =
    [
        """{"instances":[1.0,2.0,5.0]}""", """{"inputs":{"x":[1.0]},"signature_name":"serving_default"}""", """{"instances":[{"a":[1,2],"b":[3,4]}]}""",
        """{"instances":["text",{"b64":"aGVsbG8="}]}""", """{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,2]}],"outputs":[{"name":"y"}]}""",
        """{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}}]}""", """{"readings":[{"sensor_id":"s","timestamp":"2026-11-01T00:00:00Z","value":1}]}""",
    ];

    private static readonly string[] s_paths =
    [
        "/v1/models/half_plus_two:predict", "/v1/models/two_inputs:predict", "/v1/models/strings:predict", "/v1/models/int64s/versions/1:predict", "/v1/models/half_plus_two/labels/canary:predict",
        "/v1/models/dynamic:predict", "/v1/models/half_plus_two:score", "/v1/models/half_plus_two:classify", "/v1/models/half_plus_two/metadata", "/v2/models/half_plus_two/infer", "/v2/models/strings/versions/1/infer", "/v2/models/half_plus_two", "/v1/models/%",
    ];

    /// <summary>Longer than a stalled client has; a connection that is kept alive, because its damaged head asks for it, is left after that.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Broken_json_and_broken_http_never_crash_it_nor_make_it_answer_500()
    {
        int seed = TestSeed.Or(20261125);
        var codes = new ConcurrentDictionary<int, int>();
        // Many at once: one whose length is damaged waits until it is cut off.
        var many = new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = TestContext.Current.CancellationToken };
        await Parallel.ForEachAsync(Enumerable.Range(0, 3000), many, async (i, cancellation) =>
        {
            byte[] request = Request(new Random(seed + i));
            int code = await SendAsync(request);
            codes.AddOrUpdate(code, 1, (key, count) => count + 1);
            // 501: classify; 505: an HTTP version that there is not. 0: the connection was closed without an answer, as HTTP allows for what is none.
            Assert.True(code is < 500 or 501 or 505, $"seed {seed}, request {i}: {code} for {Encoding.Latin1.GetString(request)}");
        });
        Assert.True(codes.GetValueOrDefault(200) > 10 && codes.GetValueOrDefault(400) > 300, string.Join(", ", codes));
        Assert.Equal("ok\n", await server.Client.GetStringAsync("/healthz", TestContext.Current.CancellationToken));
        Assert.DoesNotMatch(@"error \w+ /|running a batch failed", server.Log);
    }

    [Fact]
    public async Task Clients_that_stall_are_cut_off_and_hold_nobody_up()
    {
        string[] beginnings = ["POST /v1/models/half_plus_two:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{\"insta", "POST /v1/models/half_plus_two:predict HTTP/1.1\r\nHos"];
        var stalled = new List<TcpClient>();
        for (int i = 0; i < 60; i++)
        {
            TcpClient client = await ConnectAsync();
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(beginnings[i % 2]), TestContext.Current.CancellationToken);
            stalled.Add(client);
        }

        for (int i = 0; i < 50; i++)
        {
            using HttpResponseMessage answer = await server.Client.PostAsync("/v1/models/half_plus_two:predict", new StringContent("""{"instances":[1]}"""), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        using var timer = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        foreach (TcpClient client in stalled)
        {
            using var rest = new MemoryStream();
            try
            {
                await client.GetStream().CopyToAsync(rest, timer.Token);
            }
            catch (IOException)
            {
                // Reset: cut off as well.
            }

            client.Dispose();
        }
    }

    [Fact]
    public async Task An_independent_client_gets_what_it_expects()
    {
        string python = TestEnvironment.Tool("python3", "python3");
        if (!await HasRequestsAsync("/usr/bin/python3")) Assert.Skip("python3 has no module requests: apt-get install python3-requests");
        string script = Path.Combine(TestEnvironment.Root, "tests", "FastIot.Tests", "Serving", "client.py");
        Assert.NotEmpty(python);
        Assert.Contains("all good", RealServers.Run("/usr/bin/python3", script, server.Client.BaseAddress!.ToString()));
    }

    private static async Task<bool> HasRequestsAsync(string python)
    {
        if (!File.Exists(python)) return false;
        using Process process = Process.Start(new ProcessStartInfo(python, ["-c", "import requests"]) { RedirectStandardError = true })!;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode == 0;
    }

    /// <summary>A request, damaged in its body, in its head, or not at all.</summary>
    private static byte[] Request(Random random)
    {
        byte[] body = Encoding.UTF8.GetBytes(s_seeds[random.Next(s_seeds.Length)]);
        for (int k = random.Next(4); k > 0; k--) body = Damage(random, body);
        string path = s_paths[random.Next(s_paths.Length)];
        string extra = random.Next(6) switch { 0 => "Content-Encoding: gzip\r\n", 1 => $"Inference-Header-Content-Length: {random.Next(-2, 100)}\r\n", 2 => "Authorization: Bearer x\r\n", _ => "" };
        string method = random.Next(10) == 0 ? "GET" : "POST";
        byte[] head = Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\nHost: a\r\n{extra}Connection: close\r\nContent-Length: {body.Length}\r\n\r\n");
        if (random.Next(4) == 0) head = Damage(random, head);
        return [.. head, .. body];
    }

    private static byte[] Damage(Random random, byte[] bytes)
    {
        int at = random.Next(bytes.Length + 1), length = random.Next(Math.Min(9, bytes.Length - at + 1));
        byte[] put = random.Next(4) switch
        {
            0 => [],
            1 => [(byte)random.Next(256)],
            2 => Encoding.UTF8.GetBytes(((string[])["[", "]", "{", "}", "\"", ",", ":", "1e999", "-", "NaN", "\\u0000", "null", "9223372036854775808", "\r\n", "[[[[[[", "1,2,3"])[random.Next(16)]),
            _ => bytes[at..(at + length)].Concat(bytes[at..(at + length)]).ToArray(),
        };
        return [.. bytes[..at], .. put, .. bytes[(at + length)..]];
    }

    /// <returns>The answer's code; 0 where the connection is closed without one.</returns>
    private async Task<int> SendAsync(byte[] request)
    {
        using TcpClient client = await ConnectAsync();
        using var timer = new CancellationTokenSource(s_patience);
        using var answer = new MemoryStream();
        // Taken now: once the server has closed its end, the client gives none out.
        NetworkStream stream = client.GetStream();
        try
        {
            await stream.WriteAsync(request, timer.Token);
            await stream.CopyToAsync(answer, timer.Token);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // Closed before all was read: what there is of an answer counts.
        }
        catch (OperationCanceledException)
        {
            Assert.True(answer.Length > 0, $"no answer in {s_patience.TotalSeconds} s to {Encoding.Latin1.GetString(request)}");
        }

        string text = Encoding.Latin1.GetString(answer.ToArray());
        return text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) ? int.Parse(text.AsSpan(9, 3)) : 0;
    }

    private async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, server.Client.BaseAddress!.Port, TestContext.Current.CancellationToken);
        return client;
    }
}
