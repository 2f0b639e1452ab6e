using System.CommandLine;
using System.CommandLine.Parsing;
using FastIot.Configuration;
using FastIot.Emit;
using FastIot.Verification;

namespace FastIot.Cli.Commands;

/// <summary>The audit of the outputs against the log.</summary>
internal static class VerifyCommand
{
    private const int ShownFindings = 20;

    public static Command Create(Terminal terminal)
    {
        var from = Time("--from", "Windows that end after this time (ISO 8601)");
        var to = Time("--to", "Windows that end by this time; else all that the group has committed");
        var fromOffset = new Option<long?>("--from-offset") { Description = "Read each partition from this offset on; windows that began before it are not checked", HelpName = "offset" };
        var toOffset = new Option<long?>("--to-offset") { Description = "Read each partition up to this offset; else up to what the group has committed", HelpName = "offset" };
        var json = new Option<bool>("--json") { Description = "Print the report as one JSON object" };
        var command = new Command("verify", "Recompute every window from the log and compare it with the anomalies and the feature files: exit code 0 when nothing is missing, duplicate or different") { from, to, fromOffset, toOffset, json };
        var flags = new SettingFlags(command, SettingGroup.Kafka, SettingGroup.Readings, SettingGroup.Windows, SettingGroup.Store, SettingGroup.Pipeline, SettingGroup.Log);
        command.SetAction((parsed, cancellation) =>
        {
            FastIotOptions options = flags.Load(parsed, terminal).Options;
            PipelineOptions pipeline = Composition.Pipeline(options, model: null, workers: 1);
            return RunAsync(terminal, parsed.GetValue(json), cancellation, store => new VerifyOptions
            {
                Kafka = Composition.Kafka(options.Kafka),
                Windows = pipeline.Windows,
                Decode = pipeline.Decode,
                MaxSeries = pipeline.MaxSeriesPerPartition,
                Store = store,
                FromUs = Given(parsed, from),
                ToUs = Given(parsed, to),
                FromOffset = Given(parsed, fromOffset),
                ToOffset = Given(parsed, toOffset),
            }, options);
        });
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, bool json, CancellationToken cancellation, Func<IObjectStore, VerifyOptions> make, FastIotOptions options)
    {
        using IObjectStore store = Composition.Store(options.Store);
        var bar = new VerifyProgress(terminal);
        VerifyReport report = await LogVerification.RunAsync(make(store), bar.Update, cancellation).ConfigureAwait(false);
        bar.Clear();
        if (json) terminal.Out.WriteLine(VerifyReportJson.Write(report));
        else Print(terminal.Out, report);
        return report.Ok ? ExitCode.Success : ExitCode.Failure;
    }

    private static void Print(TextWriter output, VerifyReport report)
    {
        output.WriteLine($"group     {report.Group} on {report.Topic}, files in {report.Store}");
        foreach (PartitionReport p in report.Partitions)
        {
            string range = p.EmittedUpTo == null ? "" : $"offsets {p.FromOffset:N0} to {p.ToOffset:N0}, emitted up to {p.EmittedUpTo}, stored up to {p.StoredUpTo}{(p.CheckedAfter == null ? "" : $", checked after {p.CheckedAfter}")}";
            output.WriteLine($"  {p.Partition,4}    {range}{(p.Note == null ? "" : range.Length > 0 ? $" ({p.Note})" : p.Note)}");
        }

        output.WriteLine($"log       {report.Records:N0} records, {report.Readings:N0} readings, {report.Windows:N0} windows");
        Print(output, "rows", report.Rows);
        Print(output, "anomalies", report.Anomalies);
        Print(output, "dlq", report.DeadLetters);
        Print(output, "late", report.LateReadings);
        foreach (Finding f in report.Findings.Take(ShownFindings)) output.WriteLine($"{f.Output} {f.Problem}: partition {f.Partition}, {f.Where}: {f.Detail}");
        if (report.Findings.Count > ShownFindings) output.WriteLine($"… and more; --json has up to {VerifyReport.MostFindings:N0} of them");
        output.WriteLine(report.Ok ? "all is there, once, as the log says" : "NOT as the log says");
    }

    private static void Print(TextWriter output, string name, OutputReport report) =>
        output.WriteLine($"{name,-9} {report.Checked:N0} checked: {report.Missing:N0} missing, {report.Duplicate:N0} duplicate, {report.Different:N0} different, {report.Unexpected:N0} unexpected");

    /// <summary>Not GetValue alone: of a flag that is not there it makes 0.</summary>
    private static long? Given(ParseResult parsed, Option<long?> option) => parsed.GetResult(option) is { Implicit: false } ? parsed.GetValue(option) : null;

    private static Option<long?> Time(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "time",
        CustomParser = result => Parse(result),
    };

    private static long? Parse(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (PlainTimes.OfText(text) is { } us) return us;
        result.AddError($"\"{text}\" is no time such as 2026-11-01T00:00:00Z");
        return null;
    }
}
