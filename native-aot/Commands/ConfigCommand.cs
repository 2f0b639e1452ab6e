using System.CommandLine;
using FastIot.Configuration;

namespace FastIot.Cli.Commands;

/// <summary>Shows what would be in force, and where each value comes from.</summary>
internal static class ConfigCommand
{
    public static Command Create(Terminal terminal)
    {
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var reference = new Option<bool>("--reference") { Description = "Print the reference of all settings (Markdown) instead" };
        var command = new Command("config", "Print the effective configuration, each value with its source; secrets are masked") { json, reference };
        var settings = new SettingFlags(command, Enum.GetValues<SettingGroup>());
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(reference))
            {
                terminal.Out.Write(ConfigurationReference.Markdown());
                return ExitCode.Success;
            }

            EffectiveConfiguration configuration = settings.Load(parsed, terminal);
            terminal.Out.Write(parsed.GetValue(json) ? ConfigurationPrinter.Json(configuration) + "\n" : ConfigurationPrinter.Text(configuration));
            return ExitCode.Success;
        });
        return command;
    }
}
