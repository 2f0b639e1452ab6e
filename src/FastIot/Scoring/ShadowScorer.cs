using System.Diagnostics;
using FastIot.Features;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Scoring;

/// <summary>
/// One worker's use of a <see cref="Shadow"/>: scores the rows of a window that is done with (its outputs have what they need) and counts
/// where the two models differ. Reads the batch and the series' state, writes to its own figures only.
/// </summary>
internal sealed unsafe class ShadowScorer(Shadow shadow, ModelSession session, AlarmThresholds thresholds, ShadowFigures figures, long windowUs) : IDisposable
{
    private const int Live = 0, Other = 1;

    private readonly NativeArray<int> _rowOfChunk = new(Limits.ScoringChunk);

    // Window ends of the last alarms by partition, [slot][model]. Not kept over a restart: an open run of alarms then counts as a new one.
    private readonly Dictionary<int, NativeArray<long>> _lastAlarms = [];

    public void Compare(int partition, WindowBatch batch, FeatureState features, SeriesTable series)
    {
        if (!shadow.IsOn) return;
        long started = Stopwatch.GetTimestamp();
        try
        {
            Score(batch, LastAlarms(partition, series.Capacity), features, series);
        }
        catch (Exception e)
        {
            // Whatever it is: a comparison is not worth a pipeline.
            shadow.Fail(e);
        }

        figures.Ticks += Stopwatch.GetTimestamp() - started;
    }

    /// <summary>The partition is another member's, or begins anew: its slots mean nothing any more.</summary>
    public void Forget(int partition)
    {
        if (_lastAlarms.Remove(partition, out NativeArray<long>? alarms)) alarms.Dispose();
    }

    public void Dispose()
    {
        foreach (NativeArray<long> alarms in _lastAlarms.Values) alarms.Dispose();
        _lastAlarms.Clear();
        session.Dispose();
        _rowOfChunk.Dispose();
    }

    private NativeArray<long> LastAlarms(int partition, int slots)
    {
        if (!_lastAlarms.TryGetValue(partition, out NativeArray<long>? alarms)) _lastAlarms.Add(partition, alarms = new NativeArray<long>(0));
        alarms.Grow(slots * ShadowFigures.Models);
        return alarms;
    }

    private void Score(WindowBatch batch, NativeArray<long> lastAlarms, FeatureState features, SeriesTable series)
    {
        int filled = 0;
        for (int row = 0; row < batch.Count; row++)
        {
            int slot = batch.Slot[row];
            if (features.IsWarming(slot)) continue;
            session.Fill(filled, features, slot, series.Type(slot));
            _rowOfChunk[filled++] = row;
            if (filled < Limits.ScoringChunk) continue;
            Run(batch, lastAlarms, features, series, filled);
            filled = 0;
        }

        if (filled > 0) Run(batch, lastAlarms, features, series, filled);
    }

    private void Run(WindowBatch batch, NativeArray<long> lastAlarms, FeatureState features, SeriesTable series, int filled)
    {
        session.Run(filled);
        for (int i = 0; i < filled; i++)
        {
            int row = _rowOfChunk[i], slot = batch.Slot[row];
            SensorType type = series.Type(slot);
            Verdict verdict = thresholds.Judge(session.Score[i], session.ReconstructionError[i], type, features.WindowsSeen(slot));
            Count(ModelDrift.Place(type), batch.AnomalyScore[row], batch.IsAnomaly[row] != 0, in verdict, lastAlarms.Pointer + slot * ShadowFigures.Models, batch.WindowEndUs);
        }
    }

    private void Count(int type, float score, bool isAnomaly, in Verdict verdict, long* lastAlarms, long endUs)
    {
        if (!float.IsFinite(score) || !float.IsFinite(verdict.AnomalyScore))
        {
            figures.Add(type, ShadowOutcome.NoScore);
            return;
        }

        figures.Add(type, (isAnomaly, verdict.IsAnomaly) switch
        {
            (true, true) => ShadowOutcome.Both,
            (true, false) => ShadowOutcome.Live,
            (false, true) => ShadowOutcome.Shadow,
            _ => ShadowOutcome.Neither,
        });
        figures.AddDifference(Math.Abs((double)verdict.AnomalyScore - score));
        if (isAnomaly) CountAlarm(Live, type, lastAlarms, endUs);
        if (verdict.IsAnomaly) CountAlarm(Other, type, lastAlarms, endUs);
    }

    private void CountAlarm(int model, int type, long* lastAlarms, long endUs)
    {
        if (Episodes.Begins(lastAlarms[model], endUs, windowUs)) figures.AddAlarm(model, type);
        lastAlarms[model] = endUs;
    }
}
