using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace FastIot.Observe.Live;

/// <summary>
/// The live page over HTTP: <c>/</c> and its two files, <c>/live/events</c> (server-sent events, a frame a second), <c>/live/series</c>,
/// <c>/live/cell</c>, <c>/live/config</c>. Everything comes from the binary; the page asks nobody else.
/// </summary>
internal sealed class LivePage(LiveView view, PipelineStatus status, byte[] configuration)
{
    /// <summary>Viewers at once; each holds a connection.</summary>
    private const int MaxViewers = 16;

    private static readonly TimeSpan s_frame = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<string, (string Type, byte[] Content)> s_files = new()
    {
        ["/"] = ("text/html; charset=utf-8", Resource("index.html")),
        ["/live.css"] = ("text/css; charset=utf-8", Resource("live.css")),
        ["/live.js"] = ("text/javascript; charset=utf-8", Resource("live.js")),
    };

    private int _viewers;

    /// <returns>False where the path is not the page's.</returns>
    public async Task<bool> AnswerAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        if (s_files.TryGetValue(path, out (string Type, byte[] Content) file))
        {
            context.Response.Headers.ContentSecurityPolicy = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";
            context.Response.Headers.CacheControl = "no-cache";
            await SendAsync(context, file.Type, file.Content).ConfigureAwait(false);
            return true;
        }

        switch (path)
        {
            case "/live/events":
                await StreamAsync(context).ConfigureAwait(false);
                return true;
            case "/live/series":
                await SeriesAsync(context).ConfigureAwait(false);
                return true;
            case "/live/cell":
                if (int.TryParse(context.Request.Query["index"], out int index) && index is >= 0 and < LiveView.Cells) await SendAsync(context, "application/json", view.Cell(index)).ConfigureAwait(false);
                else await RefuseAsync(context, $"index must be a number from 0 to {LiveView.Cells - 1}").ConfigureAwait(false);
                return true;
            case "/live/config":
                await SendAsync(context, "application/json", configuration).ConfigureAwait(false);
                return true;
            default:
                return false;
        }
    }

    private static byte[] Resource(string name)
    {
        using Stream stream = typeof(LivePage).Assembly.GetManifestResourceStream("live/" + name)!;
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    private Task SeriesAsync(HttpContext context)
    {
        string sensor = context.Request.Query["sensor"].ToString(), metric = context.Request.Query["metric"].ToString();
        bool fits = sensor.Length > 0 && System.Text.Encoding.UTF8.GetByteCount(sensor) <= Limits.MaxSensorIdBytes && System.Text.Encoding.UTF8.GetByteCount(metric) <= Limits.MaxMetricBytes;
        return fits ? SendAsync(context, "application/json", view.Series(sensor, metric)) : RefuseAsync(context, "sensor and metric name a series: ?sensor=…&metric=…");
    }

    private async Task StreamAsync(HttpContext context)
    {
        if (Interlocked.Increment(ref _viewers) > MaxViewers)
        {
            Interlocked.Decrement(ref _viewers);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = "10";
            await SendAsync(context, "text/plain", "as many look at this page as may; /status and /metrics answer always\n"u8.ToArray()).ConfigureAwait(false);
            return;
        }

        try
        {
            using LiveView.Viewer viewer = view.Look();
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers.CacheControl = "no-store";
            using var timer = new PeriodicTimer(s_frame);
            do
            {
                byte[] frame = view.Frame(status.WriteFigures);
                await context.Response.Body.WriteAsync("data: "u8.ToArray(), context.RequestAborted).ConfigureAwait(false);
                await context.Response.Body.WriteAsync(frame, context.RequestAborted).ConfigureAwait(false);
                await context.Response.Body.WriteAsync("\n\n"u8.ToArray(), context.RequestAborted).ConfigureAwait(false);
                await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
            }
            while (await timer.WaitForNextTickAsync(context.RequestAborted).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // They looked away: the usual end of a stream.
        }
        finally
        {
            Interlocked.Decrement(ref _viewers);
        }
    }

    private static Task RefuseAsync(HttpContext context, string why)
    {
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return SendAsync(context, "text/plain", System.Text.Encoding.UTF8.GetBytes(why + "\n"));
    }

    private static Task SendAsync(HttpContext context, string type, byte[] body)
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }
}
