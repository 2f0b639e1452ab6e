using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FastIot.Configuration;
using FastIot.Observe;
using FastIot.Serving;
using Microsoft.Extensions.Logging;

namespace FastIot.Tests.Serving;

/// <summary>Who is let in, and how much of what they send.</summary>
public sealed class GuardTests
{
    [Fact]
    public async Task Only_a_right_token_is_let_in_and_nothing_of_it_is_logged()
    {
        var log = new StringWriter();
        using ILoggerFactory loggers = LoggerFactory.Create(b => b.SetMinimumLevel(LogLevel.Trace).AddProvider(new LineLoggerProvider(log, json: false)));
        ServeOptions options = Options(out string models);
        options.Tokens = "first-secret,second-secret";
        await using TestServer server = await TestServer.StartAsync(models, options, loggers);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, null));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, "third-secret"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, "first-secre"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, "first-secret,second-secret"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "first-secret"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "second-secret"));
        foreach (string open in (string[])["/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"])
            Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync(open, TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.Client.GetAsync("/metrics", TestContext.Current.CancellationToken)).StatusCode);
        Assert.DoesNotContain("secret", log.ToString());
    }

    [Fact]
    public async Task A_changed_file_of_tokens_counts_from_then_on()
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, "# for the dashboard\nold\n");
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddMinutes(-1));
        using var guard = new TokenGuard(path, "", 0, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, TimeSpan.FromMilliseconds(10));
        guard.Check("Bearer old");
        File.WriteAllText(path, "new # and a comment\n");
        await TestServer.UntilAsync(() => Task.FromResult(IsIn(guard, "new")), "the new token is let in");
        Assert.False(IsIn(guard, "old"));
        File.Delete(path);
    }

    [Fact]
    public async Task A_token_that_asks_too_often_is_told_when_to_come_back_and_others_are_not()
    {
        ServeOptions options = Options(out string models);
        options.Tokens = "eager,calm";
        options.Rate = 3;
        await using TestServer server = await TestServer.StartAsync(models, options);
        HttpStatusCode[] codes = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => StatusAsync(server, "eager")));
        Assert.Contains(HttpStatusCode.TooManyRequests, codes);
        Assert.Contains(HttpStatusCode.OK, codes);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "calm"));
    }

    [Theory]
    [InlineData(false, false, false, false)]
    [InlineData(true, false, false, false)]
    [InlineData(false, true, false, false)]
    [InlineData(false, false, true, true)]
    [InlineData(true, true, false, true)]
    public async Task Beyond_the_loopback_it_serves_only_with_tokens_and_tls_or_when_told_to(bool tokens, bool tls, bool allowed, bool starts)
    {
        ServeOptions options = Options(out string models);
        options.Address = "0.0.0.0:0";
        options.AllowInsecure = allowed;
        if (tokens) options.Tokens = "secret";
        if (tls) (options.Certificate, options.CertificateKey) = WriteCertificate(models, "localhost");
        if (starts)
        {
            await using TestServer server = await TestServer.StartAsync(models, options);
            return;
        }

        ConfigurationException error = await Assert.ThrowsAsync<ConfigurationException>(() => TestServer.StartAsync(models, options));
        Assert.Contains("--allow-insecure", error.Message);
        Directory.Delete(models, recursive: true);
    }

    [Fact]
    public async Task Tls_serves_with_the_certificate_and_takes_up_a_renewed_one()
    {
        string folder = TestServer.NewFolder();
        (string certificate, string key) = WriteCertificate(folder, "first");
        File.SetLastWriteTimeUtc(certificate, DateTime.UtcNow.AddMinutes(-1));
        GraphFile.HalfPlus(1).Save(folder, "half", 1);
        using var catalog = new FastIot.Scoring.ModelCatalog(new FastIot.Emit.LocalFolderStore(folder));
        ILogger log = Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;
        await using var server = new ModelServer(catalog, new ModelServerOptions { Models = ["half"] }, log);
        await server.StartAsync(TestContext.Current.CancellationToken);
        using var tokens = new TokenGuard(null, "", 0, log);
        using var tls = new ServingCertificate(certificate, key, log, TimeSpan.FromMilliseconds(10));
        var handler = new ServingHandler(server, new SeriesScoring(1, 180), new ServingLimits(), tokens, new ServingMetrics(server, "1"), log);
        await using ServingPort port = await ServingPort.StartAsync("127.0.0.1:0", handler, new ServingLimits(), tls, LoggerFactory.Create(_ => { }));
        Assert.Equal("CN=first", await SubjectAsync(port.Url));
        File.WriteAllText(key, "not a key");
        await TestServer.UntilAsync(async () => await SubjectAsync(port.Url) == "CN=first", "the old certificate stays while the new one is broken");
        WriteCertificate(folder, "second");
        await TestServer.UntilAsync(async () => await SubjectAsync(port.Url) == "CN=second", "the renewed certificate is used");
    }

    [Fact]
    public async Task Bodies_beyond_the_limit_are_413_packed_or_not()
    {
        ServeOptions options = Options(out string models);
        options.MaxBodyBytes = 10_000;
        await using TestServer server = await TestServer.StartAsync(models, options);
        string large = $"{{\"instances\":[{string.Join(',', Enumerable.Repeat("1.0", 5000))}]}}";
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await server.PostAsync("/v1/models/half:predict", large)).Code);
        using var packed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.Optimal, leaveOpen: true)) gzip.Write(System.Text.Encoding.UTF8.GetBytes(large));
        Assert.True(packed.Length < 10_000);
        using var content = new ByteArrayContent(packed.ToArray()) { Headers = { ContentEncoding = { "gzip" } } };
        using HttpResponseMessage answer = await server.Client.PostAsync("/v1/models/half:predict", content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        Assert.Equal(1, await server.PredictAsync("half", 0));
    }

    private static ServeOptions Options(out string models)
    {
        models = TestServer.NewFolder();
        GraphFile.HalfPlus(1).Save(models, "half", 1);
        return TestServer.Options("half");
    }

    private static bool IsIn(TokenGuard guard, string token)
    {
        try
        {
            guard.Check("Bearer " + token);
            return true;
        }
        catch (ServingException e) when (e.Status == ServingStatus.Unauthenticated)
        {
            return false;
        }
    }

    private static async Task<HttpStatusCode> StatusAsync(TestServer server, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models/half");
        if (token != null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using HttpResponseMessage answer = await server.Client.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    private static (string Certificate, string Key) WriteCertificate(string folder, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        (string, string) paths = (Path.Combine(folder, "tls.crt"), Path.Combine(folder, "tls.key"));
        File.WriteAllText(paths.Item2, key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(paths.Item1, certificate.ExportCertificatePem());
        return paths;
    }

    private static async Task<string> SubjectAsync(string url)
    {
        string subject = "";
        using var client = new HttpClient(new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, certificate, _, _) =>
            {
                subject = certificate!.Subject;
                return true;
            },
        });
        Assert.Equal("ok\n", await client.GetStringAsync(url + "/healthz", TestContext.Current.CancellationToken));
        return subject;
    }
}
