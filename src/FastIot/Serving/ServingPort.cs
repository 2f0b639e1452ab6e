using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FastIot.Serving;

/// <summary>The port that models are served at.</summary>
internal sealed class ServingPort : IAsyncDisposable
{
    private readonly WebApplication _application;

    private ServingPort(WebApplication application) => _application = application;

    /// <summary>Where it listens: <c>http://127.0.0.1:8501</c>.</summary>
    public string Url => _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <param name="address">ip:port; port 0 takes a free one.</param>
    /// <exception cref="IOException">The address cannot be had; the message says why.</exception>
    public static async Task<ServingPort> StartAsync(string address, ServingHandler handler, ServingLimits limits, ServingCertificate? certificate, ILoggerFactory loggers)
    {
        // The empty builder reads no environment, no files and no command line: ASPNETCORE_URLS must not open a port nobody asked for.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            Restrict(kestrel.Limits, limits);
            kestrel.Listen(IPEndPoint.Parse(address), listen =>
            {
                if (certificate == null) listen.Protocols = HttpProtocols.Http1;
                else certificate.Use(listen);
            });
        });
        if (certificate != null) builder.WebHost.UseKestrelHttpsConfiguration();
        WebApplication application = builder.Build();
        application.Run(handler.HandleAsync);
        try
        {
            await application.StartAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            await application.DisposeAsync().ConfigureAwait(false);
            throw new IOException($"cannot listen at {address}: {e.Message}. Choose another with --listen ip:port.", e);
        }

        return new ServingPort(application);
    }

    /// <summary>Takes no new connections, answers what has begun, until told to give up.</summary>
    public Task StopAsync(CancellationToken giveUp) => _application.StopAsync(giveUp);

    public async ValueTask DisposeAsync() => await _application.DisposeAsync().ConfigureAwait(false);

    private static void Restrict(KestrelServerLimits kestrel, ServingLimits limits)
    {
        // The body's limit is checked where it is read, so that its error has our shape; this one is behind it, for what is not read.
        kestrel.MaxRequestBodySize = limits.MaxBodyBytes + 1L;
        kestrel.MaxConcurrentConnections = limits.MaxConnections;
        kestrel.MaxRequestHeadersTotalSize = 32 << 10;
        kestrel.MaxRequestHeaderCount = 100;
        kestrel.MaxRequestLineSize = 8 << 10;
        kestrel.RequestHeadersTimeout = limits.HeadersTimeout;
        kestrel.KeepAliveTimeout = TimeSpan.FromMinutes(2);
        kestrel.MinRequestBodyDataRate = new MinDataRate(limits.MinBytesPerSecond, TimeSpan.FromSeconds(5));
        kestrel.MinResponseDataRate = new MinDataRate(limits.MinBytesPerSecond, TimeSpan.FromSeconds(5));
        kestrel.Http2.MaxStreamsPerConnection = 100;
    }
}
