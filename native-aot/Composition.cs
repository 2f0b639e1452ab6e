using FastIot.Cli.Commands;
using FastIot.Configuration;
using FastIot.Decode;
using FastIot.Emit;
using FastIot.Features;
using FastIot.Observe;
using FastIot.Scoring;
using Microsoft.Extensions.Logging;
using KafkaOptions = FastIot.Kafka.KafkaOptions;

namespace FastIot.Cli;

/// <summary>Makes the engine's parts from the configuration.</summary>
internal static class Composition
{
    public static ILoggerFactory Loggers(Terminal terminal, LogOptions options) => LoggerFactory.Create(builder =>
        builder.SetMinimumLevel(options.Level).AddProvider(new LineLoggerProvider(terminal.Error, options.Json)));

    public static KafkaOptions Kafka(Configuration.KafkaOptions options) => new()
    {
        Bootstrap = options.Bootstrap,
        Group = options.Group,
        RawTopic = options.RawTopic,
        AnomalyTopic = options.AnomalyTopic,
        DeadLetterTopic = options.DeadLetterTopic,
        LateTopic = options.LateTopic.Length == 0 ? null : options.LateTopic,
        Properties = options.Properties,
    };

    public static DecodeOptions Decode(ReadingOptions options) => new()
    {
        SensorIdName = options.SensorId,
        TimestampName = options.Timestamp,
        MetricName = options.Metric,
        ValueName = options.Value,
        TimestampUnit = options.TimestampUnit switch
        {
            "s" => TimestampUnit.Seconds,
            "ms" => TimestampUnit.Milliseconds,
            "us" => TimestampUnit.Microseconds,
            "ns" => TimestampUnit.Nanoseconds,
            _ => TimestampUnit.Auto,
        },
    };

    /// <param name="model">Its features are those the baselines are kept for; null = the default ones.</param>
    public static PipelineOptions Pipeline(FastIotOptions options, Model? model, int workers) => new()
    {
        Windows = options.Windows.ToSpec(),
        Decode = Decode(options.Readings),
        Topic = options.Kafka.RawTopic.Length > 0 ? options.Kafka.RawTopic : "raw-readings",
        Workers = workers,
        MaxSeriesPerPartition = options.Pipeline.MaxSeriesPerPartition,
        AlarmBudget = options.Alarms.Budget,
        Features = (model?.Manifest.Features ?? FeatureSpec.Default) with { WarmingWindows = (int)Math.Min(int.MaxValue, options.Alarms.WarmingUs / Math.Max(1, options.Windows.SlideUs)) },
        OutputTimeout = options.Pipeline.DrainTimeout,
    };

    /// <returns>Null for "none".</returns>
    /// <exception cref="ModelException"/>
    public static Model? Model(ModelOptions options, ILoggerFactory loggers)
    {
        if (options.Name == "none") return null;
        string folder = options.Folder.Length > 0 ? options.Folder : Path.Combine(AppContext.BaseDirectory, "models");
        string version = options.Version == 0 ? "latest" : options.Version.ToString(System.Globalization.CultureInfo.InvariantCulture);
        ExecutionProvider provider = options.Provider switch
        {
            "cpu" => ExecutionProvider.Cpu,
            "cuda" => ExecutionProvider.Cuda,
            "tensorrt" => ExecutionProvider.TensorRt,
            _ => ExecutionProvider.Auto,
        };
        return ModelRepository.Load(folder, options.Name, version, provider, loggers.CreateLogger("FastIot.Scoring"));
    }

    public static IObjectStore Store(StoreOptions options)
    {
        if (options.MinioEndpoint.Length == 0) return new LocalFolderStore(options.Folder);
        return new MinioStore(new MinioOptions
        {
            Endpoint = options.MinioEndpoint,
            Bucket = options.MinioBucket,
            Region = options.MinioRegion,
            AccessKey = options.MinioAccessKey,
            SecretKey = options.MinioSecretKey,
        });
    }

    public static string Version => VersionCommand.Version;
}
