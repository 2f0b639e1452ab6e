using System.Globalization;
using System.Runtime.CompilerServices;
using FastIot.Recovery;

namespace FastIot;

/// <summary>
/// What is committed beside a partition's offset (DESIGN section 4). The offset itself is where a replay begins; this says how far the
/// outputs are, and which decisions a replay must repeat because they are not functions of the log.
/// </summary>
/// <remarks>
/// Text such as <c>v=2;pos=1234;emit=1793577660000000;pq=-60000;snap=-60000:1a2b3c4d;idle=-3@20000;mdl=3&gt;4@10000;w=60000;n=10;h=0123abcd</c>.
/// emit is in µs since the epoch; pq, snap, idle and mdl are relative to it, in ms (with a u behind: µs); the position of an idle decision
/// is relative to pos. That keeps it below 150 bytes.
/// </remarks>
/// <param name="Position">Next unread offset: dead letters and late readings before it are out.</param>
/// <param name="EmittedUs">Last window end whose anomalies are out; <see cref="None"/> = none.</param>
/// <param name="StoredUs">Last window end whose rows are in a file; never above <paramref name="EmittedUs"/>.</param>
/// <param name="SnapshotUs">Window end of the snapshot of slow state; never above <paramref name="StoredUs"/>.</param>
/// <param name="ConfigHash">See <see cref="PipelineOptions.ConfigHash"/>.</param>
public sealed record CommitMetadata(long Position, long EmittedUs, long StoredUs, long SnapshotUs, string ConfigHash)
{
    /// <summary>A hard bound, far below the broker's 4,096. Texts of usual values stay below 150.</summary>
    public const int MaxLength = 250;

    /// <summary>No window end yet.</summary>
    public const long None = long.MinValue;

    private const string Version = "2";

    /// <summary>Begin of the snapshot's SHA-256, 8 hex digits; empty where slow state is not kept and a restart begins without.</summary>
    public string SnapshotHash { get; init; } = "";

    /// <summary>Idle decisions that a replay from the committed offset can meet, by rising position.</summary>
    public IdleDecisions Idle { get; init; }

    public ModelInForce Model { get; init; } = new(0);

    /// <summary>Length of the windows: a replay from the committed offset reads all of it before the snapshot.</summary>
    public long WindowUs { get; init; }

    /// <summary>Partitions of the topic when this was written; 0 = unknown.</summary>
    public int Partitions { get; init; }

    /// <summary>Allocates the text and nothing else.</summary>
    public override string ToString()
    {
        var text = new DefaultInterpolatedStringHandler(0, 0, CultureInfo.InvariantCulture, stackalloc char[MaxLength]);
        Append(ref text, "v=" + Version + ";pos=", Position);
        text.AppendLiteral(";emit=");
        if (EmittedUs == None) text.AppendLiteral("-");
        else text.AppendFormatted(EmittedUs);
        AppendTime(ref text, ";pq=", StoredUs);
        AppendTime(ref text, ";snap=", SnapshotUs);
        if (SnapshotHash.Length > 0) text.AppendLiteral(":");
        text.AppendLiteral(SnapshotHash);
        for (int i = 0; i < Idle.Count; i++)
        {
            Append(ref text, i == 0 ? ";idle=" : ",", Idle[i].Position - Position);
            AppendTime(ref text, "@", Idle[i].WindowEndUs);
        }

        if (Model.Version != 0 || Model.Next != 0) Append(ref text, ";mdl=", Model.Version);
        if (Model.IsChanging)
        {
            Append(ref text, ">", Model.Next);
            AppendTime(ref text, "@", Model.NextFromUs);
        }

        if (WindowUs > 0) AppendMilliseconds(ref text, ";w=", WindowUs);
        if (Partitions > 0) Append(ref text, ";n=", Partitions);
        text.AppendLiteral(";h=");
        text.AppendLiteral(ConfigHash);
        string written = text.ToStringAndClear();
        return written.Length <= MaxLength ? written : throw new InvalidOperationException($"commit metadata of {written.Length} bytes: {written}");
    }

    /// <exception cref="FormatException">Not ours, or of another version; the message says which.</exception>
    public static CommitMetadata Parse(string text)
    {
        var members = new Dictionary<string, string>();
        foreach (string member in text.Split(';'))
        {
            int equals = member.IndexOf('=');
            if (equals <= 0 || !members.TryAdd(member[..equals], member[(equals + 1)..])) throw Foreign(text);
        }

        if (!members.TryGetValue("v", out string? version) || !int.TryParse(version, out int format)) throw Foreign(text);
        if (version != Version) throw new UnknownFormatException($"the committed metadata \"{text}\" has format {format}; this version of FastIot reads and writes format {Version}");
        try
        {
            return Read(members);
        }
        catch (Exception e) when (e is KeyNotFoundException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            throw Foreign(text);
        }
    }

    private static CommitMetadata Read(Dictionary<string, string> members)
    {
        long position = Number(members["pos"]);
        long emitted = members["emit"] == "-" ? None : Number(members["emit"]);
        string[] snapshot = members["snap"].Split(':');
        var idle = new IdleDecisions();
        foreach (string decision in members.GetValueOrDefault("idle", "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = decision.Split('@');
            idle = idle.With(new IdleDecision(position + Number(parts[0]), Absolute(parts[1], emitted)));
        }

        string[] model = members.GetValueOrDefault("mdl", "0").Split('>', '@');
        return new CommitMetadata(position, emitted, Absolute(members["pq"], emitted), Absolute(snapshot[0], emitted), members["h"])
        {
            SnapshotHash = snapshot.Length > 1 ? snapshot[1] : "",
            Idle = idle,
            Model = model.Length == 1
                ? new ModelInForce((int)Number(model[0]))
                : new ModelInForce((int)Number(model[0]), (int)Number(model[1]), Absolute(model[2], emitted)),
            WindowUs = Microseconds(members.GetValueOrDefault("w", "0")),
            Partitions = (int)Number(members.GetValueOrDefault("n", "0")),
        };
    }

    private void AppendTime(ref DefaultInterpolatedStringHandler text, string name, long us)
    {
        if (us != None)
        {
            AppendMilliseconds(ref text, name, us - (EmittedUs == None ? 0 : EmittedUs));
            return;
        }

        text.AppendLiteral(name);
        text.AppendLiteral("-");
    }

    private static void AppendMilliseconds(ref DefaultInterpolatedStringHandler text, string name, long us)
    {
        Append(ref text, name, us % 1000 == 0 ? us / 1000 : us);
        if (us % 1000 != 0) text.AppendLiteral("u");
    }

    private static void Append(ref DefaultInterpolatedStringHandler text, string name, long number)
    {
        text.AppendLiteral(name);
        text.AppendFormatted(number);
    }

    private static long Absolute(string text, long emitted) => text == "-" ? None : (emitted == None ? 0 : emitted) + Microseconds(text);

    private static long Microseconds(string text) => text.EndsWith('u') ? Number(text[..^1]) : checked(Number(text) * 1000);

    private static long Number(string text) => long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    private static FormatException Foreign(string text) => new($"the committed metadata \"{text}\" was not written by FastIot");
}

/// <summary>Metadata of ours, of a version that this one cannot read.</summary>
public sealed class UnknownFormatException(string message) : FormatException(message);
