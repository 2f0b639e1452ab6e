using System.Security.Cryptography;
using FastIot.Features;
using FastIot.Scoring;

namespace FastIot.Training;

/// <summary>
/// Rates of false alarms as they will be in service: with events among the readings, and with baselines that learn slowly in alarms. What
/// counts as an alarm for the latter is measured first, on a smaller fleet: once with baselines that always learn, and once more with the
/// alarms that this gives.
/// </summary>
/// <param name="Combined">Of all channels and ages together.</param>
internal sealed record Calibration(CalibrationTable? Head, IReadOnlyList<CalibrationTable> Reconstruction, double HeadShare, YoungSeries Young, CalibrationTable Combined, double SensorDays)
{
    private const double FirstPassShare = .2;

    /// <summary>Distribution of healthy raw scores by type, "*" among them.</summary>
    public IReadOnlyList<ScoreReference> HeadReference { get; init; } = [];

    public IReadOnlyList<ScoreReference> ReconstructionReference { get; init; } = [];

    /// <param name="fleet">Scores of the split (1 or 3) for so many sensor-days under these alarms.</param>
    public static Calibration Measure(double days, Func<int, double, AlarmThresholds?, FleetScores> fleet, FeatureSpec spec, GraphContract graph, double headShare)
    {
        AlarmThresholds? loop = null;
        for (int pass = 0; pass < 2 && spec.AlarmGain < 1; pass++) loop = Of(fleet(3, days * FirstPassShare, loop), graph, headShare).Thresholds(spec.SlowAtFalseAlarmsPerDay);
        return Of(fleet(1, days, loop), graph, headShare);
    }

    public AlarmThresholds Thresholds(double budget) => new(Head, Reconstruction, HeadShare, budget, Young, Combined);

    internal static Calibration Of(FleetScores scores, GraphContract graph, double headShare)
    {
        CalibrationTable? head = graph.HasHead ? Calibrator.Head(scores) : null;
        CalibrationTable[] reconstruction = graph.HasReconstruction ? Calibrator.Reconstruction(scores) : [];
        YoungSeries young = Calibrator.Young(scores, new AlarmThresholds(head, reconstruction, headShare, 1));
        CalibrationTable combined = Calibrator.Combined(scores, new AlarmThresholds(head, reconstruction, headShare, 1, young));
        return new Calibration(head, reconstruction, headShare, young, combined, scores.SensorDays)
        {
            HeadReference = graph.HasHead ? References(scores, scores.Score) : [],
            ReconstructionReference = graph.HasReconstruction ? References(scores, scores.Error) : [],
        };
    }

    /// <summary>The manifest with this calibration, for this graph file.</summary>
    public ModelManifest In(ModelManifest manifest, byte[] onnx) => manifest with
    {
        HeadCalibration = Head,
        Reconstruction = Reconstruction,
        HeadShare = HeadShare,
        Young = Young,
        Combined = Combined,
        HeadReference = HeadReference,
        ReconstructionReference = ReconstructionReference,
        OnnxSha256 = Convert.ToHexStringLower(SHA256.HashData(onnx)),
    };

    private static ScoreReference[] References(FleetScores scores, float[][] channel)
    {
        float[][] healthy = scores.Normal(channel);
        IEnumerable<ScoreReference> byType = Enumerable.Range(0, SensorTypes.Count).Where(type => scores.Types.Contains((SensorType)type))
            .Select(type => ScoreReference.Of(SensorTypes.Names[type], healthy.Where((_, s) => scores.Types[s] == (SensorType)type).SelectMany(s => s)));
        return [.. byType, ScoreReference.Of("*", healthy.SelectMany(s => s))];
    }
}
