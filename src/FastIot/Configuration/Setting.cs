namespace FastIot.Configuration;

/// <summary>Parts of the configuration; each command reads those it uses.</summary>
public enum SettingGroup
{
    Kafka,
    Readings,
    Windows,
    Alarms,

    /// <summary>Alarms to people.</summary>
    AlarmDelivery,
    Model,
    Store,
    Pipeline,

    /// <summary>Delivery and recovery of a member of a consumer group.</summary>
    Recovery,
    Http,
    Serve,
    Log,
    Simulation,
}

/// <summary>
/// One setting, defined once: its names in file, environment and flags, its default, its meaning, and how its text becomes a value.
/// </summary>
public sealed class Setting
{
    /// <summary>Name in the JSON file, its objects joined by dots: <c>windows.slide</c>.</summary>
    public required string Key { get; init; }

    public required SettingGroup Group { get; init; }

    /// <summary>What is expected, as shown to people: <c>duration</c>, <c>host:port</c>, <c>auto|cpu|cuda</c>.</summary>
    public required string Type { get; init; }

    /// <summary>Default, in the text a user would write; the empty text means that nothing is set.</summary>
    public required string Default { get; init; }

    /// <summary>One sentence, no full stop.</summary>
    public required string Help { get; init; }

    /// <summary>Parses the text and puts it into the options.</summary>
    /// <remarks>Throws <see cref="FormatException"/> with a message that says what is wrong with the text.</remarks>
    public required Action<FastIotOptions, string> Assign { get; init; }

    /// <summary>Flag without the dashes; null where there is none (secrets: everybody can see a command line).</summary>
    public string? Flag { get; init; }

    /// <summary>Names of environment variables that the predecessor had for it.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Masked wherever it is shown; may be given as the name of a file that holds it.</summary>
    public bool Secret { get; init; }

    /// <summary>Environment variable: <c>FASTIOT_WINDOWS_SLIDE</c>.</summary>
    public string Variable => EnvironmentPrefix + Key.ToUpperInvariant().Replace('.', '_').Replace('-', '_');

    internal const string EnvironmentPrefix = "FASTIOT_";

    /// <summary>Key of the companion that names a file with the secret.</summary>
    internal string FileKey => Key + "-file";

    internal string? FileFlag => Secret ? Key.Replace('.', '-') + "-file" : null;
}
