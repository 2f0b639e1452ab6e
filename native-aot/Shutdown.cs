using System.Runtime.InteropServices;

namespace FastIot.Cli;

/// <summary>
/// SIGTERM or SIGINT asks for an orderly end; a second one ends the process at once. Once asked, the end may take as long as the drain
/// time-out says.
/// </summary>
internal sealed partial class Shutdown : IDisposable
{
    private readonly Terminal _terminal;
    private readonly TimeSpan _drainTimeout;
    private readonly CancellationTokenSource _requested = new();
    private readonly PosixSignalRegistration _interrupt, _terminate;
    private int _signals;

    public Shutdown(Terminal terminal, TimeSpan drainTimeout)
    {
        (_terminal, _drainTimeout) = (terminal, drainTimeout);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
    }

    /// <summary>Cancelled by the first signal, or by <see cref="Request"/>.</summary>
    public CancellationToken Requested => _requested.Token;

    /// <summary>Asks for the orderly end as a signal would.</summary>
    public void Request() => _requested.Cancel();

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _requested.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        string name = context.Signal == PosixSignal.SIGINT ? "SIGINT" : "SIGTERM";
        if (Interlocked.Increment(ref _signals) > 1)
        {
            _terminal.Error.WriteLine($"{name} again: ending at once");
            _terminal.Error.Flush();
            // Not Environment.Exit: destructors of native libraries must not run below their own busy threads.
            ExitNow(ExitCode.SignalBase + (context.Signal == PosixSignal.SIGINT ? 2 : 15));
        }

        _terminal.Error.WriteLine($"{name}: finishing what is begun, at most {_drainTimeout.TotalSeconds:0.#} s; once more to end at once");
        _requested.Cancel();
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitNow(int code);
}
