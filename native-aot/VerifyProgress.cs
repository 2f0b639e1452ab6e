using System.Diagnostics;
using FastIot.Verification;

namespace FastIot.Cli;

/// <summary>The bar of <c>verify</c>: rewritten on a terminal, a plain line now and then elsewhere. Called from several threads.</summary>
internal sealed class VerifyProgress(Terminal terminal)
{
    private const int Cells = 30;

    private readonly Lock _lock = new();
    private readonly Stopwatch _since = Stopwatch.StartNew();
    private readonly TimeSpan _interval = terminal.Live ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromSeconds(10);
    private int _width;

    public void Update(double share, VerifyReport report)
    {
        lock (_lock)
        {
            if (_since.Elapsed < _interval) return;
            _since.Restart();
            int full = (int)(Math.Clamp(share, 0, 1) * Cells);
            string line = $"[{new string('#', full)}{new string('.', Cells - full)}] {share,4:P0}  {report.Rows.Checked:N0} rows, {report.Anomalies.Checked:N0} anomalies checked, {report.Findings.Count:N0} findings";
            if (terminal.Live) terminal.Error.Write("\r" + line.PadRight(_width));
            else terminal.Error.WriteLine(line);
            terminal.Error.Flush();
            _width = line.Length;
        }
    }

    /// <summary>Removes the bar from the terminal.</summary>
    public void Clear()
    {
        if (!terminal.Live || _width == 0) return;
        terminal.Error.Write("\r" + new string(' ', _width) + "\r");
        terminal.Error.Flush();
    }
}
