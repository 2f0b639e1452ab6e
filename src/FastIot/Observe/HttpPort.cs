using System.Net;
using System.Text;
using FastIot.Observe.Live;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FastIot.Observe;

/// <summary>The one HTTP port: the live page at /, and /metrics, /healthz, /readyz, /status. Read only.</summary>
public sealed class HttpPort : IAsyncDisposable
{
    private readonly WebApplication _application;

    private HttpPort(WebApplication application) => _application = application;

    /// <summary>Where it listens: <c>http://127.0.0.1:9464</c>.</summary>
    public string Url => _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <param name="address">ip:port; port 0 takes a free one.</param>
    /// <param name="live">What the page shows.</param>
    /// <param name="configuration">What is configured, as JSON without secrets; for the page.</param>
    /// <exception cref="IOException">The address cannot be had; the message says why.</exception>
    public static async Task<HttpPort> StartAsync(string address, PipelineMetrics metrics, PipelineStatus status, LiveView live, byte[] configuration)
    {
        // The empty builder reads no environment, no files and no command line: ASPNETCORE_URLS must not open a port nobody asked for.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.MaxConcurrentConnections = 64;
            kestrel.Listen(IPEndPoint.Parse(address));
        });
        WebApplication application = builder.Build();
        var page = new LivePage(live, status, configuration);
        application.Run(context => AnswerAsync(context, metrics, status, page));
        try
        {
            await application.StartAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            await application.DisposeAsync().ConfigureAwait(false);
            throw new IOException($"cannot listen at {address} for /metrics: {e.Message}. Choose another with --http ip:port, or --http off.", e);
        }

        return new HttpPort(application);
    }

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync(new CancellationTokenSource(TimeSpan.FromSeconds(1)).Token).ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task AnswerAsync(HttpContext context, PipelineMetrics metrics, PipelineStatus status, LivePage page)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.Headers.Allow = "GET, HEAD";
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }

        context.Response.Headers.XContentTypeOptions = "nosniff";
        PipelineState state = status.State;
        switch (context.Request.Path.Value)
        {
            case "/metrics":
                using (var text = new MemoryStream())
                {
                    await metrics.WriteAsync(text, context.RequestAborted).ConfigureAwait(false);
                    await SendAsync(context, "text/plain; version=0.0.4; charset=utf-8", text.ToArray()).ConfigureAwait(false);
                }

                break;
            case "/healthz":
                await SendStateAsync(context, state, state != PipelineState.Failed).ConfigureAwait(false);
                break;
            case "/readyz":
                await SendStateAsync(context, state, state == PipelineState.Running).ConfigureAwait(false);
                break;
            case "/status":
                await SendAsync(context, "application/json", status.Json()).ConfigureAwait(false);
                break;
            default:
                if (await page.AnswerAsync(context).ConfigureAwait(false)) break;
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                await SendAsync(context, "text/plain", "/, /metrics, /healthz, /readyz and /status are here\n"u8.ToArray()).ConfigureAwait(false);
                break;
        }
    }

    private static Task SendStateAsync(HttpContext context, PipelineState state, bool good)
    {
        if (!good) context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return SendAsync(context, "text/plain", Encoding.UTF8.GetBytes(PipelineStates.Name(state) + "\n"));
    }

    private static async Task SendAsync(HttpContext context, string type, byte[] body)
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }
}
