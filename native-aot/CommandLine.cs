using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using FastIot.Cli.Commands;
using FastIot.Configuration;
using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Kafka;
using FastIot.Scoring;

namespace FastIot.Cli;

/// <summary>All commands, and what becomes of their failures.</summary>
internal static class CommandLine
{
    public static int Run(string[] args, Terminal terminal)
    {
        RootCommand root = Create(terminal);
        ParseResult parsed = root.Parse(args);
        var invocation = new InvocationConfiguration
        {
            Output = terminal.Out,
            Error = terminal.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        try
        {
            if (parsed.Action is not ParseErrorAction mistake) return parsed.Invoke(invocation);
            mistake.ShowHelp = parsed.CommandResult.Command.Subcommands.Count > 0;
            parsed.Invoke(invocation);
            return ExitCode.Usage;
        }
        catch (ConfigurationException e)
        {
            foreach (string error in e.Errors) terminal.Error.WriteLine($"error: {error}");
            return ExitCode.Usage;
        }
        catch (Exception e) when (IsExpected(e))
        {
            terminal.Error.WriteLine($"error: {e.Message}");
            return ExitCode.Failure;
        }
    }

    public static RootCommand Create(Terminal terminal)
    {
        var root = new RootCommand("Finds anomalies in the readings of large sensor fleets: Kafka in, windows, an LSTM autoencoder, Kafka and Parquet out.")
        {
            DemoCommand.Create(terminal),
            RunCommand.Create(terminal),
            SimulateCommand.Create(terminal),
            ReplayCommand.Create(terminal),
            ServeCommand.Create(terminal),
            ModelsCommand.Create(terminal),
            EvaluateCommand.Create(terminal),
            VerifyCommand.Create(terminal),
            TopicsCommand.Create(terminal),
            ConfigCommand.Create(terminal),
            VersionCommand.Create(terminal),
        };
        root.HelpName = "fastiot";
        AddEpilogues(root);
        return root;
    }

    /// <summary>Failures of the world outside, whose message is made for people; anything else is a mistake of ours and keeps its stack.</summary>
    private static bool IsExpected(Exception e) => e is IngestException or EmitException or ObjectStoreException or ModelException or KafkaException or ResourceLimitException or IOException or UnauthorizedAccessException;

    private static void AddEpilogues(Command command)
    {
        if (command.Options.OfType<HelpOption>().FirstOrDefault() is { Action: HelpAction help } option) option.Action = new HelpWithEpilogue(help);
        foreach (Command child in command.Subcommands) AddEpilogues(child);
    }

    /// <summary>Ends the help with the command's examples and the exit codes.</summary>
    private sealed class HelpWithEpilogue(HelpAction help) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            int result = help.Invoke(parseResult);
            TextWriter output = parseResult.InvocationConfiguration.Output;
            if (Examples.Of(parseResult.CommandResult.Command) is { } examples)
            {
                output.WriteLine("Examples:");
                output.WriteLine(examples);
                output.WriteLine();
            }

            output.WriteLine(ExitCode.Help);
            return result;
        }
    }
}
