using FastIot.Configuration;

namespace FastIot.Tests.Configuration;

public sealed class ConfigurationLoaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-config-").FullName;
    private readonly Dictionary<string, string> _environment = [];
    private readonly List<FlagValue> _flags = [];
    private string? _file;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Without_anything_all_defaults_hold()
    {
        EffectiveConfiguration configuration = Load();
        Assert.Equal(60_000_000, configuration.Options.Windows.LengthUs);
        Assert.Equal("raw-readings", configuration.Options.Kafka.RawTopic);
        Assert.Equal("127.0.0.1:9464", configuration.Options.Http.Address);
        Assert.Equal(1, configuration.Options.Alarms.Budget);
        Assert.All(configuration.Values, v => Assert.Equal("default", v.Source));
        Assert.Equal(Settings.All.Count, configuration.Values.Count);
    }

    [Fact]
    public void Flags_beat_environment_beats_file_beats_default_and_each_value_knows_its_source()
    {
        _file = Write("c.json", """
            {
              // comments are welcome
              "windows": { "length": "30s", "slide": "5s", "lateness": "1s" },
            }
            """);
        _environment["FASTIOT_WINDOWS_SLIDE"] = "6s";
        _environment["FASTIOT_WINDOWS_LATENESS"] = "3s";
        _flags.Add(new("lateness", "4s"));
        EffectiveConfiguration configuration = Load();
        Assert.Equal((30_000_000, 6_000_000, 4_000_000), (configuration.Options.Windows.LengthUs, configuration.Options.Windows.SlideUs, configuration.Options.Windows.LatenessUs));
        Assert.Equal($"{_file}:3", Source(configuration, "windows.length"));
        Assert.Equal("environment FASTIOT_WINDOWS_SLIDE", Source(configuration, "windows.slide"));
        Assert.Equal("flag --lateness", Source(configuration, "windows.lateness"));
        Assert.Equal("default", Source(configuration, "windows.max-future"));
    }

    [Fact]
    public void The_predecessors_variables_are_understood_and_ours_are_stronger()
    {
        foreach ((string name, string text) in new[]
        {
            ("KAFKA_BOOTSTRAP_SERVERS", "k:9092"), ("KAFKA_RAW_TOPIC", "raw"), ("KAFKA_ANOMALY_TOPIC", "found"), ("MINIO_ENDPOINT", "minio:9000"),
            ("MINIO_ACCESS_KEY", "a"), ("MINIO_SECRET_KEY", "s"), ("MINIO_BUCKET", "b"), ("MODEL_NAME", "other"), ("WINDOW_DURATION", "40 seconds"),
            ("SLIDE_DURATION", "20 seconds"), ("NUM_SENSORS", "77"), ("FASTIOT_KAFKA_RAW_TOPIC", "mine"),
        }) _environment[name] = text;
        FastIotOptions options = Load().Options;
        Assert.Equal(("k:9092", "mine", "found"), (options.Kafka.Bootstrap, options.Kafka.RawTopic, options.Kafka.AnomalyTopic));
        Assert.Equal(("minio:9000", "a", "s", "b"), (options.Store.MinioEndpoint, options.Store.MinioAccessKey, options.Store.MinioSecretKey, options.Store.MinioBucket));
        Assert.Equal(("other", 40_000_000, 20_000_000, 77), (options.Model.Name, options.Windows.LengthUs, options.Windows.SlideUs, options.Simulation.Sensors));
    }

    [Fact]
    public void The_predecessors_threshold_is_explained_and_changes_nothing()
    {
        _environment["ANOMALY_THRESHOLD"] = "95";
        EffectiveConfiguration configuration = Load();
        Assert.Contains("--alarm-budget", Assert.Single(configuration.Warnings));
        Assert.Equal(1, configuration.Options.Alarms.Budget);
    }

    [Fact]
    public void Variables_without_content_count_as_not_set()
    {
        _environment["KAFKA_RAW_TOPIC"] = "";
        _environment["FASTIOT_WINDOWS_SLIDE"] = "";
        Assert.All(Load().Values, v => Assert.Equal("default", v.Source));
    }

    [Fact]
    public void Secrets_come_from_files_too_and_are_never_shown()
    {
        _environment["MINIO_ENDPOINT"] = "http://localhost:9000";
        _environment["MINIO_ACCESS_KEY_FILE"] = Write("access", "the-access-key\n");
        _flags.Add(new("store-minio-secret-key-file", Write("secret", "the-secret-key\r\n")));
        _file = Write("c.json", "{\"kafka\":{\"properties\":{\"sasl.username\":\"me\",\"sasl.password-file\":\"" + Write("password", "the-password") + "\"}}}");
        EffectiveConfiguration configuration = Load();
        Assert.Equal(("the-access-key", "the-secret-key"), (configuration.Options.Store.MinioAccessKey, configuration.Options.Store.MinioSecretKey));
        Assert.Equal("the-password", configuration.Options.Kafka.Properties["sasl.password"]);
        foreach (string shown in new[] { ConfigurationPrinter.Text(configuration), ConfigurationPrinter.Json(configuration) })
        {
            Assert.DoesNotContain("the-", shown);
            Assert.Contains("********", shown);
            Assert.Contains("me", shown);
        }

        Assert.Equal("environment MINIO_ACCESS_KEY_FILE (file)", Source(configuration, "store.minio.access-key"));
    }

    [Fact]
    public void Secrets_have_no_flag_that_would_show_them_to_everybody() => Assert.All(Settings.All, s => Assert.True(!s.Secret || s.Flag == null));

    [Fact]
    public void Properties_of_librdkafka_pass_through_from_every_layer()
    {
        _file = Write("c.json", """{ "kafka": { "properties": { "linger.ms": 5, "enable.idempotence": true, "client.id": "from-file" } } }""");
        _environment["FASTIOT_KAFKA_PROPERTIES_SECURITY_PROTOCOL"] = "SASL_SSL";
        _environment["FASTIOT_KAFKA_PROPERTIES_SASL_PASSWORD_FILE"] = Write("password", "x");
        _flags.Add(new(ConfigurationLoader.KafkaPropertyFlag, "client.id=a=b"));
        _flags.Add(new(ConfigurationLoader.KafkaPropertyFlag, "fetch.wait.max.ms=7"));
        Dictionary<string, string> properties = Load().Options.Kafka.Properties;
        Assert.Equal(
            ["client.id=a=b", "enable.idempotence=true", "fetch.wait.max.ms=7", "linger.ms=5", "sasl.password=x", "security.protocol=SASL_SSL"],
            properties.Select(p => $"{p.Key}={p.Value}").Order());
    }

    [Theory]
    [InlineData("group.id")]
    [InlineData("bootstrap.servers")]
    [InlineData("enable.auto.commit")]
    public void Properties_that_the_pipeline_depends_on_are_refused(string property)
    {
        _flags.Add(new(ConfigurationLoader.KafkaPropertyFlag, property + "=x"));
        Assert.Contains($"{property} cannot be passed through", Assert.Single(Errors()));
    }

    [Fact]
    public void Unknown_names_are_errors_with_the_nearest_one_named_and_all_errors_are_reported_at_once()
    {
        _file = Write("c.json", """
            { "windows": { "slid": "10s", "lateness": "soon" },
              "nonsense-without-neighbours": 1,
              "kafka": { "raw-topic": null, "group": ["a"] } }
            """);
        _environment["FASTIOT_KAFKA_RAWTOPIC"] = "x";
        _environment["FASTIOT_WINDOWS_FLUSH"] = "60";
        _flags.Add(new("alarm-budget", "many"));
        IReadOnlyList<string> errors = Errors();
        Assert.Equal(8, errors.Count);
        Assert.Contains($"{_file}:1: unknown setting windows.slid; did you mean windows.slide?", errors);
        Assert.Contains($"{_file}:2: unknown setting nonsense-without-neighbours", errors);
        Assert.Contains(errors, e => e.StartsWith($"{_file}:1: windows.lateness: \"soon\" is not a duration", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.StartsWith($"{_file}:3: kafka.raw-topic is null", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.StartsWith($"{_file}:3: kafka.group is a list", StringComparison.Ordinal));
        Assert.Contains("environment: unknown variable FASTIOT_KAFKA_RAWTOPIC; did you mean FASTIOT_KAFKA_RAW_TOPIC?", errors);
        Assert.Contains(errors, e => e.StartsWith("environment FASTIOT_WINDOWS_FLUSH: windows.flush: \"60\" has no unit", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.StartsWith("flag --alarm-budget: alarms.budget: \"many\" is not a number", StringComparison.Ordinal));
    }

    [Fact]
    public void A_setting_given_twice_in_the_file_is_an_error()
    {
        _file = Write("c.json", "{\"windows\":{\"slide\":\"10s\",\n\"slide\":\"5s\"}}");
        Assert.Equal($"windows.slide is given twice: by {_file}:1 and by {_file}:2", Assert.Single(Errors()));
    }

    [Fact]
    public void A_secret_given_both_ways_is_an_error()
    {
        _environment["FASTIOT_STORE_MINIO_SECRET_KEY"] = "a";
        _environment["FASTIOT_STORE_MINIO_SECRET_KEY_FILE"] = Write("s", "b");
        Assert.Contains("is given twice", Assert.Single(Errors()));
    }

    [Theory]
    [InlineData("[1]", "must hold one JSON object")]
    [InlineData("{\"windows\":", "not JSON")]
    [InlineData("{\"windows\": 5}", "unknown setting windows")]
    [InlineData("{\"windows\":{\"slide\":{\"s\":10}}}", "unknown setting windows.slide.s")]
    public void A_file_of_another_form_is_refused(string json, string message)
    {
        _file = Write("c.json", json);
        Assert.Contains(message, Assert.Single(Errors()));
    }

    [Fact]
    public void A_missing_file_is_an_error_and_FASTIOT_CONFIG_names_one()
    {
        _file = Path.Combine(_folder, "absent.json");
        Assert.Contains("cannot be read", Assert.Single(Errors()));
        _file = null;
        _environment[ConfigurationLoader.FileVariable] = Write("c.json", """{"kafka":{"group":"named"}}""");
        Assert.Equal("named", Load().Options.Kafka.Group);
    }

    [Theory]
    [InlineData("window", "55s", "multiple of the slide")]
    [InlineData("flush", "15s", "multiple of the slide")]
    [InlineData("minio", "http://m:9000", "needs an access key")]
    [InlineData("anomaly-topic", "raw-readings", "must differ")]
    [InlineData("raw-topic", "no spaces", "not a topic name")]
    [InlineData("kafka", "nohost", "not host:port")]
    [InlineData("http", "9464", "not an address")]
    [InlineData("provider", "cuad", "did you mean cuda?")]
    [InlineData("drain-timeout", "0", "more than nothing")]
    [InlineData("workers", "-1", "whole number from 0")]
    [InlineData("model-version", "0", "whole number from 1")]
    [InlineData("anomaly-rate", "NaN", "not a number")]
    public void Values_that_do_not_fit_are_refused(string flag, string text, string message)
    {
        _flags.Add(new(flag, text));
        Assert.Contains(message, Assert.Single(Errors()));
    }

    [Fact]
    public void Groups_that_a_command_does_not_use_keep_their_defaults()
    {
        _environment["KAFKA_BOOTSTRAP_SERVERS"] = "elsewhere:1";
        _environment["FASTIOT_KAFKA_PROPERTIES_LINGER_MS"] = "5";
        EffectiveConfiguration configuration = ConfigurationLoader.Load(null, _environment, [], [SettingGroup.Windows]);
        Assert.Equal("localhost:9092", configuration.Options.Kafka.Bootstrap);
        Assert.Empty(configuration.Options.Kafka.Properties);
        Assert.All(configuration.Values, v => Assert.Equal(SettingGroup.Windows, v.Setting.Group));
    }

    [Fact]
    public void Every_default_is_accepted_by_its_own_setting_and_names_are_unique()
    {
        Assert.Equal(Settings.All.Count, Settings.All.Select(s => s.Key).Distinct().Count());
        Assert.Equal(Settings.All.Count(s => s.Flag != null), Settings.All.Select(s => s.Flag).Where(f => f != null).Distinct().Count());
        Assert.All(Settings.All, s => s.Assign(new FastIotOptions(), s.Default));
    }

    [Fact]
    public void The_readme_has_the_current_reference_of_settings()
    {
        string path = Path.Combine(TestEnvironment.Root, "README.md");
        string readme = File.ReadAllText(path);
        int begin = readme.IndexOf(ConfigurationReference.BeginMark, StringComparison.Ordinal), end = readme.IndexOf(ConfigurationReference.EndMark, StringComparison.Ordinal);
        Assert.True(begin >= 0 && end > begin, "README.md has no marks around its reference of settings");
        if (Environment.GetEnvironmentVariable("FASTIOT_WRITE_DOCS") == "1")
        {
            readme = $"{readme[..(begin + ConfigurationReference.BeginMark.Length)]}\n{ConfigurationReference.Markdown().Trim()}\n{readme[end..]}";
            File.WriteAllText(path, readme);
            end = readme.IndexOf(ConfigurationReference.EndMark, StringComparison.Ordinal);
        }

        Assert.Equal(ConfigurationReference.Markdown().Trim(), readme[(begin + ConfigurationReference.BeginMark.Length)..end].Trim());
    }

    private EffectiveConfiguration Load() => ConfigurationLoader.Load(_file, _environment, _flags);

    private IReadOnlyList<string> Errors() => Assert.Throws<ConfigurationException>(Load).Errors;

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static string Source(EffectiveConfiguration configuration, string key) => configuration.Values.Single(v => v.Setting.Key == key).Source;
}
