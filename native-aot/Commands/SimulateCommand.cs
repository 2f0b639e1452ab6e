using System.CommandLine;
using System.Diagnostics;
using FastIot.Configuration;
using FastIot.Simulation;
using Microsoft.Extensions.Logging;

namespace FastIot.Cli.Commands;

/// <summary>The fleet alone, into a topic, a file or the standard output.</summary>
internal static class SimulateCommand
{
    private const string KafkaScheme = "kafka://";

    public static Command Create(Terminal terminal)
    {
        var to = new Option<string>("--to") { Description = "kafka://host:port[/topic], a file (.gz: compressed), or - for the standard output", HelpName = "target", Required = true };
        OptionWithDefault<long> duration = CommandOptions.Duration("--duration", "Event time to simulate; 0 = until Ctrl-C", 60_000_000);
        var speed = new Option<double?>("--speed") { Description = "Seconds of event time per second; 0 = as fast as it goes. [1 to Kafka, 0 to files]", HelpName = "factor" };
        var start = new Option<string>("--start") { Description = "Event time of the first reading, ISO 8601 [now to Kafka, 2026-11-01 to files]", HelpName = "time" };
        var truth = new Option<string>("--truth") { Description = "File for the injected anomalies, one JSON object a line", HelpName = "file" };
        OptionWithDefault<double> late = CommandOptions.Share("--late-share", "Readings sent up to 30 s late"), duplicate = CommandOptions.Share("--duplicate-share", "Readings sent twice");
        OptionWithDefault<double> skewed = CommandOptions.Share("--skewed-share", "Sensors whose clock is up to 5 s wrong"), future = CommandOptions.Share("--future-share", "Readings with a timestamp hours ahead");
        OptionWithDefault<double> malformed = CommandOptions.Share("--malformed-share", "Records that cannot be read");
        var json = new Option<bool>("--json") { Description = "Print the summary as one JSON object" };
        var command = new Command("simulate", "Simulate a fleet of sensors with labelled anomalies") { to, duration, speed, start, truth, late, duplicate, skewed, future, malformed, json };
        var flags = new SettingFlags(command, [SettingGroup.Simulation, SettingGroup.Kafka, SettingGroup.Log], ["kafka.bootstrap", "kafka.raw-topic", "kafka.group", "kafka.anomaly-topic", "kafka.dead-letter-topic", "kafka.late-topic", "kafka.ingest"]);
        command.SetAction((parsed, _) =>
        {
            FastIotOptions options = flags.Load(parsed, terminal).Options;
            string target = parsed.GetValue(to)!;
            if (target == "-" && parsed.GetValue(json)) throw new ConfigurationException(["--json writes to the standard output, where --to - sends the readings; send them to a file"]);
            bool isKafka = target.StartsWith(KafkaScheme, StringComparison.Ordinal);
            double factor = parsed.GetValue(speed) ?? (isKafka ? 1 : 0);
            if (!(factor >= 0)) throw new ConfigurationException(["--speed must be 0 or above"]);
            FleetOptions fleet = DemoCommand.Fleet(options.Simulation, 0) with { StartUs = Start(parsed.GetValue(start), isKafka), AnomalyFreeUs = new FleetOptions().AnomalyFreeUs };
            var disorder = new DisorderOptions
            {
                LateShare = late.Of(parsed),
                DuplicateShare = duplicate.Of(parsed),
                SkewedShare = skewed.Of(parsed),
                FutureShare = future.Of(parsed),
                MalformedShare = malformed.Of(parsed),
            };
            try
            {
                disorder.Validate();
            }
            catch (ArgumentException e)
            {
                throw new ConfigurationException([e.Message]);
            }

            return RunAsync(terminal, options, target, fleet, disorder, duration.Of(parsed), factor, parsed.GetValue(truth), parsed.GetValue(json));
        });
        return command;
    }

    private static long Start(string? text, bool isKafka)
    {
        if (text == null) return isKafka ? DateTimeOffset.UtcNow.ToUnixTimeSeconds() * 1_000_000 : new FleetOptions().StartUs;
        string full = text.Length == 10 ? text + "T00:00:00Z" : text;
        if (Decode.TimestampText.TryIso(System.Text.Encoding.UTF8.GetBytes(full), out long us)) return us;
        throw new ConfigurationException([$"--start {text} is no time: it must be like 2026-11-01T00:00:00Z"]);
    }

    private static IReadingTarget Target(string target, FastIotOptions options, ILogger log, Terminal terminal)
    {
        if (target == "-") return new StreamTarget(Console.OpenStandardOutput());
        if (!target.StartsWith(KafkaScheme, StringComparison.Ordinal)) return StreamTarget.File(target);
        string[] parts = target[KafkaScheme.Length..].Split('/', 2);
        Kafka.KafkaOptions kafka = Composition.Kafka(options.Kafka) with { Bootstrap = parts[0], RawTopic = parts.Length > 1 && parts[1].Length > 0 ? parts[1] : options.Kafka.RawTopic };
        terminal.Error.WriteLine($"to topic {kafka.RawTopic} at {kafka.Bootstrap}");
        return DirectKafkaTarget.Open(kafka, options.Simulation.Produce, log);
    }

    private static async Task<int> RunAsync(Terminal terminal, FastIotOptions options, string to, FleetOptions fleet, DisorderOptions disorder, long durationUs, double speed, string? truth, bool json)
    {
        using ILoggerFactory loggers = Composition.Loggers(terminal, options.Log);
        TimeSpan timeout = options.Pipeline.DrainTimeout > TimeSpan.Zero ? options.Pipeline.DrainTimeout : TimeSpan.FromSeconds(30);
        using var shutdown = new Shutdown(terminal, timeout);
        using IReadingTarget target = Target(to, options, loggers.CreateLogger("FastIot.Kafka"), terminal);
        using TruthFile? truthFile = truth == null ? null : new TruthFile(File.Create(truth));
        using var simulator = new Simulator(fleet, disorder, target, truthFile == null ? null : truthFile.Write);
        EventClock? clock = speed > 0 ? new EventClock(fleet.StartUs, speed) : null;
        long untilUs = durationUs == 0 ? Limits.MaxTimeUs : fleet.StartUs + durationUs;
        var elapsed = Stopwatch.StartNew();
        Task running = Task.Factory.StartNew(() => simulator.Run(untilUs, clock, null, shutdown.Requested), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        TimeSpan shown = TimeSpan.Zero;
        while (!running.IsCompleted)
        {
            await Task.WhenAny(running, Task.Delay(1000)).ConfigureAwait(false);
            if (elapsed.Elapsed - shown < TimeSpan.FromSeconds(terminal.Live ? 1 : 10)) continue;
            shown = elapsed.Elapsed;
            terminal.Error.WriteLine($"{elapsed.Elapsed.TotalSeconds,4:0} s  {simulator.Produced:N0} readings, {simulator.Produced / elapsed.Elapsed.TotalSeconds:N0}/s, event time {DateTime.UnixEpoch.AddMicroseconds(simulator.PositionUs):yyyy-MM-dd HH:mm:ss}");
        }

        await running.ConfigureAwait(false);
        target.Flush(timeout);
        Disorder? d = simulator.Disorder;
        var summary = new SimulationSummary("simulate", to, simulator.Produced, simulator.Bytes, elapsed.Elapsed.TotalSeconds, simulator.Produced / elapsed.Elapsed.TotalSeconds, d?.Late, d?.Duplicates, d?.Future, d?.Malformed);
        terminal.Error.WriteLine($"{summary.Readings:N0} readings, {SummaryText.Bytes(summary.Bytes)}, in {summary.Seconds:0.0} s: {summary.ReadingsPerSecond:N0}/s");
        if (d != null) terminal.Error.WriteLine($"late {d.Late:N0}, twice {d.Duplicates:N0}, from the future {d.Future:N0}, malformed {d.Malformed:N0}");
        if (json) terminal.Out.WriteLine(SummaryJson.Write(summary));
        return ExitCode.Success;
    }
}
