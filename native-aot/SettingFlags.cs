using System.CommandLine;
using System.CommandLine.Parsing;
using FastIot.Configuration;

namespace FastIot.Cli;

/// <summary>Flags for the settings that a command uses, made from their table.</summary>
internal sealed class SettingFlags
{
    private static readonly Option<string> s_file = new("--config")
    {
        Description = $"Configuration file (JSON); environment and flags are stronger [{ConfigurationLoader.FileVariable}]",
        HelpName = "file",
    };

    private readonly List<(string Flag, Option<string> Option)> _options = [];
    private readonly Option<string[]>? _properties;
    private readonly SettingGroup[] _groups;

    /// <param name="command">Gets the flags.</param>
    /// <param name="groups">Groups of settings that the command uses.</param>
    public SettingFlags(Command command, params SettingGroup[] groups)
        : this(command, groups, [])
    {
    }

    /// <param name="without">Settings of these groups that are read from file and environment only: the command has its own flag.</param>
    public SettingFlags(Command command, SettingGroup[] groups, string[] without)
    {
        _groups = groups;
        command.Options.Add(s_file);
        foreach (Setting setting in Settings.All.Where(s => groups.Contains(s.Group) && !without.Contains(s.Key)))
        {
            if (setting.Flag != null) Add(command, setting.Flag, Describe(setting), setting.Type);
            if (setting.FileFlag != null) Add(command, setting.FileFlag, $"File that holds the {setting.Help.ToLowerInvariant()}", "file");
        }

        if (!groups.Contains(SettingGroup.Kafka)) return;
        _properties = new Option<string[]>("--" + ConfigurationLoader.KafkaPropertyFlag)
        {
            Description = "Any of librdkafka's own properties; may be repeated",
            HelpName = "name=value",
            Arity = ArgumentArity.OneOrMore,
        };
        command.Options.Add(_properties);
    }

    /// <summary>The configuration in force for a call of the command.</summary>
    /// <exception cref="ConfigurationException"/>
    public EffectiveConfiguration Load(ParseResult parsed, Terminal terminal) =>
        ConfigurationLoader.Load(parsed.GetValue(s_file), terminal.Environment, Given(parsed), _groups);

    /// <summary>Whether the flag stands on the command line.</summary>
    public bool IsGiven(ParseResult parsed, string flag) => _options.Any(o => o.Flag == flag && parsed.GetResult(o.Option) is { Implicit: false });

    private IEnumerable<FlagValue> Given(ParseResult parsed)
    {
        foreach ((string flag, Option<string> option) in _options)
        {
            if (parsed.GetResult(option) is { Implicit: false }) yield return new FlagValue(flag, parsed.GetValue(option) ?? "");
        }

        foreach (string property in _properties != null ? parsed.GetValue(_properties) ?? [] : []) yield return new FlagValue(ConfigurationLoader.KafkaPropertyFlag, property);
    }

    private void Add(Command command, string flag, string description, string type)
    {
        var option = new Option<string>("--" + flag) { Description = description, HelpName = type };
        _options.Add((flag, option));
        command.Options.Add(option);
    }

    private static string Describe(Setting setting) => setting.Default.Length > 0 ? $"{setting.Help} [{setting.Default}]" : setting.Help;
}
