using FastIot.Scoring;

namespace FastIot.Serving;

/// <summary>Which models are served, and how.</summary>
public sealed record ModelServerOptions
{
    /// <summary>Names; empty = every model of the repository.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    public VersionPolicy Policy { get; init; } = VersionPolicy.Latest;

    /// <summary>Unlabelled requests go to the version labelled stable.</summary>
    public bool StableFirst { get; init; }

    public ProviderOptions Provider { get; init; } = new();

    public BatchOptions Batch { get; init; } = new();

    /// <summary>Time between two looks into the repository.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(2);
}
