using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace FastIot.Serving;

/// <summary>
/// Every request's way: who may ask, is there room, which protocol, and what becomes of its failures. /v1 is TensorFlow Serving's API, /v2 the
/// Open Inference Protocol; health is told to everybody.
/// </summary>
internal sealed partial class ServingHandler(ModelServer server, SeriesScoring scoring, ServingLimits limits, TokenGuard tokens, ServingMetrics metrics, ILogger log)
{
    private readonly TensorFlowRest _tensorFlow = new(server, scoring, limits);
    private readonly OpenInference _openInference = new(server, limits);
    private readonly BodyBudget _bodies = new(limits.MaxPendingBytes);
    private readonly ConcurrentBag<RequestBody> _pool = [];
    private int _requests;

    /// <summary>No new requests: those in progress end.</summary>
    public bool IsDraining { get; set; }

    public async Task HandleAsync(HttpContext context)
    {
        string target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        int query = target.IndexOf('?');
        string path = query < 0 ? target : target[..query];
        if (HealthOf(path) is { } healthy)
        {
            await HealthAsync(context, path, healthy).ConfigureAwait(false);
            return;
        }

        if (!_pool.TryTake(out RequestBody? request)) request = new RequestBody(_bodies);
        try
        {
            if (Interlocked.Increment(ref _requests) > limits.MaxRequests) throw new ServingException(ServingStatus.Unavailable, "Too many requests in progress");
            await AnswerAsync(context, path, request).ConfigureAwait(false);
        }
        catch (ServingException e)
        {
            await RefuseAsync(context, request, e).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e)
        {
            // Too slow, cut off, or not HTTP: Kestrel says which.
            await FailAsync(context, request, e.StatusCode, e.Message).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            metrics.Refused(ServingStatus.Cancelled);
        }
        catch (Exception e) when (e is not IOException)
        {
            Failed(log, context.Request.Method, path, e);
            await FailAsync(context, request, StatusCodes.Status500InternalServerError, "Internal error; the server's log says more").ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _requests);
            request.Trim();
            _pool.Add(request);
        }
    }

    private async ValueTask AnswerAsync(HttpContext context, string path, RequestBody request)
    {
        request.Answer.Clear();
        if (IsDraining) throw new ServingException(ServingStatus.Unavailable, "The server is shutting down");
        tokens.Check(context.Request.Headers.Authorization);
        if (path.StartsWith("/v1/", StringComparison.OrdinalIgnoreCase))
        {
            context.Response.ContentType = "application/json";
            await _tensorFlow.AnswerAsync(context, path, request).ConfigureAwait(false);
        }
        else if (path == "/v2" || path.StartsWith("/v2/", StringComparison.Ordinal))
        {
            context.Response.ContentType = "application/json";
            await _openInference.AnswerAsync(context, path, request).ConfigureAwait(false);
        }
        else if (path is "/metrics" or ServingMetrics.TensorFlowPath)
        {
            context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            metrics.Write(request.Answer, likeTensorFlow: path != "/metrics");
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            context.Response.ContentType = "text/html";
            request.Answer.Raw("<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n<H1>Not Found</H1>\n</BODY></HTML>\n"u8);
        }

        await SendAsync(context, request).ConfigureAwait(false);
    }

    /// <returns>Null for a path that is not about health.</returns>
    private bool? HealthOf(string path) => path switch
    {
        "/healthz" or "/v2/health/live" => true,
        "/readyz" or "/v2/health/ready" => server.IsReady && !IsDraining,
        _ => null,
    };

    private static async Task HealthAsync(HttpContext context, string path, bool healthy)
    {
        context.Response.StatusCode = healthy ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        bool protocol = path[1] == 'v';
        context.Response.ContentType = protocol ? "application/json" : "text/plain";
        string word = path.EndsWith("live", StringComparison.Ordinal) ? "live" : "ready";
        await context.Response.WriteAsync(protocol ? $"{{\"{word}\":{(healthy ? "true" : "false")}}}" : healthy ? "ok\n" : "not ready\n", context.RequestAborted).ConfigureAwait(false);
    }

    private async Task RefuseAsync(HttpContext context, RequestBody request, ServingException e)
    {
        metrics.Refused(e.Status);
        if (e.Status is ServingStatus.Unavailable or ServingStatus.ResourceExhausted) context.Response.Headers.RetryAfter = "1";
        if (e.Status == ServingStatus.Unauthenticated) context.Response.Headers.WWWAuthenticate = "Bearer";
        await FailAsync(context, request, e is BodyTooLargeException ? StatusCodes.Status413PayloadTooLarge : ServingStatuses.Http(e.Status), e.Message).ConfigureAwait(false);
    }

    private static async Task FailAsync(HttpContext context, RequestBody request, int code, string message)
    {
        if (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested) return;
        request.Answer.Clear();
        PredictResponse.WriteError(request.Answer, message);
        context.Response.StatusCode = code;
        context.Response.ContentType = "application/json";
        // A client that is still sending what nobody reads should not keep the connection.
        if (code is StatusCodes.Status413PayloadTooLarge or StatusCodes.Status408RequestTimeout) context.Response.Headers.Connection = "close";
        await SendAsync(context, request).ConfigureAwait(false);
    }

    private static async ValueTask SendAsync(HttpContext context, RequestBody request)
    {
        context.Response.ContentLength = request.Answer.Length;
        if (HttpMethods.IsHead(context.Request.Method)) return;
        await context.Response.BodyWriter.WriteAsync(request.Answer.WrittenMemory, context.RequestAborted).ConfigureAwait(false);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{method} {path} failed")]
    private static partial void Failed(ILogger log, string method, string path, Exception exception);
}
