using System.Text.Json;
using FastIot.Alarms;
using FastIot.Observe;
using FastIot.Tests.Faults;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Alarms;

/// <summary>From windows that close to calls that arrive, at a server on the loopback.</summary>
public sealed class AlarmNotifierTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly Receiver _receiver = new();
    private readonly AlarmRig _rig = new("plant1-a", "plant1-b", "plant2-a");

    public void Dispose()
    {
        _receiver.Dispose();
        _rig.Dispose();
    }

    [Fact]
    public async Task An_episode_opens_goes_on_and_is_resolved_a_window_behind_its_last_alarm()
    {
        await using var notifier = new AlarmNotifier(Delivery() with { Interval = TimeSpan.FromMilliseconds(300) }, AlarmRig.WindowUs, NullLogger.Instance);
        AlarmTap tap = notifier.AddWorker();
        _rig.Window(tap, 0, isNew: true, "plant1-a");
        _receiver.Await(r => r.Alarms.Contains("opened plant1 1"));
        _rig.Window(tap, 1, isNew: true, "plant1-a", "plant1-b");
        _receiver.Await(r => r.Alarms.Contains("ongoing plant1 2"));
        for (int i = 2; i <= 7; i++) _rig.Window(tap, i, isNew: true);
        Assert.DoesNotContain(_receiver.Alarms, a => a.StartsWith("resolved", StringComparison.Ordinal));
        _rig.Window(tap, 8, isNew: true);
        _receiver.Await(r => r.Alarms[^1] == "resolved plant1 0");

        JsonElement call = JsonDocument.Parse(_receiver.Calls.Single(c => c.Body.Contains("resolved", StringComparison.Ordinal)).Body).RootElement;
        Assert.Equal((1, "fastiot"), (call.GetProperty("version").GetInt32(), call.GetProperty("source").GetString()));
        JsonElement alarm = call.GetProperty("alarms")[0];
        Assert.Equal(2, alarm.GetProperty("episodes").GetInt32());
        Assert.Equal("location plant1, metric temperature: over, 2 episodes (drift)", alarm.GetProperty("summary").GetString());
        Assert.Equal(Time(0), alarm.GetProperty("starts_at").GetDateTimeOffset());
        Assert.Equal(Time(1), alarm.GetProperty("last_alarm").GetDateTimeOffset());
        JsonElement episode = alarm.GetProperty("listed").EnumerateArray().Single(e => e.GetProperty("sensor_id").GetString() == "plant1-a");
        Assert.Equal((2, "drift", 1.5, false), (episode.GetProperty("windows").GetInt32(), episode.GetProperty("kind").GetString(), episode.GetProperty("highest_score").GetDouble(), episode.GetProperty("open").GetBoolean()));
        Assert.Equal((FastIot.Features.FeatureNames.All[0], 7.5), (episode.GetProperty("reasons")[0].GetProperty("feature").GetString(), episode.GetProperty("reasons")[0].GetProperty("deviation").GetDouble()));
        Assert.Single(_receiver.Calls.SelectMany(c => JsonDocument.Parse(c.Body).RootElement.GetProperty("alarms").EnumerateArray()).Select(a => a.GetProperty("fingerprint").GetString()).Distinct());
    }

    [Fact]
    public async Task A_restart_raises_nothing_anew_goes_on_under_the_same_name_and_resolves_what_the_former_life_opened()
    {
        await using (var before = new AlarmNotifier(Delivery(), AlarmRig.WindowUs, NullLogger.Instance))
        {
            AlarmTap tap = before.AddWorker();
            _rig.Window(tap, 0, isNew: true, "plant1-a", "plant2-a");
            _rig.Window(tap, 1, isNew: true, "plant1-a");
            _receiver.Await(r => r.Alarms.Length == 2);
            tap.Forget(0);
        }

        string[] opened = ["opened plant1 1", "opened plant2 1"];
        Assert.Equal(opened, _receiver.Alarms.Order());

        // Windows 2 to 8 were out before; plant2-a's episode has ended among them, and plant1-b's came and went.
        await using var after = new AlarmNotifier(Delivery(), AlarmRig.WindowUs, NullLogger.Instance);
        AlarmTap taken = after.AddWorker();
        for (int i = 2; i <= 8; i++) _rig.Window(taken, i, isNew: false, i == 2 ? ["plant1-a", "plant1-b"] : ["plant1-a"]);
        _rig.Window(taken, 9, isNew: true, "plant1-a");
        _receiver.Await(r => r.Alarms.Length == 3);
        Assert.Equal("ongoing plant1 1", _receiver.Alarms[^1]);
        for (int i = 10; i <= 16; i++) _rig.Window(taken, i, isNew: true);
        _receiver.Await(r => r.Alarms.Length == 4);
        Assert.Equal("resolved plant1 0", _receiver.Alarms[^1]);
        JsonElement[] plant1 = [.. _receiver.Calls.SelectMany(c => JsonDocument.Parse(c.Body).RootElement.GetProperty("alarms").EnumerateArray())
            .Where(a => a.GetProperty("labels").GetProperty("location").GetString() == "plant1")];
        Assert.Equal(3, plant1.Length);
        Assert.Single(plant1.Select(a => (a.GetProperty("fingerprint").GetString(), a.GetProperty("starts_at").GetString())).Distinct());
        Assert.Single(plant1.Select(a => a.GetProperty("listed")[0].GetProperty("episode_start").GetString()).Distinct());
    }

    [Fact]
    public async Task What_does_not_arrive_is_tried_again_then_given_up_and_counted_and_comes_later()
    {
        _receiver.Status = call => call <= 4 ? 503 : 200;
        var log = new StringWriter();
        using ILoggerFactory loggers = LoggerFactory.Create(b => b.AddProvider(new LineLoggerProvider(log, json: false)));
        AlarmDelivery delivery = Delivery() with { Attempts = 3, Interval = TimeSpan.FromMilliseconds(500), Authorization = AlarmDelivery.Credentials("s3cret", "", "") };
        Assert.DoesNotContain("s3cret", delivery.ToString());
        await using (var notifier = new AlarmNotifier(delivery, AlarmRig.WindowUs, loggers.CreateLogger("alarms")))
        {
            _rig.Window(notifier.AddWorker(), 0, isNew: true, "plant1-a");
            _receiver.Await(r => r.Calls.Length >= 5);
            Eventually.Until(() => notifier.Counters.Sent > 0, s_patience, () => log.ToString());
            Assert.Equal((1L, 3L), (notifier.Counters.Failed, notifier.Counters.Retries));
        }

        Assert.All(_receiver.Calls, c => Assert.Equal("Bearer s3cret", c.Authorization));
        Assert.Contains("given up after 3 attempts", log.ToString());
        Assert.Contains("503", log.ToString());
        Assert.DoesNotContain("s3cret", log.ToString());
    }

    [Fact]
    public async Task What_will_never_pass_is_not_tried_again()
    {
        _receiver.Status = _ => 401;
        await using var notifier = new AlarmNotifier(Delivery() with { Authorization = AlarmDelivery.Credentials("", "me", "pass:word") }, AlarmRig.WindowUs, NullLogger.Instance);
        _rig.Window(notifier.AddWorker(), 0, isNew: true, "plant1-a");
        Eventually.Until(() => notifier.Counters.Failed == 1, s_patience, () => $"{_receiver.Calls.Length} calls");
        Assert.Equal("Basic bWU6cGFzczp3b3Jk", Assert.Single(_receiver.Calls).Authorization);
        Assert.Equal(0, notifier.Counters.Retries);
    }

    [Fact]
    public async Task A_receiver_that_does_not_answer_holds_up_neither_the_workers_nor_the_end()
    {
        _receiver.Hangs = true;
        var notifier = new AlarmNotifier(Delivery() with { Timeout = TimeSpan.FromMilliseconds(300), Attempts = 2 }, AlarmRig.WindowUs, NullLogger.Instance);
        AlarmTap tap = notifier.AddWorker();
        _rig.Window(tap, 0, isNew: true, "plant1-a");
        _receiver.Await(r => r.Calls.Length == 2);
        for (int i = 1; i < 1000; i++) _rig.Window(tap, i, isNew: true, "plant1-b");
        Eventually.Until(() => notifier.Counters.Failed >= 1, s_patience, () => "not given up");
        await notifier.DisposeAsync().AsTask().WaitAsync(s_patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_full_queue_drops_counts_and_is_offered_again_with_the_next_window()
    {
        using var many = new AlarmRig([.. Enumerable.Range(0, 100).Select(i => $"hall-{i}")]);
        string[] all = [.. Enumerable.Range(0, 100).Select(i => $"hall-{i}")];
        await using var notifier = new AlarmNotifier(Delivery() with { QueueLength = 30, Interval = TimeSpan.FromMilliseconds(200) }, AlarmRig.WindowUs, NullLogger.Instance);
        AlarmTap tap = notifier.AddWorker();
        many.Window(tap, 0, isNew: true, all);
        Assert.InRange(notifier.Counters.Dropped, 1, 70);
        int window = 0;
        Eventually.Until(() =>
        {
            many.Window(tap, ++window, isNew: true, all);
            return _receiver.Alarms.Any(a => a.EndsWith("hall 100", StringComparison.Ordinal));
        }, s_patience, () => string.Join(", ", _receiver.Alarms));
        Assert.Equal(100, notifier.Counters.Taken);
    }

    [Fact]
    public async Task Calls_are_rationed()
    {
        await using var notifier = new AlarmNotifier(Delivery() with { CallsPerMinute = 6, Interval = TimeSpan.FromMilliseconds(200) }, AlarmRig.WindowUs, NullLogger.Instance);
        AlarmTap tap = notifier.AddWorker();
        _rig.Window(tap, 0, isNew: true, "plant1-a");
        _receiver.Await(r => r.Calls.Length == 1);
        var waited = System.Diagnostics.Stopwatch.StartNew();
        _rig.Window(tap, 1, isNew: true, "plant1-a", "plant2-a");
        _receiver.Await(r => r.Calls.Length == 2);
        Assert.True(waited.Elapsed > TimeSpan.FromSeconds(8), $"the second call came after {waited.Elapsed.TotalSeconds:0.0} s");
        Assert.Equal(["ongoing plant1 1", "opened plant2 1"], _receiver.Alarms[1..].Order());
    }

    [Fact]
    public async Task What_has_just_opened_is_told_before_the_process_ends()
    {
        await using (var notifier = new AlarmNotifier(Delivery() with { Wait = TimeSpan.FromHours(1) }, AlarmRig.WindowUs, NullLogger.Instance))
        {
            AlarmTap tap = notifier.AddWorker();
            _rig.Window(tap, 0, isNew: true, "plant1-a");
            tap.Forget(0);
        }

        Assert.Equal(["opened plant1 0"], _receiver.Alarms);
    }

    [Fact]
    public async Task Windows_allocate_nothing_and_episodes_little()
    {
        await using var notifier = new AlarmNotifier(Delivery(), AlarmRig.WindowUs, NullLogger.Instance);
        AlarmTap tap = notifier.AddWorker();
        Assert.InRange(Measure(tap, 0, "plant1-a"), 1, 4096);
        long going = 0;
        for (int i = 1; i < 300; i++) going += Measure(tap, i, "plant1-a", "plant1-b");
        Assert.InRange(going, 1, 4096);
        going = 0;
        for (int i = 300; i < 600; i++) going += Measure(tap, i, "plant1-a", "plant1-b");
        Assert.Equal(0, going);
    }

    private long Measure(AlarmTap tap, int number, params string[] inAlarm)
    {
        _rig.Fill(number, inAlarm);
        long before = GC.GetAllocatedBytesForCurrentThread();
        _rig.Close(tap, isNew: true);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private AlarmDelivery Delivery() => new()
    {
        Url = new Uri(_receiver.Url),
        Format = AlarmFormat.Webhook,
        Wait = TimeSpan.Zero,
        Interval = TimeSpan.FromMinutes(5),
        CallsPerMinute = 6000,
        Timeout = TimeSpan.FromSeconds(10),
        Backoff = TimeSpan.FromMilliseconds(20),
    };

    private static DateTimeOffset Time(int window) => DateTimeOffset.UnixEpoch.AddTicks((AlarmRig.StartUs + window * AlarmRig.SlideUs) * TimeSpan.TicksPerMicrosecond);
}
