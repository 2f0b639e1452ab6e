using System.Globalization;

namespace FastIot.Serving;

/// <summary>Which of a model's versions are served. Labelled versions always are.</summary>
public sealed class VersionPolicy
{
    private readonly int _latest;
    private readonly long[] _specific;

    private VersionPolicy(int latest, long[] specific) => (_latest, _specific) = (latest, specific);

    public static VersionPolicy Latest { get; } = new(1, []);

    /// <param name="text">latest, latest:N, all, labels, or specific:1,2.</param>
    /// <exception cref="FormatException"/>
    public static VersionPolicy Parse(string text)
    {
        string[] parts = text.Split(':', 2, StringSplitOptions.TrimEntries);
        string argument = parts.Length > 1 ? parts[1] : "";
        if (parts[0] == "all" && parts.Length == 1) return new VersionPolicy(int.MaxValue, []);
        if (parts[0] == "labels" && parts.Length == 1) return new VersionPolicy(0, []);
        if (text == "latest") return Latest;
        if (parts[0] == "latest" && int.TryParse(argument, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0) return new VersionPolicy(count, []);
        if (parts[0] == "specific")
        {
            long[] versions = [.. argument.Split(',', StringSplitOptions.TrimEntries).Select(v => long.TryParse(v, NumberStyles.None, CultureInfo.InvariantCulture, out long n) ? n : -1)];
            if (versions.All(v => v >= 0)) return new VersionPolicy(0, versions);
        }

        throw new FormatException($"\"{text}\" is no version policy: latest, latest:2, all, labels, or specific:1,3");
    }

    /// <summary>Versions to serve, rising.</summary>
    /// <param name="there">Versions in the repository, rising.</param>
    /// <param name="labelled">Versions that labels stand for.</param>
    public IReadOnlyList<long> Choose(IReadOnlyList<long> there, IEnumerable<long> labelled)
    {
        var wanted = new SortedSet<long>(there.Skip(Math.Max(0, there.Count - _latest)));
        wanted.UnionWith(_specific.Intersect(there));
        wanted.UnionWith(labelled.Intersect(there));
        return [.. wanted];
    }
}
