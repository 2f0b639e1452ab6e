using System.Text;
using FastIot.Alarms;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Alarms;

/// <summary>Patterns, silences and locations, and the files they come from.</summary>
public sealed class AlarmFilesTests
{
    [Theory]
    [InlineData("*", "", true)]
    [InlineData("*", "anything", true)]
    [InlineData("a*", "b", false)]
    [InlineData("plant1-*", "plant1-line2-7", true)]
    [InlineData("plant1-*", "plant10-line2-7", false)]
    [InlineData("*-7", "plant1-7-77", false)]
    [InlineData("*-7", "plant1-7-7", true)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("a*b*c", "a-b-b-c", true)]
    [InlineData("a*b*c", "acb", false)]
    [InlineData("a", "ab", false)]
    public void Patterns(string pattern, string sensor, bool matches) => Assert.Equal(matches, new SensorPattern(pattern).Matches(sensor));

    [Theory]
    [InlineData("plant*-line*-*", "plant1-line22-pump-7", "1/22")]
    [InlineData("plant*", "plant", "/{2}")]
    public void Stars_fill_in_the_location(string pattern, string sensor, string location) => Assert.Equal(location, new SensorPattern(pattern).Fill(sensor, "{1}/{2}"));

    [Fact]
    public void A_location_is_the_first_patterns_else_the_ids_beginning()
    {
        Locations locations = Locations.Parse("""{ "pump*": "pumps", "pump1-*": "never", /* the old hall */ "h1-*-*": "hall {1}", }"""u8.ToArray());
        Assert.Equal(["pumps", "hall 3", "h2.row4", "cellar", ""], new[] { "pump1-2", "h1-3-9", "h2.row4.t", "cellar_7", "lonely" }.Select(locations.Of));
        Assert.Equal("plant1-line2", Locations.None.Of("plant1-line2-7"));
    }

    [Theory]
    [InlineData("2026-12-01T05:59:59Z", false)]
    [InlineData("2026-12-01T06:00:00Z", true)]
    [InlineData("2026-12-01T23:59:00+02:00", true)]
    [InlineData("2026-12-02T06:00:00Z", false)]
    public void A_silence_has_a_beginning_and_an_end(string now, bool covered)
    {
        Silences silences = Silences.Parse("""[{ "sensors": "a*", "from": "2026-12-01T06:00Z", "until": "2026-12-02T06:00:00Z" }]"""u8.ToArray());
        Assert.Equal(covered, silences.Cover(new EpisodeKey("ab", "temperature", 0), DateTimeOffset.Parse(now, System.Globalization.CultureInfo.InvariantCulture)));
        Assert.False(silences.Cover(new EpisodeKey("b", "temperature", 0), DateTimeOffset.Parse("2026-12-01T07:00:00Z", System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData(21, false)]
    [InlineData(22, true)]
    [InlineData(3, true)]
    [InlineData(6, false)]
    public void A_silence_may_be_daily_and_over_midnight(int hour, bool covered)
    {
        Silences silences = Silences.Parse("""[{ "sensors": "*", "daily": "22:00-06:00" }]"""u8.ToArray());
        Assert.Equal(covered, silences.Cover(new EpisodeKey("a", "", 0), new DateTimeOffset(2026, 12, 1, hour, 0, 0, TimeSpan.Zero)));
    }

    [Theory]
    [InlineData("{}", "an array")]
    [InlineData("""[{}]""", "needs \"sensors\"")]
    [InlineData("""[{ "sensor": "a" }]""", "has no \"sensor\"")]
    [InlineData("""[{ "sensors": 3 }]""", "must be a text")]
    [InlineData("""[{ "sensors": "a", "until": "tomorrow" }]""", "2026-12-01T06:00:00Z")]
    [InlineData("""[{ "sensors": "a", "daily": "25:00-26:00" }]""", "time of day")]
    [InlineData("""[{ "sensors": "a", "from": "2026-12-01T06:00Z", "until": "2026-11-01T06:00Z" }]""", "before it begins")]
    public void A_silence_that_would_not_do_what_was_meant_is_refused(string json, string says) =>
        Assert.Contains(says, Assert.Throws<FormatException>(() => Silences.Parse(Encoding.UTF8.GetBytes(json))).Message);

    [Fact]
    public void A_file_is_read_again_when_it_changes_and_one_that_is_broken_changes_nothing()
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, """[{ "sensors": "a" }]""");
        var file = new WatchedFile<Silences>(path, Silences.Parse, Silences.None, NullLogger.Instance);
        bool Covers(string sensor) => file.Value.Cover(new EpisodeKey(sensor, "", 0), DateTimeOffset.UtcNow);
        Assert.True(Covers("a"));
        File.WriteAllText(path, """[{ "sensors": "longer" }]""");
        file.Refresh();
        Assert.Equal((false, true), (Covers("a"), Covers("longer")));
        File.WriteAllText(path, """[{ "sensors": "longer" """);
        file.Refresh();
        Assert.True(Covers("longer"));
        File.Delete(path);
        file.Refresh();
        Assert.True(Covers("longer"));
        Assert.Contains(path, Assert.ThrowsAny<IOException>(() => new WatchedFile<Silences>(path, Silences.Parse, Silences.None, NullLogger.Instance)).Message);
    }
}
