using System.Net;
using System.Text;
using System.Text.Json;
using FastIot.Configuration;
using FastIot.Emit;
using FastIot.Scoring;
using FastIot.Serving;
using Microsoft.Extensions.Logging;

namespace FastIot.Tests.Serving;

/// <summary>A model server in this process, over a folder of its own that goes with it.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly bool _ownsFolder;

    private TestServer(ServingHost host, string models, bool ownsFolder)
    {
        (Host, Models, _ownsFolder) = (host, models, ownsFolder);
        Client = new HttpClient { BaseAddress = new Uri(host.Url), Timeout = TimeSpan.FromSeconds(60) };
    }

    public ServingHost Host { get; }

    public HttpClient Client { get; }

    public string Models { get; }

    public static string NewFolder() => Directory.CreateTempSubdirectory("fastiot-serving-").FullName;

    /// <summary>Options as they are by default, on a free port, looking for new versions all the time.</summary>
    public static ServeOptions Options(params string[] models)
    {
        var options = new FastIotOptions();
        foreach (Setting setting in Settings.All) setting.Assign(options, setting.Default);
        options.Serve.Address = "127.0.0.1:0";
        options.Serve.Models = models;
        options.Serve.Poll = TimeSpan.FromMilliseconds(20);
        return options.Serve;
    }

    public static Task<TestServer> StartAsync(string models, params string[] names) => StartAsync(models, Options(names));

    public static async Task<TestServer> StartAsync(string models, ServeOptions options, ILoggerFactory? loggers = null, IObjectStore? repository = null)
    {
        var provider = new ProviderOptions { Provider = ExecutionProvider.Cpu };
        ServingHost host = await ServingHost.StartAsync(repository ?? new LocalFolderStore(models), options, provider, new AlarmOptions { Budget = 1, WarmingUs = 1_800_000_000 }, loggers ?? LoggerFactory.Create(_ => { }));
        return new TestServer(host, models, repository == null);
    }

    public async Task<(HttpStatusCode Code, string Text)> PostAsync(string path, string body)
    {
        using HttpResponseMessage answer = await Client.PostAsync(path, new StringContent(body, Encoding.UTF8), TestContext.Current.CancellationToken);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Predicts one number with a graph of one number.</summary>
    public async Task<float> PredictAsync(string model, float x)
    {
        (HttpStatusCode code, string text) = await PostAsync($"/v1/models/{model}:predict", FormattableString.Invariant($"{{\"instances\":[{x}]}}"));
        Assert.True(code == HttpStatusCode.OK, $"{code}: {text}");
        return JsonDocument.Parse(text).RootElement.GetProperty("predictions")[0].GetSingle();
    }

    /// <summary>Asks again until it holds, within a bound.</summary>
    public static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        using var timer = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await holds()) Assert.False(timer.IsCancellationRequested, $"in a minute it has not happened that {what}");
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Host.DisposeAsync();
        if (_ownsFolder) Directory.Delete(Models, recursive: true);
    }
}
