using FastIot.Emit;
using FastIot.Scoring;
using FastIot.Tests.Scoring;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Serving;

public sealed class ModelWatcherTests : IDisposable
{
    private readonly string _models = TestServer.NewFolder();

    public void Dispose() => Directory.Delete(_models, recursive: true);

    [Fact]
    public async Task A_newer_version_is_ready_once_and_a_broken_one_never()
    {
        new TinyModel { Version = 1 }.Save(_models);
        using var catalog = new ModelCatalog(new LocalFolderStore(_models));
        var said = new List<string>();
        await using var watcher = new ModelWatcher(catalog, "tiny", "latest", 1, ExecutionProvider.Cpu, TimeSpan.FromDays(1), NullLogger.Instance);
        watcher.Ready += model => said.Add(model.Label);
        await watcher.LookAsync(TestContext.Current.CancellationToken);
        Assert.Null(watcher.Take());

        string folder = new TinyModel { Version = 2 }.Save(_models), graph = Path.Combine(folder, "model.onnx");
        byte[] whole = File.ReadAllBytes(graph);
        File.WriteAllBytes(graph, whole[..^10]);
        await watcher.LookAsync(TestContext.Current.CancellationToken);
        Assert.Null(watcher.Take());

        File.WriteAllBytes(graph, whole);
        await watcher.LookAsync(TestContext.Current.CancellationToken);
        await watcher.LookAsync(TestContext.Current.CancellationToken);
        using (Model? ready = watcher.Take()) Assert.Equal("tiny:2", ready!.Label);
        Assert.Null(watcher.Take());
        Assert.Equal(["tiny:2"], said);
    }

    [Fact]
    public async Task A_label_may_lead_back()
    {
        foreach (int version in (int[])[1, 2]) new TinyModel { Version = version }.Save(_models);
        using var catalog = new ModelCatalog(new LocalFolderStore(_models));
        ModelLabels labels = ModelLabels.None.With("stable", 2);
        await catalog.WriteLabelsAsync("tiny", labels, TestContext.Current.CancellationToken);
        await using var watcher = new ModelWatcher(catalog, "tiny", "stable", 2, ExecutionProvider.Cpu, TimeSpan.FromDays(1), NullLogger.Instance);
        await watcher.LookAsync(TestContext.Current.CancellationToken);
        Assert.Null(watcher.Take());
        await catalog.WriteLabelsAsync("tiny", labels.With("stable", 1), TestContext.Current.CancellationToken);
        await watcher.LookAsync(TestContext.Current.CancellationToken);
        using Model? ready = watcher.Take();
        Assert.Equal("tiny:1", ready!.Label);
    }
}
