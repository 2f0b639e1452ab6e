using System.Diagnostics;

namespace FastIot.Tests.Cli;

/// <summary>What a process said and how it ended.</summary>
public sealed record ProcessResult(int ExitCode, string Out, string Error)
{
    public override string ToString() => $"exit code {ExitCode}{Environment.NewLine}{Out}{Environment.NewLine}{Error}";
}

/// <summary>
/// The native binary, published once per test run (a second or two when nothing has changed). Tests that run it are in the collection of the
/// same name, which runs on its own: they would otherwise measure each other.
/// </summary>
[CollectionDefinition(nameof(NativeBinary), DisableParallelization = true)]
public sealed class NativeBinary
{
    private static readonly Lazy<string> s_path = new(Publish);

    /// <summary>Full path of the published fastiot. Skips the test where there is no C compiler to link with.</summary>
    public static string Path
    {
        get
        {
            TestEnvironment.Tool("gcc", "gcc");
            return s_path.Value;
        }
    }

    /// <summary>Runs it to its end.</summary>
    public static Task<ProcessResult> RunAsync(params string[] arguments) => RunAsync([], arguments);

    public static async Task<ProcessResult> RunAsync((string Name, string Value)[] environment, string[] arguments)
    {
        using Process process = Start(environment, arguments);
        return await EndAsync(process, TimeSpan.FromMinutes(5));
    }

    /// <summary>Starts it with an environment that has none of the tests' own variables.</summary>
    public static Process Start((string Name, string Value)[] environment, params string[] arguments) => StartWith(Path, environment, arguments);

    /// <summary>The same by way of another program, which limits or watches it.</summary>
    public static Process StartWith(string program, (string Name, string Value)[] environment, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string name in start.Environment.Keys.Where(k => k.StartsWith("FASTIOT_", StringComparison.Ordinal)).ToList()) start.Environment.Remove(name);
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        Process process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    /// <summary>Waits for its end; kills it after the time-out, which fails the test.</summary>
    public static async Task<ProcessResult> EndAsync(Process process, TimeSpan timeout)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timer.CancelAfter(timeout);
        try
        {
            await process.WaitForExitAsync(timer.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"still running after {timeout.TotalSeconds:0} s: {string.Join(' ', process.StartInfo.ArgumentList)}{Environment.NewLine}{await output}{await error}");
        }

        return new ProcessResult(process.ExitCode, await output, await error);
    }

    private static string Publish()
    {
        string folder = System.IO.Path.Combine(TestEnvironment.Root, "artifacts", "native");
        // No build servers: they would inherit the pipes and keep them open.
        string[] arguments = ["publish", "native-aot", "-c", "Release", "-o", folder, "-nodeReuse:false", "-p:UseSharedCompilation=false", "-v", "quiet"];
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = TestEnvironment.Root, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"dotnet publish native-aot failed:{Environment.NewLine}{output}{error.Result}");
        return System.IO.Path.Combine(folder, "fastiot");
    }
}
