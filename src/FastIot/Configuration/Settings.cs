using System.Globalization;
using FastIot.Alarms;
using FastIot.Ingest;
using FastIot.Recovery;
using FastIot.Simulation;
using Microsoft.Extensions.Logging;
using static FastIot.Configuration.SettingText;

namespace FastIot.Configuration;

/// <summary>Every setting there is, in the order in which they are shown. The README's reference is made from this table.</summary>
public static class Settings
{
    /// <summary>What the entries of librdkafka's own properties begin with.</summary>
    public const string KafkaPropertyPrefix = "kafka.properties.";

    /// <summary>Properties the pipeline depends on, and what sets them.</summary>
    private static readonly Dictionary<string, string> s_reservedProperties = new(StringComparer.Ordinal)
    {
        ["bootstrap.servers"] = "kafka.bootstrap sets it",
        ["metadata.broker.list"] = "kafka.bootstrap sets it",
        ["group.id"] = "kafka.group sets it",
        ["enable.auto.commit"] = "offsets are committed with the outputs they belong to",
        ["enable.auto.offset.store"] = "offsets are committed with the outputs they belong to",
        ["auto.offset.reset"] = "where reading begins is decided from the committed offset",
        ["group.instance.id"] = "pipeline.instance-id and kafka.membership set it, for each worker",
        ["group.protocol"] = "kafka.group-protocol sets it",
        ["transactional.id"] = "pipeline.instance-id sets it, for each worker",
        ["isolation.level"] = "what is not committed must not be read",
        ["partitioner"] = "the order of a sensor's readings depends on it",
    };

    public static IReadOnlyList<Setting> All { get; } =
    [
        Text("kafka.bootstrap", "kafka", SettingGroup.Kafka, "host:port[,…]", "localhost:9092", "Kafka brokers to ask first",
            (o, t) => o.Kafka.Bootstrap = Brokers(t), "KAFKA_BOOTSTRAP_SERVERS"),
        Text("kafka.group", "group", SettingGroup.Kafka, "text", "fastiot", "Consumer group; its members share the partitions",
            (o, t) => o.Kafka.Group = NotEmpty(t)),
        Text("kafka.raw-topic", "raw-topic", SettingGroup.Kafka, "topic", "raw-readings", "Topic the readings come from",
            (o, t) => o.Kafka.RawTopic = Topic(t), "KAFKA_RAW_TOPIC"),
        Text("kafka.anomaly-topic", "anomaly-topic", SettingGroup.Kafka, "topic", "anomalies", "Topic the anomalies go to",
            (o, t) => o.Kafka.AnomalyTopic = Topic(t), "KAFKA_ANOMALY_TOPIC"),
        Text("kafka.dead-letter-topic", "dead-letter-topic", SettingGroup.Kafka, "topic", "raw-readings-dlq", "Topic for what cannot be used",
            (o, t) => o.Kafka.DeadLetterTopic = Topic(t)),
        Text("kafka.late-topic", "late-topic", SettingGroup.Kafka, "topic", "", "Topic for readings too late for every window; unset, they are counted only",
            (o, t) => o.Kafka.LateTopic = t.Length == 0 ? "" : Topic(t)),
        Text("kafka.ingest", "ingest", SettingGroup.Kafka, "auto|direct|librdkafka", "auto", "Client that readings are fetched by; auto takes the direct one unless a property needs librdkafka",
            (o, t) => o.Kafka.Ingest = Enum.Parse<IngestMode>(OneOf(t, "auto", "direct", "librdkafka"), ignoreCase: true)),
        Text("kafka.membership", "membership", SettingGroup.Kafka, "static|dynamic", "static", "static: a restarted instance gets its partitions back at once, one that is gone keeps them for the session time-out; dynamic: the group shares them out anew each time",
            (o, t) => o.Kafka.StaticMembership = OneOf(t, "static", "dynamic") == "static"),
        Text("kafka.group-protocol", "group-protocol", SettingGroup.Kafka, "classic|consumer", "classic", "Group protocol; consumer is KIP-848, Kafka 4.0 and newer",
            (o, t) => o.Kafka.ConsumerProtocol = OneOf(t, "classic", "consumer") == "consumer"),

        Text("readings.sensor-id", "sensor-id-name", SettingGroup.Readings, "name", "sensor_id", "Member of a reading that holds the sensor's id",
            (o, t) => o.Readings.SensorId = NotEmpty(t)),
        Text("readings.timestamp", "timestamp-name", SettingGroup.Readings, "name", "timestamp", "Member that holds the event time",
            (o, t) => o.Readings.Timestamp = NotEmpty(t)),
        Text("readings.metric", "metric-name", SettingGroup.Readings, "name", "metric", "Member that holds the metric's name",
            (o, t) => o.Readings.Metric = NotEmpty(t)),
        Text("readings.value", "value-name", SettingGroup.Readings, "name", "value", "Member that holds the value",
            (o, t) => o.Readings.Value = NotEmpty(t)),
        Text("readings.timestamp-unit", "timestamp-unit", SettingGroup.Readings, "auto|s|ms|us|ns", "auto", "Unit of numeric timestamps; auto tells by their magnitude",
            (o, t) => o.Readings.TimestampUnit = OneOf(t, "auto", "s", "ms", "us", "ns")),
        Text("readings.labels", "labels", SettingGroup.Readings, "off|meta", "off", "Compare alarms with the labels in the readings' meta: precision and recall as metrics; no decision depends on them",
            (o, t) => o.Readings.Labels = OneOf(t, "off", "meta") == "meta"),

        Text("windows.length", "window", SettingGroup.Windows, "duration", "60s", "Length of a window",
            (o, t) => o.Windows.LengthUs = Durations.ParseUs(t), "WINDOW_DURATION"),
        Text("windows.slide", "slide", SettingGroup.Windows, "duration", "10s", "Time between two windows' ends; the length is a multiple of it",
            (o, t) => o.Windows.SlideUs = Durations.ParseUs(t), "SLIDE_DURATION"),
        Text("windows.lateness", "lateness", SettingGroup.Windows, "duration", "2s", "How much disorder is waited for",
            (o, t) => o.Windows.LatenessUs = Durations.ParseUs(t)),
        Text("windows.max-future", "max-future", SettingGroup.Windows, "duration", "60s", "A reading further ahead of its record's timestamp is rejected",
            (o, t) => o.Windows.MaxFutureUs = Durations.ParseUs(t)),
        Text("windows.flush", "flush", SettingGroup.Windows, "duration", "60s", "Event time that one Parquet file covers",
            (o, t) => o.Windows.FlushUs = Durations.ParseUs(t)),

        Text("alarms.budget", "alarm-budget", SettingGroup.Alarms, "number", "1", "False alarms that a healthy sensor may raise in a day: where the threshold lies",
            (o, t) => o.Alarms.Budget = Number(t, 1e-4, 1000)),
        Text("alarms.warming", "warming", SettingGroup.Alarms, "duration", "30m", "Event time a series is watched before the model may raise alarms",
            (o, t) => o.Alarms.WarmingUs = Durations.ParseUs(t)),

        Text("alarms.url", "alarms-url", SettingGroup.AlarmDelivery, "URL", "", "Who is told of alarms: an Alertmanager (http://host:9093) or a webhook; unset, nobody",
            (o, t) => o.AlarmDelivery.Url = t.Length == 0 ? null : CallUrl(t)),
        Text("alarms.format", "alarms-format", SettingGroup.AlarmDelivery, "alertmanager|webhook", "alertmanager", "What is posted there: alerts of Alertmanager's API v2, or JSON as the README says",
            (o, t) => o.AlarmDelivery.Format = Enum.Parse<AlarmFormat>(OneOf(t, "alertmanager", "webhook"), ignoreCase: true)),
        Text("alarms.group-by", "alarms-group-by", SettingGroup.AlarmDelivery, "location|metric|sensor|partition[,…]", "location,metric", "What alarms must have in common to be one message",
            (o, t) => o.AlarmDelivery.GroupBy = [.. Words(NotEmpty(t)).Distinct().Select(w => Enum.Parse<AlarmLabel>(OneOf(w, AlarmLabels.Names), ignoreCase: true))]),
        Text("alarms.labels", "alarms-labels", SettingGroup.AlarmDelivery, "name=value[,…]", "", "Further labels of every alarm, such as severity=page,team=plant1",
            (o, t) => o.AlarmDelivery.Labels = Labels(t)),
        Text("alarms.locations", "alarms-locations", SettingGroup.AlarmDelivery, "file", "", "File that says by patterns where sensors are; unset, the id up to its last separator does; read again when it changes",
            (o, t) => o.AlarmDelivery.Locations = t),
        Text("alarms.silences", "alarms-silences", SettingGroup.AlarmDelivery, "file", "", "File of sensors and times of which nobody is told; read again when it changes",
            (o, t) => o.AlarmDelivery.Silences = t),
        Text("alarms.wait", "alarms-wait", SettingGroup.AlarmDelivery, "duration", "5s", "How long a message waits for others of its group, and an all-clear for whether it lasts",
            (o, t) => o.AlarmDelivery.Wait = Durations.Parse(t)),
        Text("alarms.interval", "alarms-interval", SettingGroup.AlarmDelivery, "duration", "5m", "Time between two messages about a group that goes on; three of them without one end an alert in Alertmanager",
            (o, t) => o.AlarmDelivery.Interval = Positive(Durations.Parse(t))),
        Text("alarms.calls", "alarms-calls", SettingGroup.AlarmDelivery, "number", "30", "Calls a minute at most, of 50 messages each; what must wait is kept up to date",
            (o, t) => o.AlarmDelivery.CallsPerMinute = Int(t, 1, 6000)),
        Text("alarms.timeout", "alarms-timeout", SettingGroup.AlarmDelivery, "duration", "10s", "Longest time that one call may take",
            (o, t) => o.AlarmDelivery.Timeout = Positive(Durations.Parse(t))),
        Text("alarms.attempts", "alarms-attempts", SettingGroup.AlarmDelivery, "number", "6", "Times that a call is tried, with pauses that double, before it is given up until the next interval",
            (o, t) => o.AlarmDelivery.Attempts = Int(t, 1, 100)),
        Secret("alarms.token", SettingGroup.AlarmDelivery, "Bearer token for the receiver of alarms", (o, t) => o.AlarmDelivery.Token = t),
        Text("alarms.user", "alarms-user", SettingGroup.AlarmDelivery, "name", "", "User for the receiver of alarms (basic authentication), instead of a token",
            (o, t) => o.AlarmDelivery.User = t.Contains(':') ? throw new FormatException("a user's name has no colon") : t),
        Secret("alarms.password", SettingGroup.AlarmDelivery, "That user's password", (o, t) => o.AlarmDelivery.Password = t),

        Text("model.folder", "models", SettingGroup.Model, "folder", "", "Folder with NAME/VERSION/model.onnx; unset, the one beside the program",
            (o, t) => o.Model.Folder = t),
        Text("model.name", "model", SettingGroup.Model, "name|none", "anomaly_detector", "Model that scores the windows; none writes features only",
            (o, t) => o.Model.Name = NotEmpty(t), "MODEL_NAME"),
        Text("model.version", "model-version", SettingGroup.Model, "latest|number", "latest", "Version of the model",
            (o, t) => o.Model.Version = string.Equals(t, "latest", StringComparison.OrdinalIgnoreCase) ? 0 : Int(t, 1, int.MaxValue)),
        Text("model.shadow", "shadow", SettingGroup.Model, "none|VERSION|NAME:VERSION", "none", "Version that scores the same windows beside the model, for comparison in metrics only: before it is promoted",
            (o, t) => (o.Model.ShadowName, o.Model.ShadowVersion) = Shadow(t)),
        Text("model.poll", "model-poll", SettingGroup.Model, "duration", "10s", "Time between two looks for a newer version, which then scores without a restart; 0 = never",
            (o, t) => o.Model.Poll = Durations.Parse(t)),
        Text("model.provider", "provider", SettingGroup.Model, "auto|cpu|cuda|tensorrt", "auto", "Where the model runs; auto takes the best there is",
            (o, t) => o.Model.Provider = OneOf(t, "auto", "cpu", "cuda", "tensorrt")),
        Text("model.kernel", "kernel", SettingGroup.Model, "auto|onnxruntime", "auto", "What scores on the CPU; auto: the engine's own kernel for graphs of fastiot-train, checked against ONNX Runtime at load",
            (o, t) => o.Model.OnnxRuntimeOnly = OneOf(t, "auto", "onnxruntime") == "onnxruntime"),

        Text("model.device", "device", SettingGroup.Model, "number", "0", "Number of the GPU",
            (o, t) => o.Model.Device = Int(t, 0, 1024)),
        Text("model.device-memory", "device-memory", SettingGroup.Model, "MiB", "0", "GPU memory the model may take; 0 = all there is",
            (o, t) => o.Model.DeviceMemoryMiB = Int(t, 0, int.MaxValue)),
        Text("model.cuda-graphs", "cuda-graphs", SettingGroup.Model, "true|false", "false", "Capture the GPU's work once per batch size and replay it; needs serve.batch-sizes",
            (o, t) => o.Model.CudaGraphs = Bool(t)),
        Text("model.engine-cache", "engine-cache", SettingGroup.Model, "folder", "", "Where TensorRT keeps its compiled engines; unset, they are compiled at each start",
            (o, t) => o.Model.EngineCache = t),

        Text("store.folder", "out", SettingGroup.Store, "folder", "fastiot-out", "Folder for the Parquet files",
            (o, t) => o.Store.Folder = NotEmpty(t)),
        Text("store.minio.endpoint", "minio", SettingGroup.Store, "URL", "", "MinIO or S3 to store the files in, instead of the folder; plain host:port means http",
            (o, t) => o.Store.MinioEndpoint = t, "MINIO_ENDPOINT"),
        Text("store.minio.bucket", "minio-bucket", SettingGroup.Store, "name", "iot-data", "Bucket for the files",
            (o, t) => o.Store.MinioBucket = NotEmpty(t), "MINIO_BUCKET"),
        Text("store.minio.region", "minio-region", SettingGroup.Store, "name", "us-east-1", "Region that requests are signed for",
            (o, t) => o.Store.MinioRegion = NotEmpty(t)),
        Secret("store.minio.access-key", SettingGroup.Store, "Access key", (o, t) => o.Store.MinioAccessKey = t, "MINIO_ACCESS_KEY"),
        Secret("store.minio.secret-key", SettingGroup.Store, "Secret key", (o, t) => o.Store.MinioSecretKey = t, "MINIO_SECRET_KEY"),

        Text("pipeline.workers", "workers", SettingGroup.Pipeline, "number", "0", "Threads that each own a part of the partitions; 0 = one per core",
            (o, t) => o.Pipeline.Workers = Int(t, 0, 1024)),
        Text("pipeline.delivery", "delivery", SettingGroup.Recovery, "exactly-once|at-least-once", "exactly-once", "exactly-once: records and offsets in Kafka transactions; at-least-once: without, after a crash some records come again",
            (o, t) => o.Pipeline.ExactlyOnce = OneOf(t, "exactly-once", "at-least-once") == "exactly-once"),
        Text("pipeline.instance-id", "instance-id", SettingGroup.Recovery, "text", "", "Name of this instance: the same after a restart, and nobody else's in the group (in a StatefulSet the pod's name); unset, the host's name",
            (o, t) => o.Pipeline.InstanceId = t),
        Text("pipeline.max-series", "max-series", SettingGroup.Pipeline, "number", Limits.MaxSeriesPerPartition.ToString(CultureInfo.InvariantCulture),
            "Series per partition; readings of more are rejected",
            (o, t) => o.Pipeline.MaxSeriesPerPartition = Int(t, 1, Array.MaxLength / 64)),
        Text("pipeline.drain-timeout", "drain-timeout", SettingGroup.Pipeline, "duration", "30s", "Longest time that an orderly end may take",
            (o, t) => o.Pipeline.DrainTimeout = Positive(Durations.Parse(t))),
        Text("pipeline.snapshot-interval", "snapshot-interval", SettingGroup.Recovery, "duration", "60s", "Event time between two snapshots of what is learnt of the series, in the store; larger states are stored less often; 0 = none, a restart begins with warming",
            (o, t) => o.Pipeline.SnapshotUs = Durations.ParseUs(t)),
        Text("pipeline.idle-timeout", "idle-timeout", SettingGroup.Recovery, "duration", "60s", "Silence at the end of a partition's log after which its open windows are closed as if time had gone on; 0 = never",
            (o, t) => o.Pipeline.IdleTimeout = Durations.Parse(t)),
        Text("pipeline.stall-timeout", "stall-timeout", SettingGroup.Recovery, "duration", "5m", "Longest time without progress (brokers or store away, commits refused) before the process ends with the reason",
            (o, t) => o.Pipeline.StallTimeout = Positive(Durations.Parse(t))),
        Text("pipeline.on-gap", "on-gap", SettingGroup.Recovery, "fail|earliest", "fail", "Readings that are needed have expired, or the topic was made anew: refuse, or go on with what there is and count the gap",
            (o, t) => o.Pipeline.OnGap = OneOf(t, "fail", "earliest") == "fail" ? GapPolicy.Fail : GapPolicy.Earliest),
        Text("pipeline.on-config-change", "on-config-change", SettingGroup.Recovery, "fail|restart-windows", "fail", "The group ran with other settings that change results, or other partitions: refuse, or read again from the committed offset with the present ones",
            (o, t) => o.Pipeline.OnConfigChange = OneOf(t, "fail", "restart-windows") == "fail" ? ConfigChangePolicy.Fail : ConfigChangePolicy.RestartWindows),
        Text("pipeline.on-snapshot-loss", "on-snapshot-loss", SettingGroup.Recovery, "fail|cold-start", "fail", "The committed snapshot is missing or damaged: refuse, or let the series warm anew",
            (o, t) => o.Pipeline.OnSnapshotLoss = OneOf(t, "fail", "cold-start") == "fail" ? SnapshotLossPolicy.Fail : SnapshotLossPolicy.ColdStart),

        Text("http.address", "http", SettingGroup.Http, "ip:port|off", "127.0.0.1:9464", "Where /metrics, /healthz, /readyz and /status are served",
            (o, t) => o.Http.Address = Listen(t)),

        Text("serve.address", "listen", SettingGroup.Serve, "ip:port", "127.0.0.1:8501", "Where models are served",
            (o, t) => o.Serve.Address = NotEmpty(Listen(t))),
        Text("serve.models", "serve-models", SettingGroup.Serve, "name[,…]|*", "anomaly_detector", "Models to serve; * = every one in the repository",
            (o, t) => o.Serve.Models = t == "*" ? [] : Words(NotEmpty(t)), "MODEL_NAME"),
        Text("serve.policy", "policy", SettingGroup.Serve, "latest[:N]|all|labels|specific:1,2", "latest", "Versions to serve; labelled ones always are, and with labels requests without a version go to the stable one",
            (o, t) => o.Serve.Policy = Policy(t)),
        Text("serve.bucket", "models-bucket", SettingGroup.Serve, "name", "", "Bucket with the models, at store.minio.endpoint; unset, model.folder has them",
            (o, t) => o.Serve.Bucket = t),
        Text("serve.poll", "poll", SettingGroup.Serve, "duration", "2s", "Time between two looks for new versions and labels",
            (o, t) => o.Serve.Poll = Positive(Durations.Parse(t))),
        Text("serve.max-batch", "max-batch", SettingGroup.Serve, "rows", "256", "Rows of several requests that run together at most",
            (o, t) => o.Serve.MaxBatch = Int(t, 1, 1 << 20)),
        Text("serve.batch-timeout", "batch-timeout", SettingGroup.Serve, "duration", "0s", "How long a request may wait for others to share its batch; 0 = a free thread takes what is there",
            (o, t) => o.Serve.BatchTimeout = Durations.Parse(t)),
        Text("serve.queue", "queue", SettingGroup.Serve, "rows", "4096", "Rows that may wait for a model; more are refused with 503",
            (o, t) => o.Serve.Queue = Int(t, 1, 1 << 24)),
        Text("serve.batch-sizes", "batch-sizes", SettingGroup.Serve, "rows[,…]", "", "The only sizes batches have, by padding; unset, any",
            (o, t) => o.Serve.BatchSizes = Sizes(t)),
        Text("serve.instances", "instances", SettingGroup.Serve, "number", "0", "Threads that run a model; 0 = one per core, one on a GPU",
            (o, t) => o.Serve.Instances = Int(t, 0, 256)),
        Text("serve.threads", "threads", SettingGroup.Serve, "number", "1", "Threads within one run of a model",
            (o, t) => o.Serve.Threads = Int(t, 1, 256)),
        Text("serve.timeout", "timeout", SettingGroup.Serve, "duration", "30s", "Longest wait for a model; then 504",
            (o, t) => o.Serve.Timeout = Positive(Durations.Parse(t))),
        Text("serve.max-body", "max-body", SettingGroup.Serve, "bytes", "33554432", "Bytes of a request's body, inflated; more are refused with 413",
            (o, t) => o.Serve.MaxBodyBytes = Int(t, 1024, 1 << 30)),
        Text("serve.max-requests", "max-requests", SettingGroup.Serve, "number", "1024", "Requests in progress at once; more are refused with 503",
            (o, t) => o.Serve.MaxRequests = Int(t, 1, 1 << 20)),
        Text("serve.rate", "rate-limit", SettingGroup.Serve, "number", "0", "Requests that one token may make in a second; more are refused with 429; 0 = any",
            (o, t) => o.Serve.Rate = Number(t, 0, 1e9)),
        Secret("serve.token", SettingGroup.Serve, "Bearer tokens (one, or several with commas between), one of which each request must have", (o, t) => o.Serve.Tokens = t),
        Text("serve.token-list", "token-list", SettingGroup.Serve, "file", "", "File of bearer tokens, one a line; read again when it changes",
            (o, t) => o.Serve.TokensFile = t),
        Text("serve.certificate", "certificate", SettingGroup.Serve, "file", "", "Certificate (PEM) for TLS; read again when it changes",
            (o, t) => o.Serve.Certificate = t),
        Text("serve.certificate-key", "certificate-key", SettingGroup.Serve, "file", "", "The certificate's private key (PEM)",
            (o, t) => o.Serve.CertificateKey = t),
        Text("serve.allow-insecure", "allow-insecure", SettingGroup.Serve, "true|false", "false", "Serve beyond this machine without tokens or without TLS",
            (o, t) => o.Serve.AllowInsecure = Bool(t)),

        Text("log.format", "log-format", SettingGroup.Log, "text|json", "text", "Form of the log lines on stderr",
            (o, t) => o.Log.Json = OneOf(t, "text", "json") == "json"),
        Text("log.level", "log-level", SettingGroup.Log, "trace|debug|information|warning|error", "information", "Least level that is logged",
            (o, t) => o.Log.Level = Enum.Parse<LogLevel>(OneOf(t, "trace", "debug", "information", "warning", "error"), ignoreCase: true)),

        Text("simulation.sensors", "sensors", SettingGroup.Simulation, "number", "10000", "Sensors of the simulated fleet",
            (o, t) => o.Simulation.Sensors = Int(t, 1, 100_000_000), "NUM_SENSORS"),
        Text("simulation.rate", "rate", SettingGroup.Simulation, "number", "1", "Readings per sensor and second of event time",
            (o, t) => o.Simulation.Rate = Number(t, 0.001, 10_000)),
        Text("simulation.anomaly-rate", "anomaly-rate", SettingGroup.Simulation, "share", "0.02", "Share of the sensors' time that is anomalous",
            (o, t) => o.Simulation.AnomalyRate = Number(t, 0, 0.5)),
        Text("simulation.seed", "seed", SettingGroup.Simulation, "number", "1", "The same seed makes the same readings",
            (o, t) => o.Simulation.Seed = Long(t)),
        Text("simulation.produce", "produce", SettingGroup.Simulation, "auto|direct|librdkafka", "auto", "Client that readings are produced by; auto takes the direct one unless a property needs librdkafka",
            (o, t) => o.Simulation.Produce = Enum.Parse<ProduceMode>(OneOf(t, "auto", "direct", "librdkafka"), ignoreCase: true)),
    ];

    /// <summary>One of librdkafka's properties, as a setting of its own.</summary>
    /// <param name="property">Its name: <c>linger.ms</c>.</param>
    internal static Setting KafkaProperty(string property) => new()
    {
        Key = KafkaPropertyPrefix + property,
        Group = SettingGroup.Kafka,
        Type = "text",
        Default = "",
        Help = "librdkafka's own property",
        Secret = IsSecretProperty(property),
        Assign = (o, t) => o.Kafka.Properties[property] = s_reservedProperties.TryGetValue(property, out string? why)
            ? throw new FormatException($"{property} cannot be passed through: {why}")
            : t,
    };

    private static bool IsSecretProperty(string property) =>
        property.Contains("password") || property.Contains("secret") || property.Contains("key.pem") || property == "sasl.oauthbearer.config";

    private static string Policy(string text)
    {
        Serving.VersionPolicy.Parse(text);
        return text;
    }

    private static TimeSpan Positive(TimeSpan time) => time > TimeSpan.Zero ? time : throw new FormatException("it must be more than nothing");

    private static Setting Text(string key, string flag, SettingGroup group, string type, string defaultText, string help,
        Action<FastIotOptions, string> assign, params string[] aliases) => new()
        {
            Key = key,
            Flag = flag,
            Group = group,
            Type = type,
            Default = defaultText,
            Help = help,
            Assign = assign,
            Aliases = aliases,
        };

    private static Setting Secret(string key, SettingGroup group, string help, Action<FastIotOptions, string> assign, params string[] aliases) => new()
    {
        Key = key,
        Group = group,
        Type = "secret",
        Default = "",
        Help = help,
        Secret = true,
        Assign = assign,
        Aliases = aliases,
    };
}
