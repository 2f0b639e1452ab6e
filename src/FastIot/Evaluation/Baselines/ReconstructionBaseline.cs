using FastIot.Features;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Evaluation.Baselines;

/// <summary>
/// The reconstruction error of a model as it is, one threshold for all series: the predecessor's design, when the model is an autoencoder of
/// the raw six features under one global scale.
/// </summary>
internal sealed unsafe class ReconstructionBaseline : IRowScorer, IDisposable
{
    private readonly ModelSession _session;
    private readonly FeatureState _state;
    private readonly WindowBatch _batch = new();
    private readonly int[] _rowOfChunk = new int[Limits.ScoringChunk];
    private float[] _errors = [];
    private int _slots = 16;

    public ReconstructionBaseline(Model model, string name)
    {
        _session = model.CreateSession();
        _state = new FeatureState(_slots, model.Manifest.Features);
        Columns = [(name, DetectorRole.Baseline)];
    }

    public IReadOnlyList<(string Name, DetectorRole Role)> Columns { get; }

    public void Begin(WindowBatch batch, SeriesTable series)
    {
        if (series.Count > _slots) _state.Grow(_slots = Math.Max(series.Count, 2 * _slots));
        RawColumns.Copy(batch, _batch);
        _state.Observe(_batch);
        if (_errors.Length < _batch.Count) _errors = new float[Math.Max(_batch.Count, 2 * _errors.Length)];
        Array.Fill(_errors, float.NaN);
        int filled = 0;
        for (int row = 0; row < _batch.Count; row++)
        {
            int slot = _batch.Slot[row];
            if (_state.IsWarming(slot)) continue;
            _session.Fill(filled, _state, slot, series.Type(slot));
            _rowOfChunk[filled++] = row;
            if (filled == _rowOfChunk.Length) filled = Run(filled);
        }

        if (filled > 0) Run(filled);
    }

    public void Score(WindowBatch batch, int row, SeriesTable series, Span<float> scores) => scores[0] = _errors[row];

    public void End() => _state.Learn(_batch);

    public void Dispose()
    {
        _session.Dispose();
        _state.Dispose();
        _batch.Dispose();
    }

    private int Run(int filled)
    {
        _session.Run();
        for (int i = 0; i < filled; i++) _errors[_rowOfChunk[i]] = _session.ReconstructionError[i];
        return 0;
    }
}
