namespace FastIot.Alarms;

/// <summary>Whom the calls are made to.</summary>
public enum AlarmFormat
{
    /// <summary>Alertmanager's API, version 2.</summary>
    Alertmanager,

    /// <summary>JSON of our own; README, Alarms to people.</summary>
    Webhook,
}

/// <summary>What alarms are grouped by: what is equal in all of them is one message.</summary>
public enum AlarmLabel
{
    Location,
    Metric,
    Sensor,
    Partition,
}

public static class AlarmLabels
{
    /// <summary>As settings and messages have them, by <see cref="AlarmLabel"/>.</summary>
    public static readonly string[] Names = [.. Enum.GetNames<AlarmLabel>().Select(name => name.ToLowerInvariant())];
}

/// <summary>How alarms go to people.</summary>
public sealed record AlarmDelivery
{
    /// <summary>Without user and password.</summary>
    public required Uri Url { get; init; }

    public AlarmFormat Format { get; init; }

    public IReadOnlyList<AlarmLabel> GroupBy { get; init; } = [AlarmLabel.Location, AlarmLabel.Metric];

    /// <summary>Labels that every alarm has.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Labels { get; init; } = [];

    /// <summary>File that says where sensors are; empty for none.</summary>
    public string Locations { get; init; } = "";

    /// <summary>File of silences; empty for none.</summary>
    public string Silences { get; init; } = "";

    /// <summary>From a group's first alarm to its message, and from its last episode's end to the all-clear: what has one cause comes together.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Between two messages about a group that goes on.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Calls a minute, at most.</summary>
    public int CallsPerMinute { get; init; } = 30;

    /// <summary>Bound of one call.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Times that a call is tried.</summary>
    public int Attempts { get; init; } = 6;

    /// <summary>Pause after the first failure; doubled each time, a minute at most.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Value of the header Authorization; empty for none. Never shown.</summary>
    public string Authorization { get; init; } = "";

    /// <summary>Episodes between the workers and the notifier.</summary>
    internal int QueueLength { get; init; } = 16_384;

    /// <summary>Groups at once.</summary>
    internal int MaxGroups { get; init; } = 10_000;

    /// <summary>Bearer token, or user and password, as a header's value.</summary>
    public static string Credentials(string token, string user, string password)
    {
        if (token.Length > 0) return "Bearer " + token;
        return user.Length == 0 ? "" : "Basic " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{user}:{password}"));
    }

    /// <summary>Without the credentials.</summary>
    public override string ToString() => $"{Format} at {Url}";
}
