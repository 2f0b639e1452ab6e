using System.Text.Json.Serialization;

namespace FastIot.Evaluation;

/// <summary>A figure with its 95 % interval, from resampling the sensors.</summary>
public sealed record Estimate(double Value, double Low, double High);

/// <summary>Events of a group and how many were found.</summary>
public sealed record Found(int Events, int Detected)
{
    public double Share => Events == 0 ? double.NaN : (double)Detected / Events;
}

/// <summary>Detection of one kind and tier.</summary>
/// <param name="Tier">Null where the truth names none.</param>
public sealed record KindTier(string Kind, string? Tier, int Events, int Detected, double? MedianDelaySeconds);

/// <summary>What one threshold achieves.</summary>
/// <param name="Budget">False alarm episodes per sensor-day that it is for.</param>
/// <param name="FalseAlarmsPerDay">Episodes per day of healthy windows: outside events and the two minutes behind them.</param>
/// <param name="UndisturbedPerDay">The same over windows that begin more than half an hour behind the last event, which the model has no longer in its input.</param>
/// <param name="Chance">Detection of stretches as long as the events, placed on healthy windows.</param>
/// <param name="DelaysByKind">Seconds from an event's start to the end of the first window that alarms, of the events found, rising.</param>
public sealed record OperatingPoint(
    double Budget, double Threshold, Estimate FalseAlarmsPerDay, double UndisturbedPerDay, Estimate Detection, Estimate EasyMedium, double Chance,
    double Precision, double Recall, double F1, SortedDictionary<string, Estimate> ByKind, SortedDictionary<string, Found> ByTier, SortedDictionary<string, Found> ByType,
    IReadOnlyList<KindTier> ByKindAndTier, double? MedianDelaySeconds, SortedDictionary<string, double> MedianDelayByKind,
    [property: JsonIgnore] SortedDictionary<string, double[]> DelaysByKind);

/// <summary>Window figures and events at a quantile of healthy scores: the predecessor's way to set a threshold.</summary>
public sealed record QuantilePoint(double Quantile, double Threshold, double Precision, double Recall, double F1, double FalseAlarmsPerDay, double Detection, double Chance);

/// <summary>A point of a plotted curve.</summary>
public sealed record CurvePoint(double X, double Y);

/// <summary>What one detector achieves.</summary>
/// <param name="AtBudgets">At thresholds that raise as many false alarms on these series as the budget allows: detectors are compared by these.</param>
/// <param name="Calibrated">At thresholds fixed beforehand: what a user gets. Empty where there are none.</param>
/// <param name="BudgetCurve">Detection over false alarms per sensor-day.</param>
public sealed record DetectorResult(
    string Name, DetectorRole Role, Estimate RocAuc, Estimate PrAuc, double BestF1, Estimate F1AtPrecision95, SortedDictionary<string, double> RocAucByKind,
    IReadOnlyList<QuantilePoint> Quantiles, IReadOnlyList<OperatingPoint> AtBudgets, IReadOnlyList<OperatingPoint> Calibrated,
    IReadOnlyList<CurvePoint> RocCurve, IReadOnlyList<CurvePoint> PrCurve, IReadOnlyList<CurvePoint> BudgetCurve);

/// <summary>A model against a baseline on the same resampled sensors: the model's detection less the baseline's.</summary>
/// <param name="Better">The interval lies above zero.</param>
public sealed record Comparison(string Model, string Baseline, double Budget, Estimate Difference, bool Better);

/// <summary>Everything that <c>evaluate</c> finds.</summary>
public sealed record EvaluationReport
{
    public required string Data { get; init; }

    public required int Series { get; init; }

    public required long Windows { get; init; }

    public required double AnomalousWindows { get; init; }

    public required double HealthyDays { get; init; }

    public required int Events { get; init; }

    public required int Resamples { get; init; }

    public required IReadOnlyList<DetectorResult> Detectors { get; init; }

    public required IReadOnlyList<Comparison> Comparisons { get; init; }

    /// <summary>Ways in which this evaluation falls short of the full one.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
