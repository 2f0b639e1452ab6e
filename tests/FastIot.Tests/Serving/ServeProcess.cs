using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using FastIot.Tests.Cli;

namespace FastIot.Tests.Serving;

/// <summary>The native binary's <c>serve</c>, running on a free port.</summary>
internal sealed partial class ServeProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _log = new();
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServeProcess(Process process)
    {
        _process = process;
        process.ErrorDataReceived += (_, line) => Read(line.Data);
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
    }

    public string Url { get; private set; } = "";

    /// <summary>What it says of the time from its start to its readiness.</summary>
    public double StartMs { get; private set; }

    public int Id => _process.Id;

    public string Log
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    /// <summary>Starts it and waits until it serves.</summary>
    /// <param name="models">Null: those beside the binary.</param>
    public static Task<ServeProcess> StartAsync(string? models, params string[] arguments) => StartAsync([], models, arguments);

    public static async Task<ServeProcess> StartAsync((string Name, string Value)[] environment, string? models, params string[] arguments)
    {
        string[] listen = arguments.Contains("--listen") ? [] : ["--listen", "127.0.0.1:0"];
        string[] folder = models == null ? [] : ["--models", models];
        var serve = new ServeProcess(NativeBinary.Start(environment, ["serve", .. folder, .. listen, .. arguments]));
        Task ended = serve._process.WaitForExitAsync(CancellationToken.None);
        await Task.WhenAny(serve._listening.Task, ended).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(serve._listening.Task.IsCompleted, $"serve did not start:{Environment.NewLine}{serve.Log}");
        Match words = Ready().Match(await serve._listening.Task);
        (serve.Url, serve.StartMs) = (words.Groups[1].Value, double.Parse(words.Groups[2].Value));
        return serve;
    }

    /// <summary>SIGTERM, as an operator would.</summary>
    public async Task<int> StopAsync()
    {
        if (!_process.HasExited) Process.Start("kill", ["-TERM", $"{_process.Id}"])!.WaitForExit();
        using var timer = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await _process.WaitForExitAsync(timer.Token);
        return _process.ExitCode;
    }

    /// <summary>Waits until the log has a text; fails when it does not come.</summary>
    public async Task SaysAsync(string text)
    {
        using var timer = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            Task more = Volatile.Read(ref _more).Task;
            if (Log.Contains(text)) return;
            try
            {
                await more.WaitAsync(timer.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"\"{text}\" is not in the log:{Environment.NewLine}{Log}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private void Read(string? line)
    {
        if (line == null) return;
        lock (_log) _log.AppendLine(line);
        if (Ready().IsMatch(line)) _listening.TrySetResult(line);
        Interlocked.Exchange(ref _more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    [GeneratedRegex(@"^(https?://\S+) serves .* \((\d+) ms after the start\)$")]
    private static partial Regex Ready();
}
