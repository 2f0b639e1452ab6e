using System.Diagnostics;

namespace FastIot.Training;

/// <summary>What is going on, how far it is and how long it will take: a bar that is redrawn on a terminal, a line every tenth elsewhere.</summary>
internal sealed class TrainingProgress(TextWriter output, bool live)
{
    private const int Cells = 24;

    private readonly Lock _lock = new();
    private readonly Stopwatch _clock = new();
    private string _stage = "";
    private double _from;
    private int _lastTenth;

    public void Say(string line)
    {
        lock (_lock) output.WriteLine(live ? $"\r{line}\x1b[K" : line);
    }

    /// <param name="from">Share that was done before, by an earlier run.</param>
    public void Begin(string stage, double from = 0)
    {
        lock (_lock)
        {
            _stage = stage;
            _from = from;
            _lastTenth = (int)(from * 10);
            _clock.Restart();
        }
    }

    /// <summary>May be called by several threads.</summary>
    public void Report(double share, string detail = "")
    {
        lock (_lock)
        {
            TimeSpan left = share > _from ? _clock.Elapsed * ((1 - share) / (share - _from)) : TimeSpan.Zero;
            string text = share < 1 ? $"{left:mm\\:ss} left" : $"in {_clock.Elapsed:mm\\:ss}";
            if (detail.Length > 0) text = $"{detail}, {text}";
            int cells = (int)(share * Cells);
            if (live) output.Write($"\r{_stage} [{new string('#', cells)}{new string('.', Cells - cells)}] {share,4:P0} {text}\x1b[K{(share >= 1 ? "\n" : "")}");
            else if ((int)(share * 10) > _lastTenth) output.WriteLine($"{_stage}: {share:P0}, {text}");
            _lastTenth = Math.Max(_lastTenth, (int)(share * 10));
        }
    }
}
