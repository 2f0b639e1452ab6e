using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Logging;

namespace FastIot.Alarms;

/// <summary>Makes the calls: each bounded in time, tried again after what may pass, given up after what will not.</summary>
internal sealed partial class AlarmClient : IDisposable
{
    /// <summary>Longest pause between two tries, whatever the receiver wishes.</summary>
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMinutes(1);

    private readonly AlarmDelivery _delivery;
    private readonly AlarmCounters _counters;
    private readonly ILogger _log;
    private readonly HttpClient _http;
    private readonly Uri _url;

    public AlarmClient(AlarmDelivery delivery, AlarmCounters counters, ILogger log)
    {
        (_delivery, _counters, _log) = (delivery, counters, log);
        _url = delivery.Format == AlarmFormat.Alertmanager ? Alerts(delivery.Url) : delivery.Url;
        // No redirections: the credentials are for this receiver. And no answer is read to its end that is not short.
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = delivery.Timeout, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        _http = new HttpClient(handler) { Timeout = delivery.Timeout, MaxResponseContentBufferSize = 64 << 10 };
        if (delivery.Authorization.Length > 0) _http.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(delivery.Authorization);
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("fastiot", null));
    }

    /// <param name="attempts">Tries at most.</param>
    /// <param name="stop">Ends the pauses, and a call under way: then it is given up.</param>
    /// <returns>Whether the receiver has accepted it.</returns>
    public async Task<bool> PostAsync(byte[] body, int attempts, CancellationToken stop)
    {
        for (int attempt = 1; ; attempt++)
        {
            (bool arrived, string trouble, bool mayPass, TimeSpan? wanted) = await TryAsync(body, stop).ConfigureAwait(false);
            if (arrived) return true;
            if (!mayPass || attempt == attempts || stop.IsCancellationRequested)
            {
                GivenUp(_log, _url.Host, attempt, trouble);
                return false;
            }

            _counters.Retry();
            TimeSpan pause = Pause(attempt, wanted);
            TriedAgain(_log, _url.Host, trouble, pause.TotalSeconds);
            try
            {
                await Task.Delay(pause, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                GivenUp(_log, _url.Host, attempt, trouble);
                return false;
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<(bool Arrived, string Trouble, bool MayPass, TimeSpan? Wanted)> TryAsync(byte[] body, CancellationToken stop)
    {
        _counters.Call();
        try
        {
            using var content = new ByteArrayContent(body);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using HttpResponseMessage answer = await _http.PostAsync(_url, content, stop).ConfigureAwait(false);
            if (answer.IsSuccessStatusCode) return (true, "", false, null);
            string said = await answer.Content.ReadAsStringAsync(stop).ConfigureAwait(false);
            bool mayPass = (int)answer.StatusCode >= 500 || answer.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout;
            return (false, $"it answered {(int)answer.StatusCode} {Short(said)}".TrimEnd(), mayPass, answer.Headers.RetryAfter?.Delta);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return (false, "the process ends", false, null);
        }
        catch (OperationCanceledException)
        {
            return (false, $"it did not answer within {_delivery.Timeout.TotalSeconds:0.#} s", true, null);
        }
        catch (HttpRequestException e)
        {
            return (false, e.Message, true, null);
        }
    }

    /// <summary>Doubled each time, and never the same for all who were refused at once.</summary>
    private TimeSpan Pause(int attempt, TimeSpan? wanted)
    {
        double seconds = _delivery.Backoff.TotalSeconds * Math.Pow(2, attempt - 1) * (0.75 + Random.Shared.NextDouble() / 2);
        if (wanted is { } least) seconds = Math.Max(seconds, least.TotalSeconds);
        return TimeSpan.FromSeconds(Math.Min(seconds, s_longestPause.TotalSeconds));
    }

    private static Uri Alerts(Uri url)
    {
        const string path = "/api/v2/alerts";
        string given = url.AbsolutePath.TrimEnd('/');
        return given.EndsWith(path, StringComparison.Ordinal) ? url : new UriBuilder(url) { Path = given + path }.Uri;
    }

    /// <summary>One line of what the receiver says, without what could fool a terminal.</summary>
    private static string Short(string text) => new([.. text.Take(200).Select(c => char.IsControl(c) ? ' ' : c)]);

    [LoggerMessage(Level = LogLevel.Warning, Message = "alarms could not be delivered to {host}, and are sent again in {seconds:0.0} s: {why}")]
    private static partial void TriedAgain(ILogger log, string host, string why, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "alarms could not be delivered to {host} and are given up after {attempts} attempts: {why}")]
    private static partial void GivenUp(ILogger log, string host, int attempts, string why);
}
