using FastIot.Features;
using FastIot.Scoring;

namespace FastIot.Training;

/// <summary>
/// Rates of false alarms as they will be in service: with events among the readings, and with baselines that learn slowly in alarms. What
/// counts as an alarm for the latter is measured first, on a smaller fleet whose baselines always learn.
/// </summary>
internal sealed record Calibration(CalibrationTable? Head, IReadOnlyList<CalibrationTable> Reconstruction, double SensorDays)
{
    private const double FirstPassShare = .2;

    /// <param name="fleet">Scores of the split (1 or 3) for so many sensor-days under these alarms.</param>
    public static Calibration Measure(double days, Func<int, double, AlarmThresholds?, FleetScores> fleet, FeatureSpec spec, GraphContract graph, double headShare)
    {
        AlarmThresholds? loop = null;
        if (spec.AlarmGain < 1) loop = Of(fleet(3, days * FirstPassShare, null), graph).Thresholds(headShare, spec.SlowAtFalseAlarmsPerDay);
        return Of(fleet(1, days, loop), graph);
    }

    public AlarmThresholds Thresholds(double headShare, double budget) => new(Head, Reconstruction, headShare, budget);

    private static Calibration Of(FleetScores scores, GraphContract graph) =>
        new(graph.HasHead ? Calibrator.Head(scores) : null, graph.HasReconstruction ? Calibrator.Reconstruction(scores) : [], scores.SensorDays);
}
