using FastIot.Scoring;

namespace FastIot.Cli;

/// <summary>How a shadow compares with the model in force, since the start.</summary>
/// <param name="Model">"name:version" of the shadow.</param>
/// <param name="IsOn">False where it has failed; the figures are those until then.</param>
/// <param name="Windows">Windows that both have scored.</param>
/// <param name="NoScore">Windows at which one of them gave no number, not among the others.</param>
/// <param name="MeanDifference">Of the published scores, absolute; 0 where nothing was compared.</param>
internal sealed record ShadowSummary(
    string Model, bool IsOn, long Windows, long Both, long LiveOnly, long ShadowOnly, long NoScore, double MeanDifference, double LiveAlarmsPerSensorDay, double ShadowAlarmsPerSensorDay)
{
    public static ShadowSummary Of(Shadow shadow)
    {
        long Count(ShadowOutcome outcome) => Types.Sum(type => shadow.Windows(type, outcome));
        (long Windows, double Sum)[] differences = [.. Enumerable.Range(0, ShadowFigures.DifferenceBins).Select(shadow.Differences)];
        long windows = Types.Sum(shadow.Compared), compared = differences.Sum(d => d.Windows);
        double days = Types.Sum(shadow.SensorDays);
        double PerDay(int model) => days > 0 ? Types.Sum(type => shadow.Alarms(model, type)) / days : 0;
        return new ShadowSummary(shadow.Label, shadow.IsOn, windows, Count(ShadowOutcome.Both), Count(ShadowOutcome.Live), Count(ShadowOutcome.Shadow), Count(ShadowOutcome.NoScore),
            compared > 0 ? differences.Sum(d => d.Sum) / compared : 0, PerDay(0), PerDay(1));
    }

    private static IEnumerable<int> Types => Enumerable.Range(0, ModelDrift.Types);
}
