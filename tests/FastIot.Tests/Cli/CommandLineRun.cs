using FastIot.Cli;

namespace FastIot.Tests.Cli;

/// <summary>Runs commands within the test's process.</summary>
internal static class CommandLineRun
{
    public static ProcessResult Run(params string[] arguments) => Run([], arguments);

    public static ProcessResult Run((string Name, string Value)[] environment, string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal(output, TextWriter.Synchronized(error), Live: false, environment.ToDictionary(v => v.Name, v => v.Value));
        int exitCode = FastIot.Cli.CommandLine.Run(arguments, terminal);
        return new ProcessResult(exitCode, output.ToString(), error.ToString());
    }
}
