using FastIot.Configuration;

namespace FastIot.Tests.Configuration;

public sealed class DurationsTests
{
    [Theory]
    [InlineData("60s", 60_000_000)]
    [InlineData("60 seconds", 60_000_000)]
    [InlineData("1 minute", 60_000_000)]
    [InlineData("1m", 60_000_000)]
    [InlineData("1m30s", 90_000_000)]
    [InlineData("1h 30min", 5_400_000_000)]
    [InlineData("1.5s", 1_500_000)]
    [InlineData("250ms", 250_000)]
    [InlineData("7us", 7)]
    [InlineData("2d", 172_800_000_000)]
    [InlineData("10 SECONDS", 10_000_000)]
    [InlineData("0", 0)]
    [InlineData(" 5s ", 5_000_000)]
    public void Reads_what_people_write(string text, long us) => Assert.Equal(us, Durations.ParseUs(text));

    [Theory]
    [InlineData("60", "has no unit: write 60s")]
    [InlineData("", "expected")]
    [InlineData("s", "is not a duration")]
    [InlineData("-5s", "is not a duration")]
    [InlineData("5 parsecs", "not a unit of time")]
    [InlineData("1.2.3s", "is not a duration")]
    [InlineData("0.1us", "finer than a microsecond")]
    [InlineData("4000d", "more than ten years")]
    public void Refuses_the_rest_and_says_why(string text, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => Durations.ParseUs(text)).Message);
}
