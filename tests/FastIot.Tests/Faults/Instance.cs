using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using FastIot.Tests.Cli;

namespace FastIot.Tests.Faults;

/// <summary>A native <c>fastiot</c> that runs beside the test, with what it says, and signals to treat it badly.</summary>
internal sealed partial class Instance : IDisposable
{
    public const int Kill = 9, Terminate = 15, Continue = 18, Stop = 19;

    private readonly Process _process;
    private readonly StringBuilder _said = new();

    public Instance((string Name, string Value)[] environment, params string[] arguments)
    {
        _process = NativeBinary.Start(environment, arguments);
        _process.OutputDataReceived += (_, line) => Hear(line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public bool HasExited => _process.HasExited;

    /// <summary>128 and the signal's number where a signal ended it.</summary>
    public int ExitCode => _process.ExitCode;

    public string Said
    {
        get
        {
            lock (_said) return _said.ToString();
        }
    }

    /// <summary>Whether the kernel has halted it (SIGSTOP).</summary>
    public bool IsHalted => !_process.HasExited && File.ReadAllText($"/proc/{_process.Id}/stat") is { } stat && stat[(stat.LastIndexOf(')') + 2)..].StartsWith('T');

    public void Signal(int signal) => _ = SendSignal(_process.Id, signal);

    public void AwaitSaid(string text, TimeSpan patience) => Eventually.Until(() => Said.Contains(text, StringComparison.Ordinal), patience, () => $"\"{text}\" was not said, but: {Said}");

    public void AwaitExit(TimeSpan patience)
    {
        Eventually.Until(() => _process.HasExited, patience, () => $"still running: {Said}");
        _process.WaitForExit();
    }

    /// <summary>Ends it in order.</summary>
    public void End(TimeSpan patience)
    {
        Signal(Terminate);
        AwaitExit(patience);
        Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Said}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Signal(Kill);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private void Hear(string? line)
    {
        if (line == null) return;
        lock (_said) _said.AppendLine(line);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
