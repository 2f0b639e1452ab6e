namespace FastIot.Cli;

/// <summary>Totals at one moment, from which rates are made.</summary>
internal readonly record struct ProgressFigures(long Readings, long Windows, long Anomalies, long Lag, LatencySummary? Latency);

/// <summary>
/// Shows how it goes: on a terminal one line that is rewritten twice a second, elsewhere a plain line now and then.
/// </summary>
internal sealed class ProgressLine(Terminal terminal, TimeProvider? time = null)
{
    private static readonly TimeSpan s_liveInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_plainInterval = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly long _started = (time ?? TimeProvider.System).GetTimestamp();
    private ProgressFigures _last;
    private TimeSpan _shownAt;
    private int _width;

    /// <summary>Shows the figures if it is time to.</summary>
    public void Update(in ProgressFigures now)
    {
        TimeSpan elapsed = _time.GetElapsedTime(_started), since = elapsed - _shownAt;
        if (since < (terminal.Live ? s_liveInterval : s_plainInterval)) return;
        Show(Format(elapsed, since.TotalSeconds, now));
        (_last, _shownAt) = (now, elapsed);
    }

    /// <summary>Rates begin anew from these figures: what came before is not part of them.</summary>
    public void Restart(in ProgressFigures now) => (_last, _shownAt) = (now, _time.GetElapsedTime(_started));

    /// <summary>Says something else without leaving half a line behind.</summary>
    public void Say(string line)
    {
        Clear();
        terminal.Error.WriteLine(line);
    }

    /// <summary>Removes the line from the terminal.</summary>
    public void Clear()
    {
        if (_width == 0) return;
        terminal.Error.Write("\r" + new string(' ', _width) + "\r");
        terminal.Error.Flush();
        _width = 0;
    }

    private void Show(string line)
    {
        if (!terminal.Live)
        {
            terminal.Error.WriteLine(line);
            return;
        }

        terminal.Error.Write("\r" + line.PadRight(_width));
        terminal.Error.Flush();
        _width = line.Length;
    }

    private string Format(TimeSpan elapsed, double seconds, in ProgressFigures now)
    {
        string line =
            $"{elapsed.TotalSeconds,4:0} s  {(now.Readings - _last.Readings) / seconds,9:N0} readings/s  {(now.Windows - _last.Windows) / seconds,7:N0} windows/s  {(now.Anomalies - _last.Anomalies) / seconds,4:N0} anomalies/s  lag {now.Lag:N0}";
        return now.Latency is not { Count: > 0 } l ? line : $"{line}  latency {l.P50Ms:0}/{l.P95Ms:0}/{l.P99Ms:0} ms";
    }
}
