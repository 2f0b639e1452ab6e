using System.Text;

namespace FastIot.Cli;

/// <summary>The summary for people. Numbers are in the invariant culture, the only one of this program.</summary>
internal static class SummaryText
{
    public static string Write(Summary s)
    {
        var text = new StringBuilder();
        Line(text, "time", $"{s.Seconds:N1} s, model {s.Model}, vectors {s.Vectors}");
        if (s.History is { } history) Line(text, "history", $"{history:N0} readings before the start");
        if (s.Produced is { } produced) Line(text, "produced", $"{produced:N0} readings");
        Line(text, "readings", $"{s.Readings:N0} ({s.ReadingsPerSecond:N0}/s) of {s.Series:N0} series, late {s.Late:N0}, rejected {s.Rejected:N0}{Counts(s.RejectedByReason)}");
        if (s.Replayed > 0) Line(text, "replayed", $"{s.Replayed:N0} records read again");
        Line(text, "windows", $"{s.Windows:N0} closed, {s.Scored:N0} scored");
        Line(text, "anomalies", $"{s.Anomalies:N0} windows{Counts(s.AnomaliesByKind)}");
        if (s.Shadow is { } shadow) AppendShadow(text, shadow);
        if (s.Truth is { } truth) AppendTruth(text, truth);
        if (s.Latency is { } l) Line(text, "latency", $"p50 {l.P50Ms:N0} ms, p95 {l.P95Ms:N0} ms, p99 {l.P99Ms:N0} ms, max {l.MaxMs:N0} ms ({l.Count:N0} anomalies)");
        if (s.Files is { } f) Line(text, "files", $"{f.Files:N0} with {f.Rows:N0} rows, {Bytes(f.Bytes)}, in {f.Location}");
        Line(text, "memory", $"peak {Bytes(s.Process.PeakMemoryBytes)}, of it {Bytes(s.Process.StateBytes)} for the series");
        Line(text, "processor", $"{s.Process.ProcessorSeconds:N1} s, {s.Process.ProcessorShare:P0} of one core");
        if (s.Steady is { } steady) AppendSteady(text, steady);
        return text.ToString();
    }

    /// <summary>1,536 becomes "1.5 KiB".</summary>
    public static string Bytes(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        double value = bytes;
        int unit = 0;
        for (; value >= 1024 && unit < units.Length - 1; unit++) value /= 1024;
        return $"{value:0.#} {units[unit]}";
    }

    private static void AppendShadow(StringBuilder text, ShadowSummary s)
    {
        Line(text, "shadow", $"{s.Model}: {s.Windows:N0} windows compared, both alarm at {s.Both:N0}, {s.LiveOnly:N0} by the model only, {s.ShadowOnly:N0} by the shadow only{(s.NoScore > 0 ? $", {s.NoScore:N0} without a score" : "")}");
        Line(text, "", $"scores {s.MeanDifference:0.###} apart in the mean; alarms per sensor and day {s.LiveAlarmsPerSensorDay:N2} by the model, {s.ShadowAlarmsPerSensorDay:N2} by the shadow{(s.IsOn ? "" : "; it has FAILED meanwhile, see the log")}");
    }

    private static void AppendTruth(StringBuilder text, TruthSummary truth)
    {
        string kinds = string.Join(", ", truth.ByKind.Select(k => $"{k.Key} {k.Value.Found} of {k.Value.Events}"));
        Line(text, "truth", $"{truth.Found:N0} of {truth.Events:N0} injected events found ({kinds})");
        Line(text, "false alarms", $"{truth.FalseAlarms:N0} in {truth.SensorDays:N1} sensor-days: {truth.FalseAlarmsPerSensorDay:N2} per sensor and day");
    }

    private static void AppendSteady(StringBuilder text, SteadySummary s) => Line(text, "steady state",
        $"{s.Readings:N0} readings in {s.Seconds:N1} s: workers allocated {Bytes(s.WorkerAllocatedBytes)} ({s.WorkerBytesPerReading:0.####} B a reading), "
        + $"process {Bytes(s.ProcessAllocatedBytes)}; collections {s.Gen0}/{s.Gen1}/{s.Gen2}");

    private static string Counts(SortedDictionary<string, long> counts) =>
        counts.Count == 0 ? "" : $" ({string.Join(", ", counts.Select(c => $"{c.Key} {c.Value:N0}"))})";

    private static void Line(StringBuilder text, string name, string value) => text.Append(name.PadRight(13)).AppendLine(value);
}
