using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using FastIot.Tests.Cli;

namespace FastIot.Tests.Serving;

/// <summary>
/// Requests and the answers that clients of TensorFlow Serving and of the Open Inference Protocol expect, as data in conformance/*.json, against
/// the native binary. A case: <c>request</c>, <c>body</c>, <c>gzip</c>, <c>headers</c>; <c>status</c>, and of the answer its JSON (<c>answer</c>),
/// its text without white space (<c>text</c>), parts of it (<c>contains</c>), part of its error message (<c>error</c>), its <c>contentType</c>.
/// </summary>
[Collection(nameof(NativeBinary))]
public sealed class ConformanceTests(ConformanceTests.Server server) : IClassFixture<ConformanceTests.Server>
{
    private static readonly string s_folder = Path.Combine(TestEnvironment.Root, "tests", "FastIot.Tests", "Serving", "conformance");

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string file in Directory.GetFiles(s_folder, "*.json").Order(StringComparer.Ordinal))
            {
                using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
                foreach (JsonElement one in document.RootElement.EnumerateArray()) cases.Add(Path.GetFileNameWithoutExtension(file), one.GetProperty("name").GetString()!);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Answers_as_expected(string file, string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(s_folder, file + ".json")));
        JsonElement expected = document.RootElement.EnumerateArray().Single(c => c.GetProperty("name").GetString() == name);
        using HttpResponseMessage answer = await server.Client.SendAsync(Request(expected), TestContext.Current.CancellationToken);
        string text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(expected.GetProperty("status").GetInt32() == (int)answer.StatusCode, $"{(int)answer.StatusCode}: {text}");
        if (expected.TryGetProperty("answer", out JsonElement json)) Assert.True(JsonElement.DeepEquals(json, JsonDocument.Parse(text).RootElement), text);
        if (expected.TryGetProperty("text", out JsonElement exact)) Assert.Equal(exact.GetString(), string.Concat(text.Where(c => !char.IsWhiteSpace(c))));
        if (expected.TryGetProperty("error", out JsonElement error)) Assert.Contains(error.GetString()!, JsonDocument.Parse(text).RootElement.GetProperty("error").GetString());
        if (expected.TryGetProperty("contains", out JsonElement parts)) Assert.All(parts.EnumerateArray(), part => Assert.Contains(part.GetString()!, text));
        string type = expected.TryGetProperty("contentType", out JsonElement named) ? named.GetString()! : "application/json";
        Assert.Equal(type, answer.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public void There_are_at_least_150_cases() => Assert.True(Cases.Count >= 150, $"{Cases.Count} cases");

    private static HttpRequestMessage Request(JsonElement expected)
    {
        string[] words = expected.GetProperty("request").GetString()!.Split(' ', 2);
        var request = new HttpRequestMessage(new HttpMethod(words[0]), new Uri(words[1], UriKind.Relative));
        if (!expected.TryGetProperty("body", out JsonElement body)) return request;
        byte[] bytes = Encoding.UTF8.GetBytes(body.GetString()!);
        bool gzip = expected.TryGetProperty("gzip", out JsonElement packed) && packed.GetBoolean();
        request.Content = new ByteArrayContent(gzip ? Gzip(bytes) : bytes);
        if (gzip) request.Content.Headers.ContentEncoding.Add("gzip");
        if (!expected.TryGetProperty("headers", out JsonElement headers)) return request;
        foreach (JsonProperty header in headers.EnumerateObject())
        {
            if (header.Name == "Content-Type") request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(header.Value.GetString()!);
            else request.Content.Headers.Add(header.Name, header.Value.GetString());
        }

        return request;
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(bytes);
        return packed.ToArray();
    }

    /// <summary>One server for all cases.</summary>
    public sealed class Server : IAsyncLifetime
    {
        private readonly string _models = Directory.CreateTempSubdirectory("fastiot-conformance-").FullName;
        private ServeProcess? _serve;

        public HttpClient Client { get; } = new();

        public string Log => _serve!.Log;

        public async ValueTask InitializeAsync()
        {
            ConformanceModels.Save(_models);
            _serve = await ServeProcess.StartAsync(_models, "--serve-models", "*", "--policy", "all");
            Client.BaseAddress = new Uri(_serve.Url);
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            if (_serve != null) await _serve.DisposeAsync();
            Directory.Delete(_models, recursive: true);
        }
    }
}
