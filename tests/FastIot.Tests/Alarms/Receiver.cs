using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using FastIot.Tests.Faults;
using FastIot.Tests.Servers;

namespace FastIot.Tests.Alarms;

/// <summary>Somebody who is told: an HTTP server on the loopback that keeps what comes, and answers as the test wants.</summary>
internal sealed class Receiver : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly HttpListener _listener = new();
    private readonly Task _answering;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentQueue<(string Path, string? Authorization, string Body)> _calls = new();

    public Receiver()
    {
        Url = $"http://127.0.0.1:{RealServers.FreePort()}/";
        _listener.Prefixes.Add(Url);
        _listener.Start();
        _answering = Task.Run(AnswerAsync);
    }

    public string Url { get; }

    /// <summary>Answer to a call, by its number from 1.</summary>
    public Func<int, int> Status { get; set; } = _ => 200;

    /// <summary>Never answers.</summary>
    public bool Hangs { get; set; }

    public (string Path, string? Authorization, string Body)[] Calls => [.. _calls];

    /// <summary>The webhook's alarms in all calls so far: status, location, how many are open.</summary>
    public string[] Alarms => [.. Calls.SelectMany(c => JsonDocument.Parse(c.Body).RootElement.GetProperty("alarms").EnumerateArray())
        .Select(a => $"{a.GetProperty("status").GetString()} {a.GetProperty("labels").GetProperty("location").GetString()} {a.GetProperty("open").GetInt32()}")];

    public void Await(Func<Receiver, bool> condition) =>
        Eventually.Until(() => condition(this), s_patience, () => string.Join(Environment.NewLine, Calls.Select(c => c.Body)));

    public void Dispose()
    {
        _end.Cancel();
        _listener.Stop();
        _answering.GetAwaiter().GetResult();
        _listener.Close();
        _end.Dispose();
    }

    private async Task AnswerAsync()
    {
        while (true)
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

            using var reader = new StreamReader(context.Request.InputStream);
            _calls.Enqueue((context.Request.Url!.AbsolutePath, context.Request.Headers["Authorization"], await reader.ReadToEndAsync()));
            // Left open until the end: the caller's time-out must do it.
            if (Hangs) continue;
            context.Response.StatusCode = Status(_calls.Count);
            context.Response.Close();
        }
    }
}
