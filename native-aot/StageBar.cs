using System.Diagnostics;

namespace FastIot.Cli;

/// <summary>A bar per stage of something long: rewritten on a terminal, a plain line now and then elsewhere. Safe for use by several threads.</summary>
internal sealed class StageBar(Terminal terminal)
{
    private const int Cells = 30;

    private static readonly TimeSpan s_liveInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_plainInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Stopwatch _stage = new();
    private string? _name;
    private TimeSpan _shown;
    private int _width;

    public void Update(string name, double share)
    {
        lock (_lock)
        {
            bool isNew = name != _name;
            if (isNew)
            {
                EndStage();
                (_name, _shown) = (name, TimeSpan.MinValue);
                _stage.Restart();
            }

            TimeSpan now = _stage.Elapsed;
            if (!isNew && share < 1 && now - _shown < (terminal.Live ? s_liveInterval : s_plainInterval)) return;
            _shown = now;
            string left = share > .02 && share < 1 ? $", {now.TotalSeconds * (1 - share) / share:0} s left" : "";
            if (!terminal.Live)
            {
                if (!isNew && share < 1) terminal.Error.WriteLine($"{name}: {share:P0}{left}");
                return;
            }

            int full = (int)Math.Round(share * Cells);
            string line = $"{name} [{new string('#', full)}{new string('.', Cells - full)}] {share:P0}{left}";
            terminal.Error.Write("\r" + line.PadRight(_width));
            terminal.Error.Flush();
            _width = line.Length;
        }
    }

    /// <summary>Ends the last stage's line.</summary>
    public void End()
    {
        lock (_lock)
        {
            EndStage();
            _name = null;
        }
    }

    private void EndStage()
    {
        if (_name == null) return;
        string done = $"{_name}: {_stage.Elapsed.TotalSeconds:0.0} s";
        terminal.Error.WriteLine(terminal.Live ? "\r" + done.PadRight(_width) : done);
        _width = 0;
    }
}
