using FastIot.Emit;
using FastIot.Observe;
using FastIot.Scoring;
using FastIot.Serving;

namespace FastIot.Tests.Serving;

/// <summary>Measures what the whole process holds, so nothing runs beside it.</summary>
[Collection(nameof(ModelServerMemoryTests))]
[CollectionDefinition(nameof(ModelServerMemoryTests), DisableParallelization = true)]
public sealed class ModelServerMemoryTests
{
    [Fact]
    public async Task A_thousand_changes_of_version_leave_memory_as_it_was()
    {
        string models = TestServer.NewFolder();
        GraphFile.HalfPlus(1).Save(models, "half", 1);
        using var catalog = new ModelCatalog(new LocalFolderStore(models));
        await using var server = new ModelServer(catalog, new ModelServerOptions { Models = ["half"], Poll = TimeSpan.FromDays(1), Provider = new() { Provider = ExecutionProvider.Cpu }, Batch = new() { Instances = 1 } }, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        await server.StartAsync(TestContext.Current.CancellationToken);
        long warm = 0;
        for (int version = 2; version <= 1002; version++)
        {
            Directory.Move(Path.Combine(models, "half", $"{version - 1}"), Path.Combine(models, "half", $"{version}"));
            // A graph without a hash is taken at the second look.
            await server.RefreshAsync(TestContext.Current.CancellationToken);
            await server.RefreshAsync(TestContext.Current.CancellationToken);
            Assert.Equal(version, server.Find("half")!.Default!.Version);
            if (version == 300) warm = Memory();
        }

        long grown = Memory() - warm;
        Assert.True(grown < 24 << 20, $"{grown / 1e6:0.0} MB more after 700 changes");
        Assert.True(server.Find("half")!.Versions.Length < 20);
    }

    private static long Memory()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true);
        return ProcessFigures.Now().ResidentBytes;
    }
}
