namespace FastIot.Configuration;

/// <summary>A flag as it was given, without the dashes.</summary>
public readonly record struct FlagValue(string Flag, string Text);

/// <summary>
/// Puts the configuration together: defaults, file, environment, flags, in rising strength. Unknown names are errors; all errors are
/// collected. Variables without content count as not set.
/// </summary>
public sealed class ConfigurationLoader
{
    /// <summary>Names the file where no flag does.</summary>
    public const string FileVariable = "FASTIOT_CONFIG";

    /// <summary>The predecessor's threshold.</summary>
    private const string ThresholdVariable = "ANOMALY_THRESHOLD";

    /// <summary>Variables that begin like settings and are none.</summary>
    private static readonly string[] s_otherVariables = [FileVariable, "FASTIOT_SIMD", FaultPoint.Variable];

    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly Dictionary<string, EffectiveValue> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _strengths = new(StringComparer.Ordinal);
    private readonly List<string> _errors = [];
    private readonly List<string> _warnings = [];

    private ConfigurationLoader(IReadOnlyDictionary<string, string> environment) => _environment = environment;

    /// <param name="file">Configuration file, or null for the one that FASTIOT_CONFIG names, if it does.</param>
    /// <param name="environment">The process's environment.</param>
    /// <param name="flags">Flags given.</param>
    /// <param name="groups">Groups that matter; the others keep their defaults. Null for all.</param>
    /// <exception cref="ConfigurationException">Lists everything that is wrong.</exception>
    public static EffectiveConfiguration Load(
        string? file, IReadOnlyDictionary<string, string> environment, IEnumerable<FlagValue> flags, IReadOnlyCollection<SettingGroup>? groups = null)
    {
        var loader = new ConfigurationLoader(environment);
        foreach (Setting setting in Settings.All) loader._values[setting.Key] = new EffectiveValue(setting, setting.Default, "default");
        loader.ReadFile(string.IsNullOrEmpty(file) ? environment.GetValueOrDefault(FileVariable) : file);
        loader.ReadEnvironment();
        foreach (FlagValue flag in flags) loader.ReadFlag(flag);
        return loader.Finish(groups);
    }

    private void ReadFile(string? file)
    {
        if (string.IsNullOrEmpty(file)) return;
        byte[] json;
        try
        {
            json = File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _errors.Add($"the configuration file {file} cannot be read: {e.Message}");
            return;
        }

        foreach (FileValue value in ConfigurationFile.Read(json, file, _errors))
        {
            string source = $"{file}:{value.Line}";
            if (Find(value.Key) is { } setting) Set(setting.Setting, value.Text, source, strength: 1, setting.IsFile);
            else _errors.Add($"{source}: unknown setting {value.Key}{Nearest.Hint(value.Key, Settings.All.Select(s => s.Key))}");
        }
    }

    private void ReadEnvironment()
    {
        // The predecessor's names first: ours are stronger.
        foreach (Setting setting in Settings.All)
        {
            foreach (string alias in setting.Aliases) ReadVariable(alias, setting, strength: 2);
        }

        foreach (Setting setting in Settings.All) ReadVariable(setting.Variable, setting, strength: 3);
        foreach ((string name, string text) in _environment)
        {
            if (name.StartsWith(Setting.EnvironmentPrefix, StringComparison.Ordinal) && text.Length > 0 && !IsKnown(name)) ReadProperty(name, text);
        }

        if (_environment.GetValueOrDefault(ThresholdVariable) is { Length: > 0 } threshold)
        {
            _warnings.Add($"{ThresholdVariable}={threshold} has no effect: a percentile of the windows raises as many alarms on healthy sensors as on broken ones. "
                + "Scores are calibrated here: 1.0 is the threshold at the chosen number of false alarms per sensor and day (--alarm-budget, FASTIOT_ALARMS_BUDGET).");
        }
    }

    private void ReadVariable(string name, Setting setting, int strength)
    {
        if (_environment.GetValueOrDefault(name) is { Length: > 0 } text) Set(setting, text, $"environment {name}", strength, isFile: false);
        if (setting.Secret && _environment.GetValueOrDefault(name + "_FILE") is { Length: > 0 } file) Set(setting, file, $"environment {name}_FILE", strength, isFile: true);
    }

    private static bool IsKnown(string variable) =>
        s_otherVariables.Contains(variable) || Settings.All.Any(s => s.Variable == variable || (s.Secret && s.Variable + "_FILE" == variable));

    /// <summary>FASTIOT_KAFKA_PROPERTIES_SASL_PASSWORD is librdkafka's sasl.password: none of its names has an underscore.</summary>
    private void ReadProperty(string name, string text)
    {
        const string prefix = "FASTIOT_KAFKA_PROPERTIES_";
        if (!name.StartsWith(prefix, StringComparison.Ordinal) || name.Length == prefix.Length)
        {
            _errors.Add($"environment: unknown variable {name}{Nearest.Hint(name, Settings.All.Select(s => s.Variable))}");
            return;
        }

        string property = name[prefix.Length..].ToLowerInvariant().Replace('_', '.');
        bool isFile = property.EndsWith(".file", StringComparison.Ordinal);
        Set(Settings.KafkaProperty(isFile ? property[..^".file".Length] : property), text, $"environment {name}", strength: 3, isFile);
    }

    private void ReadFlag(FlagValue given)
    {
        string source = $"flag --{given.Flag}";
        if (given.Flag == KafkaPropertyFlag)
        {
            int equals = given.Text.IndexOf('=');
            if (equals <= 0) _errors.Add($"{source}: \"{given.Text}\" is not name=value");
            else SetProperty(given.Text[..equals].Trim(), given.Text[(equals + 1)..], source);
            return;
        }

        foreach (Setting setting in Settings.All)
        {
            if (setting.Flag == given.Flag) Set(setting, given.Text, source, strength: 4, isFile: false);
            else if (setting.FileFlag == given.Flag) Set(setting, given.Text, source, strength: 4, isFile: true);
        }
    }

    /// <summary>Flag that passes one of librdkafka's properties through.</summary>
    public const string KafkaPropertyFlag = "kafka-property";

    private void SetProperty(string property, string text, string source)
    {
        bool isFile = property.EndsWith(FileSuffix, StringComparison.Ordinal);
        Set(Settings.KafkaProperty(isFile ? property[..^FileSuffix.Length] : property), text, source, strength: 4, isFile);
    }

    private const string FileSuffix = "-file";

    private static (Setting Setting, bool IsFile)? Find(string key)
    {
        foreach (Setting setting in Settings.All)
        {
            if (setting.Key == key) return (setting, false);
            if (setting.Secret && setting.FileKey == key) return (setting, true);
        }

        if (!key.StartsWith(Settings.KafkaPropertyPrefix, StringComparison.Ordinal)) return null;
        string property = key[Settings.KafkaPropertyPrefix.Length..];
        bool isFile = property.EndsWith(FileSuffix, StringComparison.Ordinal);
        return (Settings.KafkaProperty(isFile ? property[..^FileSuffix.Length] : property), isFile);
    }

    private void Set(Setting setting, string text, string source, int strength, bool isFile)
    {
        int present = _strengths.GetValueOrDefault(setting.Key);
        if (strength < present) return;
        if (strength == present && _values[setting.Key].Source != source)
        {
            _errors.Add($"{setting.Key} is given twice: by {_values[setting.Key].Source} and by {source}");
            return;
        }

        if (isFile && !TryReadSecret(ref text, source)) return;
        _strengths[setting.Key] = strength;
        _values[setting.Key] = new EffectiveValue(setting, text, isFile ? source + " (file)" : source);
    }

    private bool TryReadSecret(ref string text, string source)
    {
        try
        {
            text = File.ReadAllText(text).TrimEnd('\r', '\n');
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _errors.Add($"{source}: the file {text} cannot be read: {e.Message}");
            return false;
        }
    }

    private EffectiveConfiguration Finish(IReadOnlyCollection<SettingGroup>? groups)
    {
        var options = new FastIotOptions();
        List<EffectiveValue> values = [.. _values.Values.Where(v => groups == null || groups.Contains(v.Setting.Group))];
        foreach (EffectiveValue value in values)
        {
            try
            {
                value.Setting.Assign(options, value.Text);
            }
            catch (FormatException e)
            {
                _errors.Add($"{value.Source}: {value.Setting.Key}: {(value.Setting.Secret ? "the value does not fit" : e.Message)}");
            }
        }

        foreach (Setting setting in Settings.All)
        {
            if (groups != null && !groups.Contains(setting.Group)) setting.Assign(options, setting.Default);
        }

        if (_errors.Count == 0) CheckTogether(options);
        return _errors.Count > 0
            ? throw new ConfigurationException([.. _errors])
            : new EffectiveConfiguration { Options = options, Values = values, Warnings = _warnings };
    }

    private void CheckTogether(FastIotOptions options)
    {
        try
        {
            options.Windows.ToSpec();
        }
        catch (ArgumentException e)
        {
            _errors.Add($"windows: {e.Message}");
        }

        StoreOptions store = options.Store;
        if (store.MinioEndpoint.Length > 0 && (store.MinioAccessKey.Length == 0 || store.MinioSecretKey.Length == 0))
        {
            _errors.Add($"store.minio: {store.MinioEndpoint} needs an access key and a secret key "
                + "(MINIO_ACCESS_KEY, MINIO_SECRET_KEY, or files that hold them: MINIO_ACCESS_KEY_FILE, MINIO_SECRET_KEY_FILE)");
        }

        CheckAlarms(options.AlarmDelivery);
        KafkaOptions kafka = options.Kafka;
        List<string> topics = [kafka.RawTopic, kafka.AnomalyTopic, kafka.DeadLetterTopic, .. kafka.LateTopic.Length > 0 ? new[] { kafka.LateTopic } : []];
        if (topics.Distinct().Count() != topics.Count) _errors.Add($"kafka: the topics must differ; they are {string.Join(", ", topics)}");
    }

    private void CheckAlarms(AlarmDeliveryOptions alarms)
    {
        if (alarms.Token.Length > 0 && alarms.User.Length > 0) _errors.Add("alarms: a token and a user are given; the receiver takes one of them");
        if (alarms.User.Length > 0 != alarms.Password.Length > 0) _errors.Add("alarms: a user needs a password (FASTIOT_ALARMS_PASSWORD, or a file that holds it: --alarms-password-file), and a password a user");
        if ((alarms.Token + alarms.User).Any(char.IsControl)) _errors.Add("alarms: the token, or the user, has a line break or another control character in it");
        if (alarms.Url is { Scheme: "http", IsLoopback: false } url && (alarms.Token + alarms.User).Length > 0)
        {
            _warnings.Add($"alarms.url is http://{url.Host}: whoever is on the way can read the credentials; https is safe from that");
        }
    }
}
