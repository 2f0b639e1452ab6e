using FastIot.Features;
using FastIot.Scoring;
using FastIot.Simulation;
using FastIot.Windows;

namespace FastIot.Training;

/// <summary>Raw scores of every window of a fleet, through ONNX Runtime as the pipeline has it: NaN while warming or without a window.</summary>
internal sealed class FleetScores
{
    private FleetScores(int sensors, int windows, double hours)
    {
        Windows = windows;
        SensorDays = sensors * (hours - 0.5) / 24;
        Score = new float[sensors][];
        Error = new float[sensors][];
        Label = new sbyte[sensors][];
        for (int s = 0; s < sensors; s++)
        {
            Score[s] = new float[windows];
            Error[s] = new float[windows];
            Label[s] = new sbyte[windows];
            Array.Fill(Score[s], float.NaN);
            Array.Fill(Label[s], WindowLabel.DoNotCare);
        }
    }

    public int Windows { get; }

    /// <summary>Past warming.</summary>
    public double SensorDays { get; }

    /// <summary>[sensor][window]; window w ends at the fleet's first slide end plus w slides.</summary>
    public float[][] Score { get; }

    public float[][] Error { get; }

    public sbyte[][] Label { get; }

    public List<AnomalyEvent> Events { get; private set; } = [];

    public long FirstEndUs { get; private init; }

    /// <param name="thresholds">With these, baselines learn as they do in the pipeline: more slowly while a series is in alarm.</param>
    public static unsafe FleetScores Of(FleetOptions fleet, double hours, FeatureSpec spec, ModelSession session, AlarmThresholds? thresholds, Action<double> progress)
    {
        long slide = WindowSpec.Default.SlideUs;
        long first = Watermark.Floor(fleet.StartUs, slide) + slide;
        var scores = new FleetScores(fleet.Sensors, (int)(hours * 3600e6 / slide) + 1, hours) { FirstEndUs = first };
        using var windows = new FleetWindows(fleet, spec);
        int rowFloats = spec.Lags.Length * FeatureNames.Count;
        int[] chunk = new int[Limits.ScoringChunk];
        windows.Play(hours, () =>
        {
            int w = (int)((windows.Batch.WindowEndUs - first) / slide), filled = 0;
            for (int row = 0; row < windows.Batch.Count; row++)
            {
                int sensor = windows.Batch.Slot[row];
                if (windows.Features.IsWarming(sensor)) continue;
                scores.Label[sensor][w] = windows.Label(sensor, windows.Batch.WindowEndUs);
                windows.Features.Gather(sensor, session.Features + filled * rowFloats);
                var type = new Span<float>(session.SensorType + filled * SensorTypes.Count, SensorTypes.Count);
                type.Clear();
                type[(int)Fleet.TypeOf(sensor)] = 1;
                chunk[filled++] = row;
                if (filled == chunk.Length) filled = scores.Run(session, windows.Batch, chunk, filled, w, thresholds);
            }

            if (filled > 0) scores.Run(session, windows.Batch, chunk, filled, w, thresholds);
            progress((windows.Batch.WindowEndUs - fleet.StartUs) / (hours * 3600e6));
        });
        scores.Events = windows.Events;
        return scores;
    }

    private unsafe int Run(ModelSession session, WindowBatch batch, int[] chunk, int filled, int w, AlarmThresholds? thresholds)
    {
        session.Run();
        for (int i = 0; i < filled; i++)
        {
            int row = chunk[i], sensor = batch.Slot[row];
            Score[sensor][w] = session.Score[i];
            Error[sensor][w] = session.ReconstructionError[i];
            if (thresholds != null && thresholds.Judge(session.Score[i], session.ReconstructionError[i], Fleet.TypeOf(sensor)).IsAnomaly) batch.IsAnomaly[row] = 1;
        }

        return 0;
    }
}
