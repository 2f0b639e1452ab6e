using System.Globalization;

namespace FastIot;

/// <summary>
/// What is committed beside a partition's offset: how far its outputs are. The offset itself is where a replay begins.
/// Text of the form <c>v=1;pos=…;emit=…;pq=…;snap=…;h=…</c>, well below the broker's limit.
/// </summary>
/// <param name="Position">Next unread offset: dead letters and late readings before it are out.</param>
/// <param name="EmittedUs">Last window end whose anomalies are out; <see cref="long.MinValue"/> = none.</param>
/// <param name="StoredUs">Last window end whose rows are in a file.</param>
/// <param name="SnapshotUs">Window end of the snapshot of slow state; equal to <paramref name="StoredUs"/> where there are none.</param>
/// <param name="ConfigHash">See <see cref="PipelineOptions.ConfigHash"/>.</param>
public readonly record struct CommitMetadata(long Position, long EmittedUs, long StoredUs, long SnapshotUs, string ConfigHash)
{
    public const int MaxLength = 150;

    private const string Version = "1";

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"v={Version};pos={Position};emit={Text(EmittedUs)};pq={Text(StoredUs)};snap={Text(SnapshotUs)};h={ConfigHash}");

    /// <exception cref="FormatException">Not ours, or of a newer version; the message says which.</exception>
    public static CommitMetadata Parse(string text)
    {
        var members = new Dictionary<string, string>();
        foreach (string member in text.Split(';'))
        {
            int equals = member.IndexOf('=');
            if (equals <= 0 || !members.TryAdd(member[..equals], member[(equals + 1)..])) throw Foreign(text);
        }

        if (!members.TryGetValue("v", out string? version)) throw Foreign(text);
        if (version != Version) throw new FormatException($"the committed metadata \"{text}\" has format {version}; this version of FastIot reads format {Version}");
        try
        {
            return new CommitMetadata(Number(members["pos"]), Number(members["emit"]), Number(members["pq"]), Number(members["snap"]), members["h"]);
        }
        catch (Exception e) when (e is KeyNotFoundException or FormatException or OverflowException)
        {
            throw Foreign(text);
        }
    }

    private static string Text(long us) => us == long.MinValue ? "-" : us.ToString(CultureInfo.InvariantCulture);

    private static long Number(string text) => text == "-" ? long.MinValue : long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    private static FormatException Foreign(string text) => new($"the committed metadata \"{text}\" was not written by FastIot");
}
