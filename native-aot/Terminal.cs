using System.Collections;

namespace FastIot.Cli;

/// <summary>What a command sees of the process: where it writes, and the environment.</summary>
/// <param name="Out">Results.</param>
/// <param name="Error">Logs, progress, messages.</param>
/// <param name="Live">True where <paramref name="Error"/> is a terminal whose last line may be rewritten.</param>
internal sealed record Terminal(TextWriter Out, TextWriter Error, bool Live, IReadOnlyDictionary<string, string> Environment)
{
    public static Terminal OfProcess()
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in System.Environment.GetEnvironmentVariables()) environment[(string)variable.Key] = (string?)variable.Value ?? "";
        bool live = !Console.IsErrorRedirected && environment.GetValueOrDefault("TERM") is not (null or "" or "dumb");
        return new Terminal(Console.Out, Console.Error, live, environment);
    }
}
