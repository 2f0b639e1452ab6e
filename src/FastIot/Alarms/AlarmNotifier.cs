using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace FastIot.Alarms;

/// <summary>
/// Tells people of episodes: at least once and as well as it can. The record of what was found, exactly once, is the topic of anomalies.
/// One task takes what the workers hand over, by a bounded queue that no worker ever waits for, and makes one call at a time.
/// </summary>
public sealed partial class AlarmNotifier : IAsyncDisposable
{
    /// <summary>Messages of one call.</summary>
    private const int MaxMessages = 50;

    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(2);

    /// <summary>For what is due when the process ends.</summary>
    private static readonly TimeSpan s_lastCalls = TimeSpan.FromSeconds(5);

    private readonly AlarmDelivery _delivery;
    private readonly long _windowUs;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly Channel<AlarmEpisode> _queue;
    private readonly AlarmBook _book;
    private readonly AlarmClient _client;
    private readonly WatchedFile<Silences> _silences;
    private readonly WatchedFile<Locations> _locations;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _giveUp = new();
    private readonly Task _running;
    private double _calls;
    private DateTimeOffset _filledAt;
    private DateTimeOffset _lookedAt;

    /// <param name="windowUs">Length of a window: an episode is over that long behind its last alarm.</param>
    /// <exception cref="IOException">The file of silences or of locations cannot be read.</exception>
    /// <exception cref="FormatException">Nor be understood.</exception>
    public AlarmNotifier(AlarmDelivery delivery, long windowUs, ILogger log, TimeProvider? time = null)
    {
        (_delivery, _windowUs, _log, _time) = (delivery, windowUs, log, time ?? TimeProvider.System);
        _silences = new WatchedFile<Silences>(delivery.Silences, Silences.Parse, Silences.None, log);
        _locations = new WatchedFile<Locations>(delivery.Locations, Locations.Parse, Locations.None, log);
        _queue = Channel.CreateBounded<AlarmEpisode>(new BoundedChannelOptions(delivery.QueueLength) { SingleReader = true });
        _book = new AlarmBook(delivery, Counters);
        _client = new AlarmClient(delivery, Counters, log);
        _calls = MaxCalls;
        _filledAt = _lookedAt = _time.GetUtcNow();
        ReadFiles();
        _running = RunAsync();
    }

    public AlarmCounters Counters { get; } = new();

    /// <summary>Calls that may follow each other at once: those of ten seconds.</summary>
    private double MaxCalls => Math.Max(1, _delivery.CallsPerMinute / 6.0);

    internal AlarmTap AddWorker() => new(this, _windowUs);

    /// <summary>Never waits.</summary>
    /// <returns>False when the queue is full.</returns>
    internal bool Offer(AlarmEpisode episode)
    {
        bool taken = _queue.Writer.TryWrite(episode);
        if (taken) Counters.Take();
        else Counters.Drop();
        return taken;
    }

    internal void Drop() => Counters.Drop();

    /// <summary>Tells what has just opened, within a few seconds; the workers have ended before.</summary>
    public async ValueTask DisposeAsync()
    {
        _giveUp.CancelAfter(s_lastCalls);
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _client.Dispose();
        _stopping.Dispose();
        _giveUp.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await TickAsync().ConfigureAwait(false);
            await LastAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Whoever disposes gets it too; but people should not wait in vain until then.
            Ended(_log, e);
            throw;
        }
    }

    private async Task TickAsync()
    {
        using var timer = new PeriodicTimer(s_tick, _time);
        List<AlarmMessage> underWay = [];
        Task<bool> sending = Task.FromResult(true);
        while (!_stopping.IsCancellationRequested)
        {
            DateTimeOffset now = _time.GetUtcNow();
            if (now - _lookedAt >= s_look) Look(now);
            Take(now);
            if (sending.IsCompleted)
            {
                Told(underWay, await sending.ConfigureAwait(false), now);
                underWay = MayCall(now) ? _book.Due(now, MaxMessages) : [];
                if (underWay.Count > 0) sending = SendAsync(underWay, now, _delivery.Attempts);
            }

            Counters.Groups = _book.Groups;
            await NextAsync(timer).ConfigureAwait(false);
        }

        Told(underWay, await sending.ConfigureAwait(false), _time.GetUtcNow());
    }

    private async Task NextAsync(PeriodicTimer timer)
    {
        try
        {
            await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The end.
        }
    }

    private async Task LastAsync()
    {
        while (!_giveUp.IsCancellationRequested)
        {
            DateTimeOffset now = _time.GetUtcNow();
            Take(now);
            List<AlarmMessage> due = _book.Due(now, MaxMessages, atEnd: true);
            // One try: what does not arrive is the next life's, as going on.
            if (due.Count == 0 || !await SendAsync(due, now, attempts: 1).ConfigureAwait(false)) return;
            Told(due, arrived: true, now);
        }
    }

    private async Task<bool> SendAsync(List<AlarmMessage> messages, DateTimeOffset now, int attempts)
    {
        _calls--;
        byte[] body = AlarmBody.Write(_delivery.Format, messages, now, 3 * _delivery.Interval);
        bool arrived = await _client.PostAsync(body, attempts, _giveUp.Token).ConfigureAwait(false);
        if (arrived) Counters.Send(messages.Count);
        else Counters.Fail(messages.Count);
        return arrived;
    }

    private void Told(List<AlarmMessage> messages, bool arrived, DateTimeOffset now)
    {
        foreach (AlarmMessage message in messages) _book.Told(message, arrived, now);
    }

    private void Take(DateTimeOffset now)
    {
        while (_queue.Reader.TryRead(out AlarmEpisode? episode)) _book.Take(episode, now);
    }

    private bool MayCall(DateTimeOffset now)
    {
        _calls = Math.Min(MaxCalls, _calls + (now - _filledAt).TotalMinutes * _delivery.CallsPerMinute);
        _filledAt = now;
        return _calls >= 1;
    }

    private void Look(DateTimeOffset now)
    {
        _lookedAt = now;
        _silences.Refresh();
        _locations.Refresh();
        ReadFiles();
    }

    private void ReadFiles() => (_book.Silences, _book.Locations) = (_silences.Value, _locations.Value);

    [LoggerMessage(Level = LogLevel.Critical, Message = "alarms to people have ended by a mistake of this program: nobody is told any more")]
    private static partial void Ended(ILogger log, Exception mistake);
}
