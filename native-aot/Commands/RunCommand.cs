using System.CommandLine;
using FastIot.Configuration;
using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Scoring;
using Microsoft.Extensions.Logging;

namespace FastIot.Cli.Commands;

/// <summary>The pipeline against a Kafka.</summary>
internal static class RunCommand
{
    private static readonly TimeSpan s_warm = TimeSpan.FromSeconds(15);

    public static Command Create(Terminal terminal)
    {
        var json = new Option<bool>("--json") { Description = "Print the summary as one JSON object" };
        var command = new Command("run", "Run the pipeline: a member of the consumer group reads, windows, scores, and writes anomalies and files") { json };
        var flags = new SettingFlags(command, SettingGroup.Kafka, SettingGroup.Readings, SettingGroup.Windows, SettingGroup.Alarms, SettingGroup.AlarmDelivery, SettingGroup.Model,
            SettingGroup.Store, SettingGroup.Pipeline, SettingGroup.Recovery, SettingGroup.Http, SettingGroup.Log);
        command.SetAction((parsed, _) =>
        {
            EffectiveConfiguration configuration = flags.Load(parsed, terminal);
            foreach (string warning in configuration.Warnings) terminal.Error.WriteLine($"warning: {warning}");
            return RunAsync(terminal, configuration, parsed.GetValue(json));
        });
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, EffectiveConfiguration configuration, bool json)
    {
        FastIotOptions options = configuration.Options;
        ProcessLimits.Check();
        using ILoggerFactory loggers = Composition.Loggers(terminal, options.Log);
        ILogger log = loggers.CreateLogger("FastIot.Kafka");
        using var shutdown = new Shutdown(terminal, options.Pipeline.DrainTimeout);
        Model? model = Composition.Model(options.Model, loggers);
        await using PipelineSession session = await PipelineSession.CreateAsync(terminal, new SessionParts
        {
            Command = "run",
            Options = options,
            Workers = options.Pipeline.Workers > 0 ? options.Pipeline.Workers : Environment.ProcessorCount,
            Clock = EventClock.Wall(),
            Store = Composition.Store(options.Store),
            Source = worker => DirectKafkaSource.Open(Composition.Member(options, worker), options.Kafka.Ingest, worker, log),
            Sink = (worker, latency) => Composition.Sink(options, worker, latency, log),
            FollowsModel = options.Model.Version == 0 && options.Model.Poll > TimeSpan.Zero,
            HttpAddress = options.Http.Address,
            Configuration = ConfigurationPrinter.Json(configuration),
        }, model, loggers).ConfigureAwait(false);
        session.BeginFigures();
        session.Pipeline.Start();
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        await session.WatchAsync(shutdown.Requested, () => System.Diagnostics.Stopwatch.GetElapsedTime(started) > s_warm).ConfigureAwait(false);
        session.MarkSteady();
        await session.WatchAsync(shutdown.Requested).ConfigureAwait(false);
        int code = await session.EndAsync().ConfigureAwait(false);
        PipelineSession.Print(terminal, session.Summary(), json);
        return code;
    }
}
