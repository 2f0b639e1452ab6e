using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FastIot.Tests.Cli;
using FastIot.Tests.Scoring;

namespace FastIot.Tests.Serving;

/// <summary><c>fastiot serve</c> as an operator meets it, in the native binary: start, change of version, end, refusals.</summary>
[Collection(nameof(NativeBinary))]
public sealed class ServeCommandTests : IDisposable
{
    private readonly string _models = TestServer.NewFolder();

    public void Dispose() => Directory.Delete(_models, recursive: true);

    [Fact]
    public async Task It_starts_with_the_shipped_model_and_says_where()
    {
        await using ServeProcess serve = await ServeProcess.StartAsync(null);
        Assert.Matches("^http://127\\.0\\.0\\.1:[0-9]+$", serve.Url);
        Assert.Contains($"serves anomaly_detector:{ShippedModel.Version} (", serve.Log);
        using var client = new HttpClient { BaseAddress = new Uri(serve.Url) };
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/readyz", TestContext.Current.CancellationToken)).StatusCode);
        JsonElement status = JsonDocument.Parse(await client.GetStringAsync("/v1/models/anomaly_detector", TestContext.Current.CancellationToken)).RootElement.GetProperty("model_version_status")[0];
        Assert.Equal(($"{ShippedModel.Version}", "AVAILABLE"), (status.GetProperty("version").GetString(), status.GetProperty("state").GetString()));
        Assert.Equal(0, await serve.StopAsync());
    }

    [Fact]
    public async Task Versions_roll_by_under_load_and_no_request_fails()
    {
        const int Clients = 8, Versions = 6;
        GraphFile.HalfPlus(1).Save(_models, "half", 1);
        await using ServeProcess serve = await ServeProcess.StartAsync(_models, "--serve-models", "half", "--poll", "50ms");
        using var client = new HttpClient { BaseAddress = new Uri(serve.Url) };
        using var stop = new CancellationTokenSource();
        var newest = new Newest(Clients);
        Task<long>[] load = [.. Enumerable.Range(0, Clients).Select(i => Task.Run(() => AskAsync(client, i, newest, stop.Token), CancellationToken.None))];
        for (int version = 2; version <= Versions; version++)
        {
            string graph = Path.Combine(_models, "next.onnx");
            File.WriteAllBytes(graph, GraphFile.HalfPlus(version).ToArray());
            ProcessResult pushed = await NativeBinary.RunAsync("models", "push", graph, "--name", "half", "--models", _models);
            Assert.True(pushed.ExitCode == 0, pushed.ToString());
            await TestServer.UntilAsync(() => Task.FromResult(newest.All(version) || load.Any(l => l.IsCompleted)), $"every client is answered by version {version}");
        }

        await stop.CancelAsync();
        // A request that was refused, cut off, or answered by an older version than the one before has failed its client.
        Assert.All(await Task.WhenAll(load), asked => Assert.True(asked > Versions, $"{asked} requests"));
        Assert.Equal(0, await serve.StopAsync());
    }

    [Fact]
    public async Task A_request_that_has_begun_is_answered_after_sigterm_and_a_new_one_is_not()
    {
        GraphFile.HalfPlus(1).Save(_models, "half", 1);
        await using ServeProcess serve = await ServeProcess.StartAsync(_models, "--serve-models", "half");
        var url = new Uri(serve.Url);
        using var begun = new TcpClient();
        await begun.ConnectAsync(url.Host, url.Port, TestContext.Current.CancellationToken);
        byte[] body = """{"instances":[4]}"""u8.ToArray();
        await begun.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST /v1/models/half:predict HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {body.Length}\r\n\r\n"), TestContext.Current.CancellationToken);
        using var answer = new StreamReader(begun.GetStream(), Encoding.ASCII);
        // That it asks for the body says that the request is in its hands.
        Assert.Equal("HTTP/1.1 100 Continue", await answer.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Equal("", await answer.ReadLineAsync(TestContext.Current.CancellationToken));

        Task<int> ended = serve.StopAsync();
        await serve.SaysAsync("SIGTERM: finishing what is begun");
        await TestServer.UntilAsync(() => RefusesAsync(url), "nobody new is let in");
        Assert.False(ended.IsCompleted, serve.Log);
        await begun.GetStream().WriteAsync(body, TestContext.Current.CancellationToken);
        string text = await answer.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("HTTP/1.1 200 OK", text);
        Assert.Contains("3.0", text);
        Assert.Equal(0, await ended);
    }

    [Fact]
    public async Task An_end_that_takes_too_long_ends_with_3()
    {
        GraphFile.HalfPlus(1).Save(_models, "half", 1);
        await using ServeProcess serve = await ServeProcess.StartAsync(_models, "--serve-models", "half", "--drain-timeout", "200ms");
        var url = new Uri(serve.Url);
        using var begun = new TcpClient();
        await begun.ConnectAsync(url.Host, url.Port, TestContext.Current.CancellationToken);
        await begun.GetStream().WriteAsync("POST /v1/models/half:predict HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 17\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        using var answer = new StreamReader(begun.GetStream(), Encoding.ASCII);
        Assert.Equal("HTTP/1.1 100 Continue", await answer.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Equal(3, await serve.StopAsync());
    }

    [Theory]
    [InlineData("serves other machines without tokens and without TLS", "--listen", "0.0.0.0:0")]
    [InlineData("serves other machines without TLS, which shows the tokens to the network", "--listen", "[::]:0", "--token-list", "TOKENS")]
    [InlineData("serve.certificate and serve.certificate-key belong together", "--certificate", "TOKENS")]
    [InlineData("serve.max-batch", "--max-batch", "0")]
    [InlineData("serve.policy", "--policy", "newest")]
    [InlineData("serve.batch-sizes", "--batch-sizes", "8,4")]
    [InlineData("serve.timeout", "--timeout", "soon")]
    [InlineData("serve.address", "--listen", "8501")]
    [InlineData("--shadow", "--shadow", "4")]
    public async Task What_cannot_be_used_is_refused_with_2(string why, params string[] flags)
    {
        string tokens = Path.Combine(_models, "tokens");
        File.WriteAllText(tokens, "a-secret\n");
        ProcessResult result = await NativeBinary.RunAsync(["serve", .. flags.Select(f => f == "TOKENS" ? tokens : f)]);
        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Contains(why, result.Error);
        Assert.DoesNotContain("a-secret", result.ToString());
    }

    [Fact]
    public async Task Beyond_the_loopback_it_serves_when_told_to()
    {
        GraphFile.HalfPlus(1).Save(_models, "half", 1);
        await using ServeProcess serve = await ServeProcess.StartAsync(_models, "--serve-models", "half", "--listen", "0.0.0.0:0", "--allow-insecure", "true");
        using var client = new HttpClient();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync($"http://127.0.0.1:{new Uri(serve.Url).Port}/v1/models/half", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(0, await serve.StopAsync());
    }

    [Fact]
    public async Task A_model_that_is_not_there_ends_with_1()
    {
        ProcessResult result = await NativeBinary.RunAsync("serve", "--models", _models, "--serve-models", "nobody", "--listen", "127.0.0.1:0");
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains("nobody", result.Error);
    }

    /// <summary>One client, one request after the other, until told to stop: each must be answered, by no older version than the one before.</summary>
    private static async Task<long> AskAsync(HttpClient client, int number, Newest newest, CancellationToken stop)
    {
        long asked = 0;
        for (float last = 0; !stop.IsCancellationRequested; asked++)
        {
            using HttpResponseMessage answer = await client.PostAsync("/v1/models/half:predict", new StringContent("""{"instances":[0]}"""), CancellationToken.None);
            string text = await answer.Content.ReadAsStringAsync(CancellationToken.None);
            Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{answer.StatusCode} after {asked} requests: {text}");
            float version = JsonDocument.Parse(text).RootElement.GetProperty("predictions")[0].GetSingle();
            Assert.True(version >= last, $"after version {last} came {version}");
            newest.Saw(number, last = version);
        }

        return asked;
    }

    private static async Task<bool> RefusesAsync(Uri url)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(url.Host, url.Port, TestContext.Current.CancellationToken);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    /// <summary>The newest version that each client was answered by.</summary>
    private sealed class Newest(int clients)
    {
        private readonly float[] _seen = new float[clients];

        public void Saw(int client, float version) => Volatile.Write(ref _seen[client], version);

        public bool All(float version) => Enumerable.Range(0, _seen.Length).All(i => Volatile.Read(ref _seen[i]) >= version);
    }
}
