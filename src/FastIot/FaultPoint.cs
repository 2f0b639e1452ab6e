using System.Globalization;
using System.Runtime.InteropServices;

namespace FastIot;

/// <summary>
/// Places where tests end the process. For tests only: <c>FASTIOT_FAULT_POINT=name[:n][:stop]</c> kills the process by SIGKILL when it comes
/// to the named point for the n-th time (default 1); with <c>stop</c> it is halted by SIGSTOP instead, to go on by SIGCONT as a zombie.
/// Several are separated by commas. Without the variable a point costs one test of a constant.
/// </summary>
internal static partial class FaultPoint
{
    public const string Variable = "FASTIOT_FAULT_POINT";

    public const string AssignBegin = "assign-begin";
    public const string AssignEnd = "assign-end";
    public const string Replay = "replay";
    public const string WindowClosed = "window-closed";
    public const string AnomalyQueued = "anomaly-queued";
    public const string FileBeforePut = "file-before-put";
    public const string FileAfterPut = "file-after-put";
    public const string SnapshotBeforePut = "snapshot-before-put";
    public const string SnapshotAfterPut = "snapshot-after-put";
    public const string TransactionBeforeOffsets = "transaction-before-offsets";
    public const string TransactionAfterOffsets = "transaction-after-offsets";
    public const string TransactionBeforeCommit = "transaction-before-commit";
    public const string TransactionAfterCommit = "transaction-after-commit";
    public const string TransactionBegun = "transaction-begun";
    public const string IdleDecided = "idle-decided";
    public const string IdleApplied = "idle-applied";
    public const string RevokeBegin = "revoke-begin";
    public const string DrainBegin = "drain-begin";

    /// <summary>All of them: a test that names another one must not pass because nothing happens.</summary>
    public static readonly string[] Names =
    [
        AssignBegin, AssignEnd, Replay, WindowClosed, AnomalyQueued, FileBeforePut, FileAfterPut, SnapshotBeforePut, SnapshotAfterPut, TransactionBegun,
        TransactionBeforeOffsets, TransactionAfterOffsets, TransactionBeforeCommit, TransactionAfterCommit, IdleDecided, IdleApplied, RevokeBegin, DrainBegin,
    ];

    private const int SigKill = 9;
    private const int SigStop = 19;

    private static readonly Armed[] s_armed = Parse(Environment.GetEnvironmentVariable(Variable));
    private static readonly bool s_any = s_armed.Length > 0;

    /// <summary>Ends or halts the process if a test has asked for it here.</summary>
    public static void Hit(string name)
    {
        if (s_any) Check(name);
    }

    /// <exception cref="FormatException">No point has that name, or the count is none.</exception>
    internal static Armed[] Parse(string? text) => string.IsNullOrEmpty(text) ? [] : [.. text.Split(',').Select(One)];

    private static Armed One(string text)
    {
        string[] parts = text.Split(':');
        if (!Names.Contains(parts[0])) throw new FormatException($"{Variable}: there is no point \"{parts[0]}\"; there are {string.Join(", ", Names)}");
        bool stop = parts[^1] == "stop";
        int last = stop ? parts.Length - 1 : parts.Length;
        int count = last < 2 ? 1 : int.Parse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture);
        if (count < 1 || last > 2) throw new FormatException($"{Variable}: \"{text}\" is not of the form name[:n][:stop]");
        return new Armed(parts[0], count, stop);
    }

    private static void Check(string name)
    {
        foreach (Armed armed in s_armed)
        {
            if (armed.Name == name && Interlocked.Decrement(ref armed.Left) == 0) Signal(Environment.ProcessId, armed.Stop ? SigStop : SigKill);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);

    /// <summary>A point that acts when it has been come to as often as is left.</summary>
    internal sealed class Armed(string name, int left, bool stop)
    {
        public string Name { get; } = name;

        public bool Stop { get; } = stop;

        public int Left = left;
    }
}
