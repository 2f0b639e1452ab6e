using System.Globalization;

namespace FastIot.Observe;

/// <summary>What the operating system and the garbage collector say of this process.</summary>
public readonly record struct ProcessFigures
{
    /// <summary>Physical memory now, bytes; 0 where the system does not say.</summary>
    public long ResidentBytes { get; init; }

    /// <summary>The most there has been since the start.</summary>
    public long PeakBytes { get; init; }

    /// <summary>Processor time used by all threads, user and kernel.</summary>
    public TimeSpan Processor { get; init; }

    /// <summary>Managed bytes allocated by all threads since the start.</summary>
    public long AllocatedBytes { get; init; }

    public int Gen0 { get; init; }

    public int Gen1 { get; init; }

    public int Gen2 { get; init; }

    public static ProcessFigures Now()
    {
        (long resident, long peak) = Memory();
        return new ProcessFigures
        {
            ResidentBytes = resident,
            PeakBytes = peak,
            Processor = Environment.CpuUsage.TotalTime,
            AllocatedBytes = GC.GetTotalAllocatedBytes(precise: false),
            Gen0 = GC.CollectionCount(0),
            Gen1 = GC.CollectionCount(1),
            Gen2 = GC.CollectionCount(2),
        };
    }

    private static (long Resident, long Peak) Memory()
    {
        const string status = "/proc/self/status";
        if (!File.Exists(status)) return (Environment.WorkingSet, 0);
        long resident = 0, peak = 0;
        foreach (string line in File.ReadLines(status))
        {
            if (line.StartsWith("VmRSS:", StringComparison.Ordinal)) resident = Kilobytes(line);
            else if (line.StartsWith("VmHWM:", StringComparison.Ordinal)) peak = Kilobytes(line);
        }

        return (resident, peak);
    }

    /// <summary>"VmHWM:    123456 kB" in bytes.</summary>
    private static long Kilobytes(string line) =>
        long.Parse(line.AsSpan(line.IndexOf(':') + 1).Trim().TrimEnd("kB").Trim(), NumberStyles.None, CultureInfo.InvariantCulture) * 1024;
}
