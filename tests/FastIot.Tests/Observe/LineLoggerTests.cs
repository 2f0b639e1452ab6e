using System.Text.Json;
using FastIot.Observe;
using Microsoft.Extensions.Logging;

namespace FastIot.Tests.Observe;

public sealed class LineLoggerTests
{
    private readonly StringWriter _output = new();

    [Fact]
    public void Text_is_one_line_per_event_with_time_and_level()
    {
        ILogger log = Logger(json: false);
        log.LogWarning("partition {partition} paused\nfor a while", 3);
        log.LogInformation("second");
        string[] lines = Lines();
        Assert.Equal(2, lines.Length);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warn  partition 3 paused for a while$", lines[0]);
        Assert.EndsWith("info  second", lines[1]);
    }

    [Fact]
    public void Json_has_the_message_and_its_values_as_members()
    {
        Logger(json: true).LogError(new InvalidOperationException("broken"), "partition {partition} failed: \"{why}\"", 3, "x");
        JsonElement line = JsonDocument.Parse(Assert.Single(Lines())).RootElement;
        Assert.Equal("error", line.GetProperty("level").GetString());
        Assert.Equal("partition 3 failed: \"x\"", line.GetProperty("message").GetString());
        Assert.Equal("3", line.GetProperty("partition").GetString());
        Assert.Equal("tests", line.GetProperty("category").GetString());
        Assert.Contains("broken", line.GetProperty("exception").GetString());
    }

    [Fact]
    public void Text_shows_the_exception_below_the_line()
    {
        Logger(json: false).LogError(new InvalidOperationException("broken"), "failed");
        Assert.Equal("System.InvalidOperationException: broken", Lines()[1]);
    }

    private ILogger Logger(bool json) => new LineLoggerProvider(_output, json).CreateLogger("tests");

    private string[] Lines() => _output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
}
