using System.CommandLine;
using FastIot.Configuration;
using FastIot.Emit;
using FastIot.Ingest;
using FastIot.Kafka;
using FastIot.Scoring;
using FastIot.Simulation;
using Microsoft.Extensions.Logging;

namespace FastIot.Cli.Commands;

/// <summary>Everything in one process: a Kafka, the fleet, the pipeline, files, metrics.</summary>
internal static class DemoCommand
{
    public static Command Create(Terminal terminal)
    {
        OptionWithDefault<long> duration = CommandOptions.Duration("--duration", "How long it runs, after the history; 0 = until Ctrl-C", 60_000_000);
        OptionWithDefault<long> history = CommandOptions.Duration("--history", "Event time that the series have been seen for at the start; 0 = none", 35 * 60_000_000L);
        var speed = new OptionWithDefault<double>("--speed", 10) { Description = "Seconds of event time per second [10]", HelpName = "factor" };
        var json = new Option<bool>("--json") { Description = "Print the summary as one JSON object" };
        var command = new Command("demo", "Run everything in one process: Kafka, the simulated fleet, the pipeline, files, metrics") { duration, history, speed, json };
        var flags = new SettingFlags(command, SettingGroup.Simulation, SettingGroup.Windows, SettingGroup.Alarms, SettingGroup.AlarmDelivery, SettingGroup.Model,
            SettingGroup.Store, SettingGroup.Pipeline, SettingGroup.Http, SettingGroup.Log);
        command.SetAction((parsed, _) =>
        {
            EffectiveConfiguration configuration = flags.Load(parsed, terminal);
            foreach (string warning in configuration.Warnings) terminal.Error.WriteLine($"warning: {warning}");
            if (!(speed.Of(parsed) > 0)) throw new ConfigurationException(["--speed must be above 0"]);
            FleetOptions fleet = Fleet(configuration.Options.Simulation, history.Of(parsed));
            return new DemoRun(terminal, configuration.Options, ConfigurationPrinter.Json(configuration), fleet, history.Of(parsed), speed.Of(parsed), duration.Of(parsed), parsed.GetValue(json)).RunAsync();
        });
        return command;
    }

    /// <exception cref="ConfigurationException">A value that makes no fleet.</exception>
    internal static FleetOptions Fleet(SimulationOptions options, long anomalyFreeUs)
    {
        try
        {
            return new FleetOptions
            {
                Sensors = options.Sensors,
                Rate = options.Rate,
                AnomalyRate = options.AnomalyRate,
                Seed = (ulong)options.Seed,
                AnomalyFreeUs = anomalyFreeUs,
            }.Validate();
        }
        catch (ArgumentException e)
        {
            throw new ConfigurationException([e.Message]);
        }
    }
}

/// <summary>One demonstration.</summary>
internal sealed class DemoRun(Terminal terminal, FastIotOptions options, string configuration, FleetOptions fleet, long historyUs, double speed, long durationUs, bool json)
{
    private const int RawPartitions = 10;
    private const int AnomalyPartitions = 3;

    /// <summary>Records between the simulator and the pipeline: the mock cluster keeps only about 5 MB a partition.</summary>
    private const long MostInFlight = 50_000;

    private static readonly TimeSpan s_warm = TimeSpan.FromSeconds(10);

    private readonly EventClock _clock = new(fleet.StartUs + historyUs, speed);
    private readonly long _liveUs = fleet.StartUs + historyUs;
    private readonly TruthMatch _truth = new(options.Windows.LengthUs);
    private readonly TaskCompletionSource _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _toLoad;
    private long _historyReadings;

    public async Task<int> RunAsync()
    {
        ProcessLimits.Check();
        using ILoggerFactory loggers = Composition.Loggers(terminal, options.Log);
        ILogger log = loggers.CreateLogger("FastIot.Kafka");
        using var shutdown = new Shutdown(terminal, options.Pipeline.DrainTimeout);
        Model? model = Composition.Model(options.Model, loggers);
        using var cluster = new MockCluster();
        var kafka = new Kafka.KafkaOptions { Bootstrap = cluster.Bootstrap, Group = "fastiot-demo", LateTopic = "raw-readings-late" };
        cluster.CreateTopic(kafka.RawTopic, RawPartitions);
        cluster.CreateTopic(kafka.AnomalyTopic, AnomalyPartitions);
        cluster.CreateTopic(kafka.DeadLetterTopic, 1);
        cluster.CreateTopic(kafka.LateTopic, 1);
        terminal.Error.WriteLine($"Kafka at {cluster.Bootstrap}, for any client: {kafka.RawTopic}, {kafka.AnomalyTopic}, {kafka.DeadLetterTopic}");

        // The simulator has the second core of a small machine.
        int workers = options.Pipeline.Workers > 0 ? options.Pipeline.Workers : 1;
        _toLoad = workers;
        await using PipelineSession session = await PipelineSession.CreateAsync(terminal, new SessionParts
        {
            Command = "demo",
            Options = options,
            Workers = workers,
            Clock = _clock,
            Store = Composition.Store(options.Store),
            Source = worker => Source(new KafkaSource(kafka, worker, log)),
            Sink = (_, latency) => new TruthTap(new KafkaSink(kafka, latency, log), _truth),
            HttpAddress = options.Http.Address,
            Configuration = configuration,
        }, model, loggers).ConfigureAwait(false);
        session.Pipeline.Start();
        using IReadingTarget target = DirectKafkaTarget.Open(kafka, options.Simulation.Produce, log);
        using var simulator = new Simulator(fleet, new DisorderOptions(), target, _truth.Add);
        Task skipped = Task.Run(() => simulator.SkipTo(_liveUs));
        if (historyUs > 0)
        {
            terminal.Error.WriteLine($"{fleet.Sensors:N0} sensors; first {historyUs / 60e6:0.#} min of history, so that the series are past warming");
            await session.WatchAsync(shutdown.Requested, () => _loaded.Task.IsCompleted).ConfigureAwait(false);
        }

        await skipped.ConfigureAwait(false);
        return await LiveAsync(session, simulator, target, shutdown).ConfigureAwait(false);
    }

    private IRecordSource Source(KafkaSource source) => historyUs == 0 ? source : new PreloadedSource(source, partitions => new HistorySource(fleet, partitions, RawPartitions, _liveUs), () =>
    {
        if (Interlocked.Decrement(ref _toLoad) == 0) _loaded.SetResult();
    });

    private async Task<int> LiveAsync(PipelineSession session, Simulator simulator, IReadingTarget target, Shutdown shutdown)
    {
        long before = session.Pipeline.RecordsRead;
        _historyReadings = before;
        session.BeginFigures();
        _clock.Restart(_liveUs);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(shutdown.Requested);
        long untilUs = durationUs == 0 ? Limits.MaxTimeUs : _liveUs + (long)(durationUs * speed);
        Task simulating = Task.Factory.StartNew(
            () => simulator.Run(untilUs, _clock, () => simulator.Produced - (session.Pipeline.RecordsRead - before) < MostInFlight, stop.Token),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        await session.WatchAsync(stop.Token, () => simulating.IsCompleted || System.Diagnostics.Stopwatch.GetElapsedTime(started) > s_warm).ConfigureAwait(false);
        session.MarkSteady();
        await session.WatchAsync(stop.Token, () => simulating.IsCompleted).ConfigureAwait(false);
        session.EndSteady();
        await stop.CancelAsync().ConfigureAwait(false);
        await simulating.ConfigureAwait(false);
        target.Flush(options.Pipeline.DrainTimeout);

        // What was produced is also read: within the time an orderly end may take.
        long drain = System.Diagnostics.Stopwatch.GetTimestamp();
        await session.WatchAsync(CancellationToken.None, () => session.Pipeline.RecordsRead - before >= simulator.Produced
            || System.Diagnostics.Stopwatch.GetElapsedTime(drain) > options.Pipeline.DrainTimeout).ConfigureAwait(false);
        int code = await session.EndAsync().ConfigureAwait(false);
        PipelineSession.Print(terminal, session.Summary(simulator.Produced, historyUs > 0 ? _historyReadings : null, Truth(session)), json);
        return code;
    }

    private TruthSummary Truth(PipelineSession session)
    {
        long watermarkUs = session.Pipeline.Snapshot().Partitions.Select(p => p.WatermarkUs).DefaultIfEmpty(long.MinValue).Min();
        (long Events, long Found)[] kinds = _truth.ByKind(watermarkUs);
        var byKind = new SortedDictionary<string, TruthKindSummary>(StringComparer.Ordinal);
        for (int kind = 0; kind < kinds.Length; kind++) byKind.Add(AnomalyKinds.Name((AnomalyKind)kind), new TruthKindSummary(kinds[kind].Events, kinds[kind].Found));
        double scoredUs = Math.Max(0, watermarkUs - fleet.StartUs - options.Alarms.WarmingUs);
        double sensorDays = fleet.Sensors * scoredUs / 86400e6;
        return new TruthSummary
        {
            Events = kinds.Sum(k => k.Events),
            Found = kinds.Sum(k => k.Found),
            ByKind = byKind,
            FalseAlarms = _truth.FalseAlarms,
            SensorDays = sensorDays,
            FalseAlarmsPerSensorDay = sensorDays > 0 ? _truth.FalseAlarms / sensorDays : 0,
        };
    }
}
