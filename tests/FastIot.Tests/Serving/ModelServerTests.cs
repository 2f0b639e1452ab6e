using System.Net;
using System.Text.Json;
using FastIot.Configuration;
using FastIot.Emit;
using FastIot.Scoring;
using FastIot.Serving;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Serving;

/// <summary>Versions come and go, labels move, files are half there: what is served meanwhile.</summary>
public sealed class ModelServerTests : IDisposable
{
    private readonly RealServers _servers = new();

    public void Dispose() => _servers.Dispose();

    [Fact]
    public async Task Nobody_notices_a_change_of_version()
    {
        string models = TestServer.NewFolder();
        GraphFile.HalfPlus(1).Save(models, "half", 1);
        await using TestServer server = await TestServer.StartAsync(models, "half");
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            long asked = 0;
            for (float last = 0; !stop.IsCancellationRequested; asked++)
            {
                float version = await server.PredictAsync("half", 0);
                Assert.True(version >= last, $"after version {last} came {version}");
                last = version;
            }

            return asked;
        })).ToArray();
        for (int version = 2; version <= 6; version++)
        {
            GraphFile.HalfPlus(version).Save(models, "half", version);
            await TestServer.UntilAsync(async () => await server.PredictAsync("half", 0) == version, $"version {version} is served");
        }

        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(clients), asked => Assert.True(asked > 0));
        await TestServer.UntilAsync(async () => await StateAsync(server, "half", 5) == "END", "the version before is unloaded");
    }

    [Fact]
    public async Task A_version_that_cannot_be_loaded_leaves_the_old_one_and_says_why()
    {
        string models = TestServer.NewFolder();
        GraphFile.HalfPlus(1).Save(models, "half", 1);
        await using TestServer server = await TestServer.StartAsync(models, "half");
        string broken = Path.Combine(models, "half", "2");
        Directory.CreateDirectory(broken);
        File.WriteAllText(Path.Combine(broken, "model.onnx"), "not a graph");
        await TestServer.UntilAsync(async () => await StateAsync(server, "half", 2) == "END", "the broken version is given up");
        Assert.Contains("ONNX Runtime refuses the graph", await server.Client.GetStringAsync("/v1/models/half/versions/2", TestContext.Current.CancellationToken));
        Assert.Equal(1, await server.PredictAsync("half", 0));
        Assert.Contains("fastiot_model_failed{model=\"half\",version=\"2\"} 1", await server.Client.GetStringAsync("/metrics", TestContext.Current.CancellationToken));

        GraphFile.HalfPlus(2).Save(models, "half", 2);
        await TestServer.UntilAsync(async () => await server.PredictAsync("half", 0) == 2, "the repaired version is served");
    }

    [Fact]
    public async Task A_broken_version_that_is_taken_away_is_no_failure_any_more()
    {
        string models = TestServer.NewFolder();
        GraphFile.HalfPlus(1).Save(models, "half", 1);
        await using TestServer server = await TestServer.StartAsync(models, "half");
        string broken = Directory.CreateDirectory(Path.Combine(models, "half", "2")).FullName;
        File.WriteAllText(Path.Combine(broken, "model.onnx"), "not a graph");
        await TestServer.UntilAsync(async () => (await server.Client.GetStringAsync("/metrics")).Contains("fastiot_model_failed{model=\"half\",version=\"2\"} 1"), "the failure is shown");
        Directory.Delete(broken, recursive: true);
        await TestServer.UntilAsync(async () => !(await server.Client.GetStringAsync("/metrics")).Contains("version=\"2\""), "the failure is forgotten");
        Assert.Equal(1, await server.PredictAsync("half", 0));
    }

    [Fact]
    public async Task A_half_copied_graph_waits_for_its_other_half()
    {
        string models = TestServer.NewFolder(), source = TestServer.NewFolder();
        GraphFile.HalfPlus(1).Save(models, "half", 1);
        GraphFile.HalfPlus(2).Save(source, "half", 2);
        using var catalog = new ModelCatalog(new LocalFolderStore(models));
        await using TestServer server = await TestServer.StartAsync(models, "half");
        byte[] graph = File.ReadAllBytes(Path.Combine(source, "half", "2", "model.onnx"));
        string folder = Path.Combine(models, "half", "2");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "model.onnx.sha256"), Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(graph)) + "  model.onnx\n");
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), graph[..(graph.Length / 2)]);
        await TestServer.UntilAsync(async () => await StateAsync(server, "half", 2) == "END", "the half graph is refused");
        Assert.Equal(1, await server.PredictAsync("half", 0));
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), graph);
        await TestServer.UntilAsync(async () => await server.PredictAsync("half", 0) == 2, "the whole graph is served");
        Directory.Delete(source, recursive: true);
    }

    [Fact]
    public async Task Labels_choose_what_is_served_and_move_back()
    {
        string models = TestServer.NewFolder();
        for (int version = 1; version <= 3; version++) GraphFile.HalfPlus(version).Save(models, "half", version);
        using var catalog = new ModelCatalog(new LocalFolderStore(models));
        ModelLabels labels = ModelLabels.None.With("stable", 1).With("canary", 3);
        await catalog.WriteLabelsAsync("half", labels, TestContext.Current.CancellationToken);
        ServeOptions options = TestServer.Options("half");
        options.Policy = "labels";
        await using TestServer server = await TestServer.StartAsync(models, options);
        Assert.Equal(1, await server.PredictAsync("half", 0));
        Assert.Contains("3.0", (await server.PostAsync("/v1/models/half/labels/canary:predict", """{"instances":[0]}""")).Text);
        Assert.Equal(HttpStatusCode.NotFound, (await server.PostAsync("/v1/models/half/versions/2:predict", """{"instances":[0]}""")).Code);

        labels = labels.With("stable", 3);
        await catalog.WriteLabelsAsync("half", labels, TestContext.Current.CancellationToken);
        await TestServer.UntilAsync(async () => await server.PredictAsync("half", 0) == 3, "the promoted version is served");
        await catalog.WriteLabelsAsync("half", labels.With("stable", labels.Previous["stable"]), TestContext.Current.CancellationToken);
        await TestServer.UntilAsync(async () => await server.PredictAsync("half", 0) == 1, "the version before is served again");
    }

    [Fact]
    public async Task A_repository_that_vanishes_takes_nothing_away()
    {
        string models = TestServer.NewFolder();
        GraphFile.HalfPlus(1).Save(models, "half", 1);
        await using TestServer server = await TestServer.StartAsync(models, "half");
        Directory.Move(Path.Combine(models, "half"), Path.Combine(models, ".gone"));
        using (var catalog = new ModelCatalog(new LocalFolderStore(models))) Assert.Empty((await catalog.ListAsync(TestContext.Current.CancellationToken)).Names);
        for (int i = 0; i < 20; i++) Assert.Equal(1, await server.PredictAsync("half", 0));
    }

    [Fact]
    public async Task Models_are_served_from_a_bucket()
    {
        using var store = new MinioStore(new MinioOptions { Endpoint = _servers.Minio(), Bucket = "models", AccessKey = "minioadmin", SecretKey = "minioadmin" });
        using var catalog = new ModelCatalog(store);
        string source = TestServer.NewFolder();
        GraphFile.HalfPlus(1).Save(source, "half", 1);
        GraphFile.HalfPlus(2).Save(source, "half", 2);
        await catalog.PushAsync(Path.Combine(source, "half", "1", "model.onnx"), "half", null, TestContext.Current.CancellationToken);
        await using TestServer server = await TestServer.StartAsync(source, TestServer.Options("half"), repository: store);
        Assert.Equal(1, await server.PredictAsync("half", 0));
        ModelFiles pushed = await catalog.PushAsync(Path.Combine(source, "half", "2", "model.onnx"), "half", null, TestContext.Current.CancellationToken);
        Assert.Equal(2, pushed.Version);
        await TestServer.UntilAsync(async () => await server.PredictAsync("half", 0) == 2, "the pushed version is served");
        Assert.Contains("never changes", (await Assert.ThrowsAsync<ModelException>(() => catalog.PushAsync(Path.Combine(source, "half", "2", "model.onnx"), "half", 2, TestContext.Current.CancellationToken))).Message);
        Directory.Delete(source, recursive: true);
    }

    private static async Task<string?> StateAsync(TestServer server, string model, int version)
    {
        using HttpResponseMessage answer = await server.Client.GetAsync($"/v1/models/{model}/versions/{version}", TestContext.Current.CancellationToken);
        if (answer.StatusCode == HttpStatusCode.NotFound) return null;
        using JsonDocument status = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return status.RootElement.GetProperty("model_version_status")[0].GetProperty("state").GetString();
    }
}
