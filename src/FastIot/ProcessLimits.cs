using System.Globalization;

namespace FastIot;

/// <summary>
/// What the system lets this process have. Looked at before anything is started, and while series are added: the kernel's own ways (a socket
/// refused deep within a library, a kill without a word) say neither what ran out nor what to do.
/// </summary>
public static class ProcessLimits
{
    /// <summary>Some 30 files and sockets for the pipeline, 10 for each broker and worker, 64 connections to the HTTP port.</summary>
    public const long LeastOpenFiles = 256;

    /// <summary>What the garbage collector sees: three quarters of a container's limit, else the machine's memory.</summary>
    public const long LeastMemoryBytes = 128L << 20;

    /// <summary>Kept free of series and windows: for the runtime, the libraries, the records and rows on their way.</summary>
    private const long ReservedBytes = 96L << 20;

    private static readonly long s_available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    private static long s_taken;

    /// <summary>Native memory that series, windows and batches hold now, bytes.</summary>
    public static long NativeBytes => Interlocked.Read(ref s_taken);

    /// <exception cref="ResourceLimitException">Too little to begin with.</exception>
    public static void Check()
    {
        if (OpenFiles() is { } files && files < LeastOpenFiles)
            throw new ResourceLimitException($"this process may open {files} files and sockets; it needs {LeastOpenFiles}. Raise the limit: ulimit -n 4096, or LimitNOFILE=4096 in a systemd unit");
        if (s_available < LeastMemoryBytes)
            throw new ResourceLimitException($"this process may use {Mebibytes(s_available)} of memory (three quarters of a container's limit); it needs {Mebibytes(LeastMemoryBytes)}. Raise the limit");
    }

    /// <summary>Accounts for memory that is about to be allocated.</summary>
    /// <exception cref="ResourceLimitException">It would go beyond what this process may have.</exception>
    internal static void Take(nuint bytes)
    {
        long taken = Interlocked.Add(ref s_taken, (long)bytes);
        if (taken <= s_available - ReservedBytes) return;
        Give(bytes);
        throw Exhausted((long)bytes, null);
    }

    internal static void Give(nuint bytes) => Interlocked.Add(ref s_taken, -(long)bytes);

    internal static ResourceLimitException Exhausted(long wanted, Exception? inner) => new(
        $"out of memory: series and windows hold {Mebibytes(NativeBytes)}, {Mebibytes(wanted)} more are needed, and this process may use {Mebibytes(s_available)} in all, "
        + $"{Mebibytes(ReservedBytes)} of it for the rest. Raise the limit, lower pipeline.max-series, or share the partitions among more instances", inner);

    /// <returns>Null where the system does not say.</returns>
    private static long? OpenFiles()
    {
        const string limits = "/proc/self/limits", name = "Max open files";
        if (!File.Exists(limits)) return null;
        string? line = File.ReadLines(limits).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        string? soft = line?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out long files) ? files : null;
    }

    private static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 20):0.#} MiB");
}

/// <summary>The system gives no more of something; the message says of what, and what to do.</summary>
public sealed class ResourceLimitException(string message, Exception? inner = null) : Exception(message, inner);
