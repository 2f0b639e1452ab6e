using FastIot.Alarms;
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
        builder.SetMinimumLevel(options.Level).AddFilter("Microsoft", LogLevel.Warning).AddProvider(new LineLoggerProvider(terminal.Error, options.Json)));

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

    /// <summary>What one worker joins the group with.</summary>
    public static KafkaOptions Member(FastIotOptions options, int worker)
    {
        KafkaOptions kafka = Kafka(options.Kafka);
        var properties = new Dictionary<string, string>(StringComparer.Ordinal);
        if (options.Kafka.ConsumerProtocol) properties["group.protocol"] = "consumer";
        // How long a member that is gone without a word keeps its partitions; a restart within it takes up its own place.
        else properties["session.timeout.ms"] = "15000";
        if (options.Kafka.StaticMembership) properties["group.instance.id"] = Identity(options, worker);
        foreach ((string name, string value) in kafka.Properties) properties[name] = value;
        return kafka with { Properties = properties };
    }

    /// <summary>Where one worker's records go.</summary>
    public static IRecordSink Sink(FastIotOptions options, int worker, LatencyHistogram latency, ILogger log) => options.Pipeline.ExactlyOnce
        ? new TransactionalKafkaSink(Kafka(options.Kafka), $"{options.Kafka.Group}-{Identity(options, worker)}", latency, log)
        : new KafkaSink(Kafka(options.Kafka), latency, log);

    /// <summary>Names a worker to the brokers, the same after a restart.</summary>
    private static string Identity(FastIotOptions options, int worker) =>
        $"{(options.Pipeline.InstanceId.Length > 0 ? options.Pipeline.InstanceId : Environment.MachineName)}-{worker}";

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
        Group = options.Kafka.Group.Length > 0 ? options.Kafka.Group : "fastiot",
        ModelName = model?.Manifest.Name ?? "",
        Topic = options.Kafka.RawTopic.Length > 0 ? options.Kafka.RawTopic : "raw-readings",
        Workers = workers,
        MaxSeriesPerPartition = options.Pipeline.MaxSeriesPerPartition,
        AlarmBudget = options.Alarms.Budget,
        Labels = options.Readings.Labels ? new Evaluation.LabelFigures() : null,
        Features = (model?.Manifest.Features ?? FeatureSpec.None) with { WarmingWindows = (int)Math.Min(int.MaxValue, options.Alarms.WarmingUs / Math.Max(1, options.Windows.SlideUs)) },
        OutputTimeout = options.Pipeline.DrainTimeout,
        SnapshotUs = options.Pipeline.SnapshotUs,
        IdleTimeout = options.Pipeline.IdleTimeout,
        StallTimeout = options.Pipeline.StallTimeout,
        OnGap = options.Pipeline.OnGap,
        OnConfigChange = options.Pipeline.OnConfigChange,
        OnSnapshotLoss = options.Pipeline.OnSnapshotLoss,
    };

    /// <returns>Null where nobody is to be told.</returns>
    /// <exception cref="ConfigurationException">The file of silences or of locations cannot be used.</exception>
    public static AlarmNotifier? Alarms(FastIotOptions options, ILoggerFactory loggers)
    {
        AlarmDeliveryOptions alarms = options.AlarmDelivery;
        if (alarms.Url == null) return null;
        var delivery = new AlarmDelivery
        {
            Url = alarms.Url,
            Format = alarms.Format,
            GroupBy = alarms.GroupBy,
            Labels = alarms.Labels,
            Locations = alarms.Locations,
            Silences = alarms.Silences,
            Wait = alarms.Wait,
            Interval = alarms.Interval,
            CallsPerMinute = alarms.CallsPerMinute,
            Timeout = alarms.Timeout,
            Attempts = alarms.Attempts,
            Authorization = AlarmDelivery.Credentials(alarms.Token, alarms.User, alarms.Password),
        };
        try
        {
            return new AlarmNotifier(delivery, options.Windows.LengthUs, loggers.CreateLogger("FastIot.Alarms"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new ConfigurationException([$"alarms: {e.Message}"]);
        }
    }

    /// <returns>Null for "none".</returns>
    /// <exception cref="ModelException"/>
    public static Model? Model(ModelOptions options, ILoggerFactory loggers)
    {
        return options.Name == "none" ? null : Model(options, options.Version, loggers);
    }

    /// <param name="live">The model in force.</param>
    /// <returns>Null where none is wanted.</returns>
    /// <exception cref="ConfigurationException">There is nothing to compare it with.</exception>
    /// <exception cref="ModelException">There is no such version, or it wants other features.</exception>
    public static Shadow? Shadow(FastIotOptions options, Model? live, PipelineOptions pipeline, ILoggerFactory loggers)
    {
        ModelOptions model = options.Model;
        if (model.ShadowVersion == 0) return null;
        string name = model.ShadowName.Length > 0 ? model.ShadowName : model.Name, label = $"{name}:{model.ShadowVersion}";
        if (live == null) throw new ConfigurationException([$"model.shadow: {label} has nothing to be compared with, as model.name is none"]);
        if (live.Label == label) throw new ConfigurationException([$"model.shadow: {label} is the version that scores already; model.version names the one that is to go on scoring meanwhile"]);
        Model shadow = ModelRepository.Load(ModelsFolder(model), name, $"{model.ShadowVersion}", Provider(model).Provider, loggers.CreateLogger("FastIot.Scoring"), model.OnnxRuntimeOnly);
        return new Shadow(shadow, live, pipeline, loggers.CreateLogger("FastIot.Scoring"));
    }

    private static Model Model(ModelOptions options, int wanted, ILoggerFactory loggers)
    {
        string version = wanted == 0 ? "latest" : wanted.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return ModelRepository.Load(ModelsFolder(options), options.Name, version, Provider(options).Provider, loggers.CreateLogger("FastIot.Scoring"), options.OnnxRuntimeOnly);
    }

    /// <summary>The folder of models: the one named, else the one beside the binary.</summary>
    public static string ModelsFolder(ModelOptions options) => options.Folder.Length > 0 ? options.Folder : Path.Combine(AppContext.BaseDirectory, "models");

    /// <summary>The model repository: the bucket where one is named, else the folder.</summary>
    public static IObjectStore Models(FastIotOptions options)
    {
        if (options.Serve.Bucket.Length == 0) return new LocalFolderStore(ModelsFolder(options.Model));
        if (options.Store.MinioEndpoint.Length == 0) throw new ConfigurationException([$"serve.bucket {options.Serve.Bucket} needs store.minio.endpoint"]);
        return Minio(options.Store, options.Serve.Bucket);
    }

    public static ProviderOptions Provider(ModelOptions options) => new()
    {
        Provider = options.Provider switch
        {
            "cpu" => ExecutionProvider.Cpu,
            "cuda" => ExecutionProvider.Cuda,
            "tensorrt" => ExecutionProvider.TensorRt,
            _ => ExecutionProvider.Auto,
        },
        Device = options.Device,
        MemoryLimitBytes = options.DeviceMemoryMiB * (1L << 20),
        CudaGraphs = options.CudaGraphs,
        EngineCache = options.EngineCache,
    };

    /// <param name="current">The one that scores from now on.</param>
    public static ModelVersions Versions(ModelOptions options, Model? current, ILoggerFactory loggers) =>
        new(current, version => Model(options, version, loggers));

    public static IObjectStore Store(StoreOptions options) => options.MinioEndpoint.Length == 0 ? new LocalFolderStore(options.Folder) : Minio(options, options.MinioBucket);

    private static MinioStore Minio(StoreOptions options, string bucket)
    {
        return new MinioStore(new MinioOptions
        {
            Endpoint = options.MinioEndpoint,
            Bucket = bucket,
            Region = options.MinioRegion,
            AccessKey = options.MinioAccessKey,
            SecretKey = options.MinioSecretKey,
        });
    }

    public static string Version => VersionCommand.Version;
}
