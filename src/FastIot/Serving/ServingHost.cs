using System.Net;
using FastIot.Configuration;
using FastIot.Emit;
using FastIot.Scoring;
using Microsoft.Extensions.Logging;

namespace FastIot.Serving;

/// <summary>The model server as a whole: repository, models, guard, port; started, drained and ended in order.</summary>
public sealed class ServingHost : IAsyncDisposable
{
    private readonly ModelCatalog _catalog;
    private readonly ModelServer _server;
    private readonly TokenGuard _tokens;
    private readonly ServingHandler _handler;
    private readonly ServingCertificate? _certificate;
    private ServingPort? _port;

    private ServingHost(IObjectStore repository, ServeOptions options, ProviderOptions provider, SeriesScoring scoring, ServingLimits limits, ILoggerFactory loggers)
    {
        ILogger log = loggers.CreateLogger("FastIot.Serving");
        _catalog = new ModelCatalog(repository);
        _server = new ModelServer(_catalog, ModelOptions(options, provider), log);
        _tokens = new TokenGuard(options.TokensFile.Length > 0 ? options.TokensFile : null, options.Tokens, limits.RequestsPerSecond, log);
        _server.WasUnloaded += scoring.Forget;
        _handler = new ServingHandler(_server, scoring, limits, _tokens, new ServingMetrics(_server, FastIotVersion.Text), log);
        if (options.Certificate.Length > 0) _certificate = new ServingCertificate(options.Certificate, options.CertificateKey, log);
    }

    /// <summary>Where it listens: <c>http://127.0.0.1:8501</c>.</summary>
    public string Url => _port!.Url;

    /// <summary>"name:version" of what is served.</summary>
    public IReadOnlyList<string> Models => [.. _server.Models.SelectMany(m => m.Versions).Where(v => v.State == VersionState.Available).Select(v => $"{v.Name}:{v.Version}")];

    /// <summary>Loads the models, then opens the port.</summary>
    /// <param name="repository">Owned from now on.</param>
    /// <param name="alarms">Budget and warming of …:score.</param>
    /// <exception cref="ConfigurationException">The options do not fit together.</exception>
    /// <exception cref="ModelException">A model is not there or cannot be loaded.</exception>
    /// <exception cref="IOException">The address, the certificate or the tokens cannot be had.</exception>
    public static async Task<ServingHost> StartAsync(IObjectStore repository, ServeOptions options, ProviderOptions provider, AlarmOptions alarms, ILoggerFactory loggers)
    {
        Check(options);
        ServingLimits limits = Limits(options);
        var scoring = new SeriesScoring(alarms.Budget, (int)Math.Min(int.MaxValue, alarms.WarmingUs / Windows.WindowSpec.Default.SlideUs));
        var host = new ServingHost(repository, options, provider, scoring, limits, loggers);
        try
        {
            await host._server.StartAsync(CancellationToken.None).ConfigureAwait(false);
            host._port = await ServingPort.StartAsync(options.Address, host._handler, limits, host._certificate, loggers).ConfigureAwait(false);
            return host;
        }
        catch
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Refuses new requests and answers those in progress, within the time.</summary>
    /// <returns>Whether all were answered.</returns>
    public async Task<bool> DrainAsync(TimeSpan time)
    {
        _handler.IsDraining = true;
        using var timer = new CancellationTokenSource(time);
        await _port!.StopAsync(timer.Token).ConfigureAwait(false);
        return !timer.IsCancellationRequested;
    }

    public async ValueTask DisposeAsync()
    {
        if (_port != null) await _port.DisposeAsync().ConfigureAwait(false);
        await _server.DisposeAsync().ConfigureAwait(false);
        _tokens.Dispose();
        _certificate?.Dispose();
        _catalog.Dispose();
    }

    private static void Check(ServeOptions options)
    {
        var errors = new List<string>();
        bool guarded = options.Tokens.Length > 0 || options.TokensFile.Length > 0, encrypted = options.Certificate.Length > 0;
        if (encrypted != options.CertificateKey.Length > 0) errors.Add("serve.certificate and serve.certificate-key belong together; only one of them is given");
        if (!IPAddress.IsLoopback(IPEndPoint.Parse(options.Address).Address) && !options.AllowInsecure && !(guarded && encrypted))
        {
            string lacks = guarded ? "without TLS, which shows the tokens to the network" : encrypted ? "without tokens" : "without tokens and without TLS";
            errors.Add($"serve.address {options.Address} serves other machines {lacks}: set serve.token-list and serve.certificate, or say --allow-insecure true");
        }

        if (errors.Count > 0) throw new ConfigurationException(errors);
    }

    private static ModelServerOptions ModelOptions(ServeOptions options, ProviderOptions provider) => new()
    {
        Models = options.Models,
        Policy = VersionPolicy.Parse(options.Policy),
        StableFirst = options.Policy == "labels",
        Provider = provider,
        Poll = options.Poll,
        Batch = new BatchOptions
        {
            MaxRows = options.MaxBatch,
            Timeout = options.BatchTimeout,
            QueuedRows = options.Queue,
            Sizes = options.BatchSizes,
            Instances = options.Instances,
            Threads = options.Threads,
        },
    };

    private static ServingLimits Limits(ServeOptions options) => new()
    {
        MaxBodyBytes = options.MaxBodyBytes,
        MaxRequests = options.MaxRequests,
        Timeout = options.Timeout,
        RequestsPerSecond = options.Rate,
    };
}
