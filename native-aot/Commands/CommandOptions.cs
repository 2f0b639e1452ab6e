using System.CommandLine;
using System.CommandLine.Parsing;
using FastIot.Configuration;

namespace FastIot.Cli.Commands;

/// <summary>Kinds of flags that several commands have.</summary>
internal static class CommandOptions
{
    /// <summary>A length of time such as 60s; 0 = without end.</summary>
    public static Option<long> Duration(string name, string description, long defaultUs) => new(name)
    {
        Description = $"{description} [{Text(defaultUs)}]",
        HelpName = "duration",
        DefaultValueFactory = _ => defaultUs,
        CustomParser = result => Parse(result, text => text == "0" ? 0 : Durations.ParseUs(text)),
    };

    /// <summary>A number from 0 to 1.</summary>
    public static Option<double> Share(string name, string description) => new(name) { Description = description, HelpName = "share", DefaultValueFactory = _ => 0 };

    private static string Text(long us) => us == 0 ? "0" : us % 60_000_000 == 0 ? $"{us / 60_000_000}m" : $"{us / 1e6:0.###}s";

    private static long Parse(ArgumentResult result, Func<string, long> parse)
    {
        try
        {
            return parse(result.Tokens.Single().Value);
        }
        catch (FormatException e)
        {
            result.AddError(e.Message);
            return 0;
        }
    }
}
