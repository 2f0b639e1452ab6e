using FastIot.Cli;

namespace FastIot.Tests.Cli;

public sealed class ProgressLineTests
{
    private readonly StringWriter _error = new();
    private readonly ManualTime _time = new();

    [Fact]
    public void On_a_terminal_one_line_is_rewritten_twice_a_second()
    {
        var progress = new ProgressLine(Terminal(live: true), _time);
        _time.Advance(0.2);
        progress.Update(default);
        Assert.Equal("", _error.ToString());
        _time.Advance(0.8);
        progress.Update(new ProgressFigures(1000, 10, 1, 5, new LatencySummary(3, 10, 20, 30, 40)));
        Assert.StartsWith("\r   1 s      1,000 readings/s       10 windows/s     1 anomalies/s  lag 5  latency 10/20/30 ms", _error.ToString());
        Assert.DoesNotContain("\n", _error.ToString());
        _time.Advance(0.5);
        progress.Update(new ProgressFigures(1500, 10, 1, 0, null));
        Assert.Contains("\r   2 s      1,000 readings/s        0 windows/s     0 anomalies/s  lag 0", _error.ToString());
    }

    [Fact]
    public void Elsewhere_a_plain_line_comes_every_ten_seconds()
    {
        var progress = new ProgressLine(Terminal(live: false), _time);
        for (int i = 1; i <= 25; i++)
        {
            _time.Advance(1);
            progress.Update(new ProgressFigures(i * 100, 0, 0, 0, null));
        }

        string[] lines = _error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.All(lines, l => Assert.Contains("      100 readings/s", l));
    }

    [Fact]
    public void Rates_begin_anew_after_a_restart()
    {
        var progress = new ProgressLine(Terminal(live: true), _time);
        _time.Advance(5);
        progress.Restart(new ProgressFigures(1_000_000, 0, 0, 0, null));
        _time.Advance(1);
        progress.Update(new ProgressFigures(1_000_200, 0, 0, 0, null));
        Assert.Contains("      200 readings/s", _error.ToString());
    }

    [Fact]
    public void What_is_said_between_stands_on_a_line_of_its_own()
    {
        var progress = new ProgressLine(Terminal(live: true), _time);
        _time.Advance(1);
        progress.Update(default);
        progress.Say("hello");
        Assert.EndsWith(" \rhello" + Environment.NewLine, _error.ToString());
    }

    private Terminal Terminal(bool live) => new(TextWriter.Null, _error, live, new Dictionary<string, string>());

    private sealed class ManualTime : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => _ticks;

        public void Advance(double seconds) => _ticks += (long)(seconds * TimestampFrequency);
    }
}
