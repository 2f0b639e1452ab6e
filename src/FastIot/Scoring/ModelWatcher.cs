using FastIot.Emit;
using Microsoft.Extensions.Logging;

namespace FastIot.Scoring;

/// <summary>
/// Looks into the repository for another version than the one in force, loads it and tries it out beside the running pipeline, and holds it ready
/// for whoever decides from which window end on it counts. What cannot be loaded is said once, and the old one stays.
/// </summary>
public sealed partial class ModelWatcher : IAsyncDisposable
{
    private readonly ModelCatalog _catalog;
    private readonly string _name;
    private readonly string _version;
    private readonly ExecutionProvider _provider;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _watching;
    private Model? _ready;
    private long _current;
    private string _complaint = "";

    /// <param name="catalog">Not owned.</param>
    /// <param name="version">"latest", or a label; a number never changes.</param>
    /// <param name="current">Version in force.</param>
    public ModelWatcher(ModelCatalog catalog, string name, string version, long current, ExecutionProvider provider, TimeSpan poll, ILogger log)
    {
        (_catalog, _name, _version, _current, _provider, _log) = (catalog, name, version, current, provider, log);
        _watching = WatchAsync(poll);
    }

    /// <summary>A version is loaded and can be taken.</summary>
    public event Action<Model>? Ready;

    /// <summary>The version that is ready, from now on the caller's; null where there is none.</summary>
    public Model? Take() => Interlocked.Exchange(ref _ready, null);

    /// <summary>One look; what it finds is loaded when it returns.</summary>
    public async Task LookAsync(CancellationToken cancellation)
    {
        try
        {
            long wanted = await _catalog.ResolveAsync(_name, _version, cancellation).ConfigureAwait(false);
            if (wanted == Volatile.Read(ref _current)) return;
            Model model = await _catalog.LoadAsync(_name, $"{wanted}", _provider, _log, cancellation).ConfigureAwait(false);
            Volatile.Write(ref _current, wanted);
            Interlocked.Exchange(ref _ready, model)?.Dispose();
            _complaint = "";
            IsReady(_log, model.Label);
            Ready?.Invoke(model);
        }
        catch (Exception e) when (e is ModelException or ObjectStoreException)
        {
            if (e.Message != _complaint) Stays(_log, _name, e.Message);
            _complaint = e.Message;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        Take()?.Dispose();
        _stopping.Dispose();
    }

    private async Task WatchAsync(TimeSpan poll)
    {
        using var timer = new PeriodicTimer(poll);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false)) await LookAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The end.
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{model} is loaded and ready to take over")]
    private static partial void IsReady(ILogger log, string model);

    [LoggerMessage(Level = LogLevel.Error, Message = "the model {name} stays as it is: {why}")]
    private static partial void Stays(ILogger log, string name, string why);
}
