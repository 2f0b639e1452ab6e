using System.Net;

namespace FastIot.Tests.Faults;

public enum ProxyFault
{
    None,
    Unavailable,
    Forbidden,
    Slow,
}

/// <summary>Stands before an S3 store and hurts its puts by answers; a connection that is cut is not this one's trade: HttpListener answers 200 first. What it lets pass it passes as it came: the signature covers the host's name.</summary>
internal sealed class FaultyProxy : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly HttpClient _upstream;
    private int _hurt;

    public FaultyProxy(string upstream)
    {
        Url = $"http://127.0.0.1:{Servers.RealServers.FreePort()}";
        _upstream = new HttpClient { BaseAddress = new Uri(upstream) };
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Url { get; }

    public ProxyFault Fault { get; set; }

    /// <summary>Puts that came to harm so far.</summary>
    public int Hurt => Volatile.Read(ref _hurt);

    public void Dispose()
    {
        _listener.Close();
        _upstream.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            _ = ServeAsync(context);
        }
    }

    private async Task ServeAsync(HttpListenerContext context)
    {
        ProxyFault fault = Fault;
        try
        {
            if (fault != ProxyFault.None && context.Request.HttpMethod == "PUT") await HurtAsync(context, fault);
            else await ForwardAsync(context);
        }
        catch (Exception e) when (e is HttpListenerException or HttpRequestException or IOException or ObjectDisposedException)
        {
            // The other side has gone: that is what this is for.
            context.Response.Abort();
        }
    }

    private async Task HurtAsync(HttpListenerContext context, ProxyFault fault)
    {
        switch (fault)
        {
            case ProxyFault.Unavailable or ProxyFault.Forbidden:
                (int status, string code) = fault == ProxyFault.Unavailable ? (503, "SlowDown") : (403, "AccessDenied");
                context.Response.StatusCode = status;
                context.Response.ContentType = "application/xml";
                byte[] body = System.Text.Encoding.UTF8.GetBytes($"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>hurt</Message></Error>");
                await context.Response.OutputStream.WriteAsync(body);
                context.Response.Close();
                break;
            case ProxyFault.Slow:
                using (var pace = new SemaphoreSlim(0)) await pace.WaitAsync(TimeSpan.FromSeconds(2));
                await ForwardAsync(context);
                break;
            default:
                throw new InvalidOperationException($"no such fault: {fault}");
        }

        Interlocked.Increment(ref _hurt);
    }

    private async Task ForwardAsync(HttpListenerContext context)
    {
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.HttpMethod), context.Request.RawUrl);
        if (context.Request.HasEntityBody)
        {
            var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body);
            request.Content = new ByteArrayContent(body.ToArray());
        }

        foreach (string name in context.Request.Headers.AllKeys.OfType<string>())
        {
            if (name is "Content-Length" or "Connection" or "Expect" or "Transfer-Encoding") continue;
            if (!request.Headers.TryAddWithoutValidation(name, context.Request.Headers[name])) request.Content?.Headers.TryAddWithoutValidation(name, context.Request.Headers[name]);
        }

        using HttpResponseMessage response = await _upstream.SendAsync(request);
        byte[] content = await response.Content.ReadAsByteArrayAsync();
        context.Response.StatusCode = (int)response.StatusCode;
        foreach ((string name, IEnumerable<string> values) in response.Headers.Concat(response.Content.Headers))
        {
            if (name is "Transfer-Encoding" or "Content-Length" or "Connection" or "Keep-Alive") continue;
            context.Response.Headers[name] = string.Join(',', values);
        }

        context.Response.ContentLength64 = context.Request.HttpMethod == "HEAD" ? response.Content.Headers.ContentLength ?? 0 : content.Length;
        if (context.Request.HttpMethod != "HEAD") await context.Response.OutputStream.WriteAsync(content);
        context.Response.Close();
    }
}
