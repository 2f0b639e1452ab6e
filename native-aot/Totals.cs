using FastIot.Scoring;

namespace FastIot.Cli;

/// <summary>The pipeline's totals at one moment; unlike a snapshot they stand still.</summary>
internal sealed record Totals
{
    public long Records { get; init; }

    public long Readings { get; init; }

    public long Late { get; init; }

    public long Rejected { get; init; }

    public long Replayed { get; init; }

    public long Windows { get; init; }

    public long Scored { get; init; }

    public long Anomalies { get; init; }

    public long[] ByReason { get; init; } = new long[Rejections.Count];

    public long[] ByKind { get; init; } = new long[AnomalyKinds.Modelled + 1];

    public static Totals Of(PipelineStatistics s) => new()
    {
        Records = s.Records,
        Readings = s.Readings,
        Late = s.Late,
        Rejected = s.Rejected,
        Replayed = s.Replayed,
        Windows = s.Windows,
        Scored = s.Scored,
        Anomalies = s.Anomalies,
        ByReason = [.. Enumerable.Range(0, Rejections.Count).Select(r => s.RejectedFor((Rejection)r))],
        ByKind = [.. Enumerable.Range(0, AnomalyKinds.Modelled + 1).Select(k => s.Workers.Sum(w => w.AnomaliesByKind[k]))],
    };
}
