using FastIot.Features;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Scoring;

/// <summary>
/// Scores the rows of a closed window: gathers each series' history into the model's fixed chunk, runs it, calibrates, decides. A series
/// that is still warming has no score; there only the flat-line rule may alarm.
/// </summary>
internal sealed unsafe class WindowScorer : IWindowScorer
{
    /// <summary>Windows in a row without any change before the flat-line rule alarms: nearly two minutes of equal readings.</summary>
    private const int FlatWindows = 6;

    /// <summary>Windows in which a series must have shown that it does change.</summary>
    private const int LivelyWindows = 12;

    /// <summary>A series whose readings repeat more often than this, by habit, is not flat for being flat.</summary>
    private const float HabitualRepeats = .5f;

    private const int FlatReadings = 5;

    private readonly ModelSession? _session;
    private readonly AlarmThresholds? _thresholds;
    private readonly NativeArray<int> _rowOfChunk = new(Limits.ScoringChunk);
    private readonly float _slowAt;
    private readonly bool _namesKinds;

    public WindowScorer(Model? model, double alarmBudget)
    {
        if (model == null) return;
        _session = model.CreateSession();
        _thresholds = model.Thresholds(alarmBudget);
        Drift = new ModelDrift(model.Manifest.HeadReference, model.Manifest.ReconstructionReference);
        _slowAt = model.Manifest.Features.SlowAtFalseAlarmsPerDay;
        _namesKinds = model.Manifest.Graph.KindLogits != null;
    }

    /// <summary>What the model says in service; null without a model.</summary>
    public ModelDrift? Drift { get; }

    public void Score(WindowBatch batch, FeatureState features, SeriesTable series)
    {
        int filled = 0;
        batch.Scored = 0;
        for (int row = 0; row < batch.Count; row++)
        {
            int slot = batch.Slot[row];
            if (_session == null || features.IsWarming(slot))
            {
                Unscored(batch, row, ref features[slot]);
                continue;
            }

            _session.Fill(filled, features, slot, series.Type(slot));
            _rowOfChunk[filled++] = row;
            if (filled == Limits.ScoringChunk) filled = Run(batch, features, series, filled);
        }

        if (filled > 0) Run(batch, features, series, filled);
    }

    public void Dispose()
    {
        _session?.Dispose();
        _rowOfChunk.Dispose();
    }

    private static void Unscored(WindowBatch batch, int row, ref SeriesState state)
    {
        batch.AnomalyScore[row] = float.NaN;
        batch.HeadScore[row] = float.NaN;
        batch.ReconstructionError[row] = float.NaN;
        batch.FalseAlarmsPerDay[row] = float.NaN;
        new Span<float>(batch.KindScores.Pointer + row * AnomalyKinds.Modelled, AnomalyKinds.Modelled).Clear();
        bool flat = state.FlatWindows >= FlatWindows && state.ScaleWindows >= LivelyWindows && batch.ReadingCount[row] >= FlatReadings
            && state.Mu[8] < HabitualRepeats;
        batch.IsAnomaly[row] = batch.LearnSlowly[row] = flat ? (byte)1 : (byte)0;
        batch.Kind[row] = flat ? (sbyte)AnomalyKind.Stuck : Emit.FeatureRows.NoKind;
    }

    /// <summary>Runs one chunk, perhaps a short one; what lies behind the filled rows is of earlier chunks and is not looked at.</summary>
    private int Run(WindowBatch batch, FeatureState features, SeriesTable series, int filled)
    {
        _session!.Run(filled);
        batch.Scored += filled;
        for (int i = 0; i < filled; i++) Finish(batch, features, series, _rowOfChunk[i], i);
        return 0;
    }

    private void Finish(WindowBatch batch, FeatureState features, SeriesTable series, int row, int i)
    {
        SensorType type = series.Type(batch.Slot[row]);
        Verdict verdict = _thresholds!.Judge(_session!.Score[i], _session.ReconstructionError[i], type, features.WindowsSeen(batch.Slot[row]));
        float* kinds = batch.KindScores.Pointer + row * AnomalyKinds.Modelled;
        AnomalyKind likeliest = _namesKinds ? (AnomalyKind)Softmax(_session.KindLogits + i * AnomalyKinds.Modelled, kinds) : AnomalyKind.Unknown;
        if (!_namesKinds) new Span<float>(kinds, AnomalyKinds.Modelled).Clear();
        Drift!.Add(type, _session.Score[i], _session.ReconstructionError[i], verdict.IsAnomaly);
        batch.AnomalyScore[row] = verdict.AnomalyScore;
        batch.HeadScore[row] = _session.Score[i];
        batch.ReconstructionError[row] = _session.ReconstructionError[i];
        batch.FalseAlarmsPerDay[row] = verdict.FalseAlarmsPerDay;
        batch.IsAnomaly[row] = verdict.IsAnomaly ? (byte)1 : (byte)0;
        batch.LearnSlowly[row] = verdict.FalseAlarmsPerDay <= _slowAt ? (byte)1 : (byte)0;
        batch.Kind[row] = !verdict.IsAnomaly ? Emit.FeatureRows.NoKind : verdict.ByHead ? (sbyte)likeliest : (sbyte)AnomalyKind.Unknown;
    }

    /// <returns>Index of the largest.</returns>
    private static int Softmax(float* logits, float* scores)
    {
        int largest = 0;
        for (int k = 1; k < AnomalyKinds.Modelled; k++)
        {
            if (logits[k] > logits[largest]) largest = k;
        }

        float sum = 0;
        for (int k = 0; k < AnomalyKinds.Modelled; k++) sum += scores[k] = MathF.Exp(logits[k] - logits[largest]);
        for (int k = 0; k < AnomalyKinds.Modelled; k++) scores[k] /= sum;
        return largest;
    }
}
