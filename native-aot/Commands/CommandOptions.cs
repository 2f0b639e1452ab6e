using System.CommandLine;
using System.CommandLine.Parsing;
using FastIot.Configuration;

namespace FastIot.Cli.Commands;

/// <summary>Kinds of flags that several commands have.</summary>
internal static class CommandOptions
{
    /// <summary>A length of time such as 60s; 0 = without end.</summary>
    public static OptionWithDefault<long> Duration(string name, string description, long defaultUs) => new(name, defaultUs)
    {
        Description = $"{description} [{Text(defaultUs)}]",
        HelpName = "duration",
        CustomParser = result => Parse(result, text => text == "0" ? 0 : Durations.ParseUs(text)),
    };

    /// <summary>A number from 0 to 1.</summary>
    public static OptionWithDefault<double> Share(string name, string description) => new(name, 0) { Description = $"{description} [0]", HelpName = "share" };

    private static string Text(long us) => us == 0 ? "0" : us % 60_000_000 == 0 ? $"{us / 60_000_000}m" : $"{us / 1e6:0.###}s";

    private static long? Parse(ArgumentResult result, Func<string, long> parse)
    {
        try
        {
            return parse(result.Tokens.Single().Value);
        }
        catch (FormatException e)
        {
            result.AddError(e.Message);
            return null;
        }
    }
}

/// <summary>
/// An option that has a value also when it is not given. Its description says which, in the reader's units; a default value factory would
/// have the help print it once more, as the program keeps it.
/// </summary>
internal sealed class OptionWithDefault<T>(string name, T value) : Option<T?>(name)
    where T : struct
{
    public T Of(ParseResult parsed) => parsed.GetValue(this) ?? value;
}
