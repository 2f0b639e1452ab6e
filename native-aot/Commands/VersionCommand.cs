using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;

namespace FastIot.Cli.Commands;

/// <summary>What this binary is. Loads no native library: it answers within milliseconds.</summary>
internal static class VersionCommand
{
    /// <summary>"0.1.0+commit".</summary>
    public static string Version => typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    public static Command Create(Terminal terminal)
    {
        var command = new Command("version", "Print the version, the runtime and the vector width in use");
        var json = new Option<bool>("--json") { Description = "Print one JSON object" };
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            // The JIT build has the managed assembly beside it; RuntimeFeature answers "no dynamic code" for both.
            string compiler = File.Exists(Path.Combine(AppContext.BaseDirectory, "fastiot.dll")) ? "JIT" : "native";
            terminal.Out.WriteLine(parsed.GetValue(json)
                ? SummaryJson.Write(new VersionSummary(Version, RuntimeInformation.RuntimeIdentifier, RuntimeInformation.FrameworkDescription, compiler, Simd.Name))
                : $"fastiot {Version} ({RuntimeInformation.RuntimeIdentifier}, {RuntimeInformation.FrameworkDescription} {compiler}, vectors {Simd.Name})");
            return ExitCode.Success;
        });
        return command;
    }
}
