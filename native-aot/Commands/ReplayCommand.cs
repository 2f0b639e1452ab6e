using System.CommandLine;
using System.Diagnostics;
using FastIot.Configuration;
using FastIot.Decode;
using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Scoring;
using FastIot.Simulation;
using Microsoft.Extensions.Logging;

namespace FastIot.Cli.Commands;

/// <summary>Recordings through the pipeline into a folder, or into a topic.</summary>
internal static class ReplayCommand
{
    public static Command Create(Terminal terminal)
    {
        var files = new Argument<string[]>("file") { Description = "Recordings: NDJSON in the wire format, or CSV by name; gzip where the name ends in .gz", Arity = ArgumentArity.OneOrMore };
        var speed = new OptionWithDefault<double>("--speed", 1) { Description = "With --kafka: seconds of recorded time per second; 0 = as fast as it goes [1]", HelpName = "factor" };
        var sensor = new Option<string>("--csv-sensor") { Description = "CSV column with the sensor's id; without one it is the file's name", HelpName = "column" };
        var time = new Option<string>("--csv-timestamp") { Description = "CSV column with the event time [timestamp, datetime, time, date or ts]", HelpName = "column" };
        var metric = new Option<string>("--csv-metric") { Description = "CSV column with the metric's name; without one each value column is a metric", HelpName = "column" };
        var value = new Option<string[]>("--csv-value") { Description = "CSV column with values; may be repeated [value, or all others]", HelpName = "column", Arity = ArgumentArity.OneOrMore };
        var separator = new Option<string>("--csv-separator") { Description = "CSV separator [the first of ; tab , that the header has]", HelpName = "character" };
        var json = new Option<bool>("--json") { Description = "Print the summary as one JSON object" };
        var command = new Command("replay", "Read recordings: straight through the pipeline into a folder, the same files every time; or with --kafka into a topic")
        {
            files, speed, sensor, time, metric, value, separator, json,
        };
        var flags = new SettingFlags(command, [SettingGroup.Kafka, SettingGroup.Readings, SettingGroup.Windows, SettingGroup.Alarms, SettingGroup.Model, SettingGroup.Store, SettingGroup.Pipeline, SettingGroup.Log],
            ["kafka.group", "kafka.anomaly-topic", "kafka.dead-letter-topic", "kafka.late-topic", "kafka.ingest", "pipeline.workers"]);
        command.SetAction((parsed, _) =>
        {
            EffectiveConfiguration configuration = flags.Load(parsed, terminal);
            string? character = parsed.GetValue(separator);
            if (character is { Length: not 1 }) throw new ConfigurationException([$"--csv-separator must be one character, not \"{character}\""]);
            var source = new FileSourceOptions
            {
                Files = parsed.GetValue(files)!,
                Decode = Composition.Decode(configuration.Options.Readings),
                Csv = new CsvOptions
                {
                    SensorColumn = parsed.GetValue(sensor),
                    TimestampColumn = parsed.GetValue(time),
                    MetricColumn = parsed.GetValue(metric),
                    ValueColumns = parsed.GetValue(value) ?? [],
                    Separator = character?[0],
                },
            };
            return flags.IsGiven(parsed, "kafka")
                ? ToKafkaAsync(terminal, configuration.Options, source, speed.Of(parsed))
                : ToFolderAsync(terminal, configuration.Options, source, parsed.GetValue(json));
        });
        return command;
    }

    private static async Task<int> ToFolderAsync(Terminal terminal, FastIotOptions options, FileSourceOptions files, bool json)
    {
        ProcessLimits.Check();
        using ILoggerFactory loggers = Composition.Loggers(terminal, options.Log);
        using var shutdown = new Shutdown(terminal, options.Pipeline.DrainTimeout);
        Model? model = Composition.Model(options.Model, loggers);
        var source = new FileSource(files);
        await using PipelineSession session = await PipelineSession.CreateAsync(terminal, new SessionParts
        {
            Command = "replay",
            Options = options,
            Workers = 1,
            Clock = EventClock.Wall(),
            Store = Composition.Store(options.Store),
            Source = _ => source,
            Sink = (_, _) => new FolderSink(options.Store.Folder, string.Join(", ", files.Files.Select(f => Path.GetFileName(f)))),
        }, model, loggers).ConfigureAwait(false);
        session.BeginFigures();
        session.Pipeline.Start();
        await session.WatchAsync(shutdown.Requested).ConfigureAwait(false);
        int code = await session.EndAsync().ConfigureAwait(false);
        PipelineSession.Print(terminal, session.Summary(), json);
        return code;
    }

    private static async Task<int> ToKafkaAsync(Terminal terminal, FastIotOptions options, FileSourceOptions files, double speed)
    {
        using ILoggerFactory loggers = Composition.Loggers(terminal, options.Log);
        using var shutdown = new Shutdown(terminal, options.Pipeline.DrainTimeout);
        using IReadingTarget target = DirectKafkaTarget.Open(Composition.Kafka(options.Kafka), ProduceMode.Auto, loggers.CreateLogger("FastIot.Kafka"));
        using var source = new FileSource(files);
        var clock = Stopwatch.StartNew();
        long records = await Task.Factory.StartNew(() => Play(source, target, files.Decode, speed, shutdown.Requested),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        target.Flush(options.Pipeline.DrainTimeout);
        terminal.Error.WriteLine($"{records:N0} records to {options.Kafka.RawTopic} at {options.Kafka.Bootstrap} in {clock.Elapsed.TotalSeconds:0.0} s");
        return ExitCode.Success;
    }

    /// <summary>Each record with its first reading's sensor as key and its time as timestamp; what cannot be read goes as it is.</summary>
    private static unsafe long Play(FileSource source, IReadingTarget target, DecodeOptions names, double speed, CancellationToken cancellation)
    {
        using var decoder = new ReadingDecoder(names);
        var records = new Record[Limits.PollRecords];
        EventClock? clock = null;
        long sent = 0;
        source.Start(new FromTheStart());
        while (!source.Completed && !cancellation.IsCancellationRequested)
        {
            target.Poll();
            int count = source.Poll(records, 100);
            for (int i = 0; i < count && !cancellation.IsCancellationRequested; i++)
            {
                decoder.Open(records[i].Value, records[i].ValueLength);
                ReadOnlySpan<byte> key = "unknown"u8;
                long timeUs = 0;
                while (decoder.Next(out Reading reading, out Rejection rejection))
                {
                    if (rejection != Rejection.None) continue;
                    key = reading.SensorIdSpan;
                    timeUs = reading.TimeUs;
                    break;
                }

                if (speed > 0 && timeUs > 0)
                {
                    clock ??= new EventClock(timeUs, speed);
                    while (clock.NowUs < timeUs && !cancellation.WaitHandle.WaitOne((int)Math.Clamp((timeUs - clock.NowUs) / 1000 / speed, 1, 20))) target.Poll();
                }

                while (!target.TryWrite(key, records[i].ValueSpan, timeUs / 1000) && !cancellation.IsCancellationRequested) target.Wait();
                sent++;
            }
        }

        return sent;
    }

    private sealed class FromTheStart : IAssignmentListener
    {
        public void OnAssigned(Span<PartitionAssignment> partitions)
        {
        }

        public void OnRevoked(ReadOnlySpan<int> partitions, bool lost)
        {
        }
    }
}
