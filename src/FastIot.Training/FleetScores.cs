using FastIot.Features;
using FastIot.Scoring;
using FastIot.Simulation;
using FastIot.Windows;

namespace FastIot.Training;

/// <summary>Raw scores of every window of a fleet, through ONNX Runtime as the pipeline has it: NaN while warming or without a window.</summary>
internal sealed class FleetScores
{
    internal FleetScores(int series, int windows)
    {
        Windows = windows;
        Types = new SensorType[series];
        Score = new float[series][];
        Error = new float[series][];
        Seen = new int[series][];
        Label = new sbyte[series][];
    }

    public int Windows { get; }

    public SensorType[] Types { get; }

    /// <summary>[series][window]; window w ends at <see cref="FirstEndUs"/> plus w slides.</summary>
    public float[][] Score { get; }

    public float[][] Error { get; }

    /// <summary>Windows seen of the series, the age of its baselines.</summary>
    public int[][] Seen { get; }

    public sbyte[][] Label { get; }

    /// <summary>In order of their start within each series.</summary>
    public List<AnomalyEvent> Events { get; } = [];

    public long FirstEndUs { get; private set; }

    /// <summary>Windows that have a score, as time.</summary>
    public double SensorDays { get; internal set; }

    /// <param name="fleet">The sensors.</param>
    /// <param name="hours">Of each.</param>
    /// <param name="spec">What the model was trained with.</param>
    /// <param name="open">Makes one thread's session of the model.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="progress">Told the share that is done, by any thread.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/> between two shards.</param>
    /// <param name="loop">The alarms from which baselines learn slowly, as in the pipeline; null where they always learn at full speed.</param>
    public static FleetScores Of(FleetOptions fleet, double hours, FeatureSpec spec, Func<ModelSession> open, AlarmThresholds? loop, int threads, Action<double> progress, CancellationToken cancellation = default) =>
        Of(SimulatedWindows.Shards(fleet.Sensors), shard => SimulatedWindows.Simulate(fleet, hours, shard), spec, open, loop, threads, progress, cancellation);

    /// <summary>The logs are made one by one, played, and forgotten.</summary>
    public static FleetScores Of(int shards, Func<int, WindowLog> log, FeatureSpec spec, Func<ModelSession> open, AlarmThresholds? loop, int threads, Action<double> progress, CancellationToken cancellation = default)
    {
        var parts = new FleetScores[shards];
        int done = 0;
        Parallel.For(0, shards, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation }, i =>
        {
            using ModelSession session = open();
            parts[i] = Of(log(i), spec, session, loop);
            progress((double)Interlocked.Increment(ref done) / shards);
        });
        return Joined(parts);
    }

    /// <summary>Scores of what is normal only: NaN in and just behind events.</summary>
    public float[][] Normal(float[][] scores) =>
        [.. scores.Select((series, s) => series.Select((score, w) => Label[s][w] == WindowLabel.Normal ? score : float.NaN).ToArray())];

    private static FleetScores Of(WindowLog log, FeatureSpec spec, ModelSession session, AlarmThresholds? loop)
    {
        var scores = new FleetScores(log.Series, log.Windows) { FirstEndUs = log.FirstEndUs };
        for (int s = 0; s < log.Series; s++)
        {
            scores.Types[s] = log.Types[s];
            scores.Score[s] = new float[log.Windows];
            scores.Error[s] = new float[log.Windows];
            scores.Seen[s] = new int[log.Windows];
            scores.Label[s] = new sbyte[log.Windows];
            Array.Fill(scores.Score[s], float.NaN);
            Array.Fill(scores.Error[s], float.NaN);
            Array.Fill(scores.Label[s], WindowLabel.DoNotCare);
        }

        int[] chunk = new int[Limits.ScoringChunk];
        long scored = 0;
        log.Play(spec, (w, batch, features) =>
        {
            int filled = 0;
            if (!log.Uses(w)) return;
            ReadOnlySpan<WindowRow> rows = log.Rows(w);
            for (int row = 0; row < rows.Length; row++)
            {
                if (features.IsWarming(rows[row].Series)) continue;
                scores.Label[rows[row].Series][w] = rows[row].Label;
                scores.Seen[rows[row].Series][w] = features.WindowsSeen(rows[row].Series);
                session.Fill(filled, features, rows[row].Series, scores.Types[rows[row].Series]);
                chunk[filled++] = row;
                if (filled == chunk.Length) filled = scores.Run(session, batch, chunk, filled, w, spec, loop, ref scored);
            }

            if (filled > 0) scores.Run(session, batch, chunk, filled, w, spec, loop, ref scored);
        });
        scores.Events.AddRange(log.Events);
        scores.SensorDays = scored * log.Spec.SlideUs / 86400e6;
        return scores;
    }

    private unsafe int Run(ModelSession session, WindowBatch batch, int[] chunk, int filled, int w, FeatureSpec spec, AlarmThresholds? loop, ref long scored)
    {
        session.Run();
        scored += filled;
        for (int i = 0; i < filled; i++)
        {
            int row = chunk[i], series = batch.Slot[row];
            Score[series][w] = session.Score[i];
            Error[series][w] = session.ReconstructionError[i];
            if (loop != null && loop.Judge(session.Score[i], session.ReconstructionError[i], Types[series], Seen[series][w]).FalseAlarmsPerDay <= spec.SlowAtFalseAlarmsPerDay) batch.LearnSlowly[row] = 1;
        }

        return 0;
    }

    private static FleetScores Joined(FleetScores[] parts)
    {
        var all = new FleetScores(parts.Sum(p => p.Score.Length), parts.Max(p => p.Windows)) { FirstEndUs = parts[0].FirstEndUs, SensorDays = parts.Sum(p => p.SensorDays) };
        int first = 0;
        foreach (FleetScores part in parts)
        {
            part.Types.CopyTo(all.Types, first);
            part.Score.CopyTo(all.Score, first);
            part.Error.CopyTo(all.Error, first);
            part.Seen.CopyTo(all.Seen, first);
            part.Label.CopyTo(all.Label, first);
            foreach (AnomalyEvent e in part.Events) all.Events.Add(e with { Sensor = e.Sensor + first });
            first += part.Score.Length;
        }

        return all;
    }
}
