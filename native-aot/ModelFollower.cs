using FastIot.Configuration;
using FastIot.Emit;
using FastIot.Scoring;
using Microsoft.Extensions.Logging;

namespace FastIot.Cli;

/// <summary>Looks for newer versions of the model while the pipeline runs, and offers them to it: each partition says by a commit from which window end on they score.</summary>
internal sealed partial class ModelFollower : IAsyncDisposable
{
    private readonly ModelCatalog _catalog;
    private readonly ModelWatcher _watcher;
    private readonly ModelVersions _versions;
    private readonly Func<Model, PipelineOptions> _wanted;
    private readonly PipelineOptions _present;
    private readonly ILogger _log;

    public ModelFollower(FastIotOptions options, int workers, Model model, ModelVersions versions, ILoggerFactory loggers)
    {
        _versions = versions;
        _wanted = other => Composition.Pipeline(options, other, workers);
        _present = _wanted(model);
        _log = loggers.CreateLogger("FastIot.Scoring");
        _catalog = new ModelCatalog(new LocalFolderStore(Composition.ModelsFolder(options.Model)));
        _watcher = new ModelWatcher(_catalog, options.Model.Name, "latest", model.Manifest.Version, Composition.Provider(options.Model).Provider, options.Model.Poll, _log);
        _watcher.Ready += _ => Offer();
    }

    public async ValueTask DisposeAsync()
    {
        await _watcher.DisposeAsync().ConfigureAwait(false);
        _catalog.Dispose();
    }

    /// <summary>Baselines and panes are kept as the model's features want them: one that wants others takes a restart.</summary>
    private void Offer()
    {
        if (_watcher.Take() is not { } model) return;
        string? difference = model.Manifest.Features.DifferenceFrom(_present.Features);
        if (difference != null || _wanted(model).ConfigHash() != _present.ConfigHash())
        {
            NeedsRestart(_log, model.Label, difference ?? "its name is another");
            model.Dispose();
            return;
        }

        _versions.Offer(model);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{model} wants other features than those that are kept: it scores after a restart ({why})")]
    private static partial void NeedsRestart(ILogger log, string model, string why);
}
