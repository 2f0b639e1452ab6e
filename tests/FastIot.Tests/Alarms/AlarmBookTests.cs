using System.Text;
using FastIot.Alarms;

namespace FastIot.Tests.Alarms;

/// <summary>Which messages are due, by a clock that the test sets.</summary>
public sealed class AlarmBookTests : IDisposable
{
    private static readonly AlarmDelivery s_delivery = new() { Url = new Uri("http://localhost/"), Wait = TimeSpan.FromSeconds(5), Interval = TimeSpan.FromMinutes(5) };

    private readonly AlarmRig _rig = new("plant1-a", "plant1-b", "plant1-c:vibration", "plant2-a");
    private readonly AlarmCounters _counters = new();
    private readonly AlarmBook _book;
    private DateTimeOffset _now = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);

    public AlarmBookTests() => _book = new AlarmBook(s_delivery, _counters);

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void What_has_location_and_metric_in_common_is_one_message_after_the_wait()
    {
        foreach (string sensor in new[] { "plant1-a", "plant1-b", "plant1-c", "plant2-a" }) _book.Take(_rig.Episode(sensor), _now);
        Assert.Empty(Due(4));
        Assert.Equal(["Opened plant1 temperature 2", "Opened plant1 vibration 1", "Opened plant2 temperature 1"], Due(1).Select(Text).Order());
    }

    [Fact]
    public void A_group_that_goes_on_is_told_once_an_interval_whatever_joins_it_and_its_end_once()
    {
        AlarmEpisode a = _rig.Episode("plant1-a"), b = _rig.Episode("plant1-b");
        _book.Take(a, _now);
        Assert.Equal(["Opened plant1 temperature 1"], Tell(5));
        _book.Take(b, _now);
        Assert.Empty(Tell(200));
        a.End();
        _book.Take(a, _now);
        Assert.Equal(["Ongoing plant1 temperature 1"], Tell(100));
        Assert.Empty(Tell(299));
        Assert.Equal(["Ongoing plant1 temperature 1"], Tell(1));
        b.End();
        _book.Take(b, _now);
        Assert.Empty(Tell(4));
        Assert.Equal(["Resolved plant1 temperature 0"], Tell(1));
        Assert.Equal(0, _book.Groups);
        Assert.Empty(Tell(3600));
    }

    [Fact]
    public void An_episode_that_is_over_before_it_could_be_told_is_told_all_the_same_and_resolved()
    {
        AlarmEpisode a = _rig.Episode("plant1-a");
        a.End();
        _book.Take(a, _now);
        Assert.Equal(["Opened plant1 temperature 0"], Tell(5));
        Assert.Equal(["Resolved plant1 temperature 0"], Tell(1));
    }

    [Fact]
    public void Opening_again_within_the_wait_is_neither_an_all_clear_nor_news()
    {
        AlarmEpisode a = _rig.Episode("plant1-a");
        _book.Take(a, _now);
        Tell(5);
        a.End();
        _book.Take(a, _now);
        Assert.Empty(Tell(3));
        _book.Take(_rig.Episode("plant1-b"), _now);
        Assert.Empty(Tell(60));
        Assert.Equal(["Ongoing plant1 temperature 1"], Tell(300));
    }

    [Fact]
    public void A_message_that_did_not_arrive_is_due_again_after_the_interval_and_given_up_an_hour_behind_the_end()
    {
        AlarmEpisode a = _rig.Episode("plant1-a");
        _book.Take(a, _now);
        _now += TimeSpan.FromSeconds(5);
        foreach (int round in Enumerable.Range(0, 3))
        {
            AlarmMessage message = Assert.Single(_book.Due(_now, 50));
            Assert.Equal(AlarmStatus.Opened, message.Status);
            Assert.Empty(_book.Due(_now, 50));
            _book.Told(message, arrived: false, _now);
            Assert.Empty(Due(299));
            _now += TimeSpan.FromSeconds(1);
        }

        a.End();
        _book.Take(a, _now);
        Assert.Equal("Opened plant1 temperature 0", Text(Assert.Single(_book.Due(_now, 50))));
        _book.Told(new AlarmMessage(a.Group!, AlarmStatus.Opened), arrived: false, _now);
        Assert.Empty(Due(3700));
        Assert.Equal(0, _book.Groups);
    }

    [Fact]
    public void Urgent_messages_come_first_and_what_has_no_room_comes_later()
    {
        AlarmEpisode old = _rig.Episode("plant2-a");
        _book.Take(old, _now);
        Tell(5);
        old.End();
        _book.Take(old, _now);
        _now += TimeSpan.FromSeconds(5);
        _book.Take(_rig.Episode("plant1-a"), _now - TimeSpan.FromSeconds(5));
        AlarmMessage first = Assert.Single(_book.Due(_now, 1));
        Assert.Equal("Opened plant1 temperature 1", Text(first));
        Assert.Equal("Resolved plant2 temperature 0", Text(Assert.Single(_book.Due(_now, 1))));
    }

    [Fact]
    public void What_is_silenced_is_not_told_until_the_silence_is_over_and_what_was_told_is_resolved_all_the_same()
    {
        Silence("""[{ "sensors": "plant1-*", "metric": "temperature", "until": "2026-11-28T12:20:00Z", "comment": "calibration" }]""");
        AlarmEpisode a = _rig.Episode("plant1-a");
        _book.Take(a, _now);
        _book.Take(_rig.Episode("plant1-c"), _now);
        Assert.Equal(["Opened plant1 vibration 1"], Tell(5));
        Tell(600);
        Assert.Equal(1, _counters.Silenced);
        Assert.DoesNotContain(Tell(500), m => m.Contains("temperature", StringComparison.Ordinal));
        Assert.Contains("Opened plant1 temperature 1", Tell(120));

        Silence("""[{ "sensors": "*" }]""");
        Assert.Empty(Tell(330));
        a.End();
        _book.Take(a, _now);
        Assert.Equal(["Resolved plant1 temperature 0"], Tell(5));
    }

    [Fact]
    public void Whose_partition_is_another_instances_is_not_resolved_here_and_goes_on_if_it_comes_back()
    {
        AlarmEpisode a = _rig.Episode("plant1-a");
        _book.Take(a, _now);
        Tell(5);
        a.Leave();
        _book.Take(a, _now);
        Assert.Empty(Tell(60));
        AlarmEpisode again = _rig.Episode("plant1-a", isKnown: true);
        _book.Take(again, _now);
        Assert.Empty(Tell(60));
        again.End();
        _book.Take(again, _now);
        Assert.Equal(["Resolved plant1 temperature 0"], Tell(5));

        AlarmEpisode b = _rig.Episode("plant2-a");
        _book.Take(b, _now);
        Tell(5);
        b.Leave();
        _book.Take(b, _now);
        Assert.Empty(Tell(60));
        Assert.Empty(Tell(601));
        Assert.Equal(0, _book.Groups);
    }

    [Fact]
    public void An_episode_of_the_life_before_goes_on_and_does_not_open()
    {
        _book.Take(_rig.Episode("plant1-a", isKnown: true), _now);
        Assert.Equal(["Ongoing plant1 temperature 1"], Tell(0));
    }

    [Fact]
    public void An_episode_of_which_nothing_is_heard_is_over_after_half_an_hour()
    {
        _book.Take(_rig.Episode("plant1-a"), _now);
        Assert.Equal(["Opened plant1 temperature 1"], Tell(5));
        for (int i = 0; i < 5; i++) Assert.Equal(["Ongoing plant1 temperature 1"], Tell(300));
        Assert.Empty(Tell(300));
        Assert.Equal(["Resolved plant1 temperature 0"], Tell(5));
    }

    [Fact]
    public void Groups_are_bounded_and_what_has_no_room_is_counted_and_may_be_offered_again()
    {
        var book = new AlarmBook(s_delivery with { MaxGroups = 1 }, _counters);
        AlarmEpisode second = _rig.Episode("plant2-a");
        second.IsHandedOver = true;
        book.Take(_rig.Episode("plant1-a"), _now);
        book.Take(second, _now);
        Assert.Equal((1, 1L, false), (book.Groups, _counters.Dropped, second.IsHandedOver));
    }

    private void Silence(string json) => _book.Silences = Silences.Parse(Encoding.UTF8.GetBytes(json));

    private List<AlarmMessage> Due(int seconds)
    {
        _now += TimeSpan.FromSeconds(seconds);
        return _book.Due(_now, 50);
    }

    /// <summary>Lets time pass; what is due then arrives.</summary>
    private string[] Tell(int seconds)
    {
        List<AlarmMessage> due = Due(seconds);
        string[] texts = [.. due.Select(Text)];
        foreach (AlarmMessage message in due) _book.Told(message, arrived: true, _now);
        return texts;
    }

    private static string Text(AlarmMessage message) => $"{message.Status} {string.Join(' ', message.Group.Labels.Select(l => l.Value))} {message.Group.Open}";
}
