using FastIot.Scoring;

namespace FastIot.Serving;

/// <summary>A model's versions and labels, as one immutable picture that requests look things up in.</summary>
/// <param name="Versions">Rising; those unloaded or failed too.</param>
internal sealed record ServedModel(string Name, ServedVersion[] Versions, ModelLabels Labels, bool StableFirst)
{
    /// <summary>The version that a request without one gets: the newest that is loaded, or the stable one where labels decide.</summary>
    public ServedVersion? Default
    {
        get
        {
            if (StableFirst && Labels.Versions.TryGetValue(ModelLabels.Stable, out long stable) && Find(stable) is { State: VersionState.Available } labelled) return labelled;
            return Versions.LastOrDefault(v => v.State == VersionState.Available);
        }
    }

    public ServedVersion? Find(long version)
    {
        foreach (ServedVersion candidate in Versions)
        {
            if (candidate.Version == version) return candidate;
        }

        return null;
    }
}
