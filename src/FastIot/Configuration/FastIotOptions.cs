using FastIot.Windows;

namespace FastIot.Configuration;

/// <summary>The configuration, typed. Defaults, names and meanings: <see cref="Settings"/>.</summary>
public sealed class FastIotOptions
{
    public KafkaOptions Kafka { get; } = new();

    public ReadingOptions Readings { get; } = new();

    public WindowOptions Windows { get; } = new();

    public AlarmOptions Alarms { get; } = new();

    public AlarmDeliveryOptions AlarmDelivery { get; } = new();

    public ModelOptions Model { get; } = new();

    public StoreOptions Store { get; } = new();

    public RuntimeOptions Pipeline { get; } = new();

    public HttpOptions Http { get; } = new();

    public ServeOptions Serve { get; } = new();

    public LogOptions Log { get; } = new();

    public SimulationOptions Simulation { get; } = new();
}

public sealed class KafkaOptions
{
    public string Bootstrap { get; set; } = "";

    public string Group { get; set; } = "";

    public string RawTopic { get; set; } = "";

    public string AnomalyTopic { get; set; } = "";

    public string DeadLetterTopic { get; set; } = "";

    /// <summary>Empty: late readings are counted only.</summary>
    public string LateTopic { get; set; } = "";

    public Ingest.IngestMode Ingest { get; set; }

    /// <summary>Whether a worker keeps its place in the group over a restart.</summary>
    public bool StaticMembership { get; set; }

    /// <summary>Whether the group is run by the broker (KIP-848).</summary>
    public bool ConsumerProtocol { get; set; }

    /// <summary>librdkafka's own properties, passed through.</summary>
    public Dictionary<string, string> Properties { get; } = new(StringComparer.Ordinal);
}

/// <summary>Names of a reading's members, and the unit of numeric timestamps.</summary>
public sealed class ReadingOptions
{
    public string SensorId { get; set; } = "";

    public string Timestamp { get; set; } = "";

    public string Metric { get; set; } = "";

    public string Value { get; set; } = "";

    public string TimestampUnit { get; set; } = "";

    /// <summary>Compare alarms with the labels in the readings' meta.</summary>
    public bool Labels { get; set; }
}

/// <summary>Lengths in µs of event time.</summary>
public sealed class WindowOptions
{
    public long LengthUs { get; set; }

    public long SlideUs { get; set; }

    public long LatenessUs { get; set; }

    public long MaxFutureUs { get; set; }

    public long FlushUs { get; set; }

    /// <exception cref="ArgumentException">The lengths do not fit each other.</exception>
    public WindowSpec ToSpec() => new WindowSpec
    {
        WindowUs = LengthUs,
        SlideUs = SlideUs,
        LatenessUs = LatenessUs,
        MaxFutureUs = MaxFutureUs,
        FlushUs = FlushUs,
    }.Validate();
}

public sealed class AlarmOptions
{
    /// <summary>False-alarm episodes per sensor and day that are accepted.</summary>
    public double Budget { get; set; }

    /// <summary>Event time from a series' first window during which the model may not alarm.</summary>
    public long WarmingUs { get; set; }
}

/// <summary>Whom alarms are told, and how.</summary>
public sealed class AlarmDeliveryOptions
{
    /// <summary>Null: nobody.</summary>
    public Uri? Url { get; set; }

    public Alarms.AlarmFormat Format { get; set; }

    public IReadOnlyList<Alarms.AlarmLabel> GroupBy { get; set; } = [];

    public IReadOnlyList<KeyValuePair<string, string>> Labels { get; set; } = [];

    public string Locations { get; set; } = "";

    public string Silences { get; set; } = "";

    public TimeSpan Wait { get; set; }

    public TimeSpan Interval { get; set; }

    public int CallsPerMinute { get; set; }

    public TimeSpan Timeout { get; set; }

    public int Attempts { get; set; }

    public string Token { get; set; } = "";

    public string User { get; set; } = "";

    public string Password { get; set; } = "";
}

public sealed class ModelOptions
{
    public string Folder { get; set; } = "";

    public string Name { get; set; } = "";

    /// <summary>0: the highest there is.</summary>
    public int Version { get; set; }

    /// <summary>Name of the model that scores beside this one; empty: this one's.</summary>
    public string ShadowName { get; set; } = "";

    /// <summary>Its version; 0: none does.</summary>
    public int ShadowVersion { get; set; }

    /// <summary>0: a newer version counts after a restart only.</summary>
    public TimeSpan Poll { get; set; }

    public string Provider { get; set; } = "";

    /// <summary>False: the engine's own kernel scores what it knows, on the CPU.</summary>
    public bool OnnxRuntimeOnly { get; set; }

    /// <summary>Number of the GPU.</summary>
    public int Device { get; set; }

    /// <summary>0: no limit.</summary>
    public int DeviceMemoryMiB { get; set; }

    public bool CudaGraphs { get; set; }

    public string EngineCache { get; set; } = "";
}

public sealed class StoreOptions
{
    public string Folder { get; set; } = "";

    /// <summary>Empty: files go to <see cref="Folder"/>.</summary>
    public string MinioEndpoint { get; set; } = "";

    public string MinioBucket { get; set; } = "";

    public string MinioAccessKey { get; set; } = "";

    public string MinioSecretKey { get; set; } = "";

    public string MinioRegion { get; set; } = "";
}

public sealed class RuntimeOptions
{
    /// <summary>0: one per core.</summary>
    public int Workers { get; set; }

    public int MaxSeriesPerPartition { get; set; }

    public bool ExactlyOnce { get; set; }

    /// <summary>Empty: the host's name.</summary>
    public string InstanceId { get; set; } = "";

    public TimeSpan DrainTimeout { get; set; }

    /// <summary>Event time between two snapshots; 0 = none.</summary>
    public long SnapshotUs { get; set; }

    /// <summary>Zero = never idle.</summary>
    public TimeSpan IdleTimeout { get; set; }

    public TimeSpan StallTimeout { get; set; }

    public Recovery.GapPolicy OnGap { get; set; }

    public Recovery.ConfigChangePolicy OnConfigChange { get; set; }

    public Recovery.SnapshotLossPolicy OnSnapshotLoss { get; set; }
}

public sealed class HttpOptions
{
    /// <summary>Empty: no HTTP.</summary>
    public string Address { get; set; } = "";
}

/// <summary>What <c>fastiot serve</c> serves, to whom and how much of it.</summary>
public sealed class ServeOptions
{
    public string Address { get; set; } = "";

    /// <summary>Empty: every model of the repository.</summary>
    public string[] Models { get; set; } = [];

    public string Policy { get; set; } = "";

    public string Bucket { get; set; } = "";

    public TimeSpan Poll { get; set; }

    public int MaxBatch { get; set; }

    public TimeSpan BatchTimeout { get; set; }

    public int Queue { get; set; }

    public int[] BatchSizes { get; set; } = [];

    /// <summary>0: one per core, one on a GPU.</summary>
    public int Instances { get; set; }

    public int Threads { get; set; }

    public TimeSpan Timeout { get; set; }

    public int MaxBodyBytes { get; set; }

    public int MaxRequests { get; set; }

    public double Rate { get; set; }

    public string Tokens { get; set; } = "";

    /// <summary>File the tokens are in; empty where they are given themselves.</summary>
    public string TokensFile { get; set; } = "";

    public string Certificate { get; set; } = "";

    public string CertificateKey { get; set; } = "";

    public bool AllowInsecure { get; set; }
}

public sealed class LogOptions
{
    public bool Json { get; set; }

    public Microsoft.Extensions.Logging.LogLevel Level { get; set; }
}

public sealed class SimulationOptions
{
    public int Sensors { get; set; }

    /// <summary>Readings per sensor and second of event time.</summary>
    public double Rate { get; set; }

    /// <summary>Share of the sensors' time that is anomalous.</summary>
    public double AnomalyRate { get; set; }

    public long Seed { get; set; }

    public Simulation.ProduceMode Produce { get; set; }
}
