using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Evaluation;

/// <summary>Keeps the scores of every window of every series, to be judged once the truth is known.</summary>
internal sealed class WindowCollector(IReadOnlyList<IRowScorer> scorers) : IWindowObserver
{
    private readonly Dictionary<string, SeriesScores> _bySeries = new(StringComparer.Ordinal);
    private readonly List<SeriesScores?> _ofSlot = [];
    private readonly float[] _scores = new float[scorers.Sum(s => s.Columns.Count)];
    private SeriesTable? _table;

    public IReadOnlyList<(string Name, DetectorRole Role)> Columns => [.. scorers.SelectMany(s => s.Columns)];

    public IReadOnlyCollection<SeriesScores> Series => _bySeries.Values;

    public SeriesScores? Find(string name) => _bySeries.GetValueOrDefault(name);

    public void Window(WindowBatch batch, SeriesTable series)
    {
        if (_table != series) _ofSlot.Clear();
        _table = series;
        foreach (IRowScorer scorer in scorers) scorer.Begin(batch, series);
        for (int row = 0; row < batch.Count; row++)
        {
            int at = 0;
            foreach (IRowScorer scorer in scorers)
            {
                scorer.Score(batch, row, series, _scores.AsSpan(at, scorer.Columns.Count));
                at += scorer.Columns.Count;
            }

            OfSlot(batch.Slot[row], series).Add(batch.WindowEndUs, _scores);
        }

        foreach (IRowScorer scorer in scorers) scorer.End();
    }

    private SeriesScores OfSlot(int slot, SeriesTable series)
    {
        while (_ofSlot.Count <= slot) _ofSlot.Add(null);
        if (_ofSlot[slot] is { } known) return known;
        string name = EventLog.Name(series.SensorId(slot), series.Metric(slot));
        if (!_bySeries.TryGetValue(name, out SeriesScores? scores)) _bySeries.Add(name, scores = new SeriesScores(name, series.Type(slot), _scores.Length));
        return _ofSlot[slot] = scores;
    }
}

/// <summary>One series' windows and their scores, by detector.</summary>
internal sealed class SeriesScores(string name, SensorType type, int detectors)
{
    private readonly List<float>[] _scores = [.. Enumerable.Range(0, detectors).Select(_ => new List<float>())];

    public string Name { get; } = name;

    public SensorType Type { get; } = type;

    public List<long> EndsUs { get; } = [];

    public List<float> Scores(int detector) => _scores[detector];

    public void Add(long endUs, ReadOnlySpan<float> scores)
    {
        if (EndsUs.Count > 0 && endUs <= EndsUs[^1]) throw new InvalidDataException($"{Name} has a window that ends at {endUs} µs behind one that ends at {EndsUs[^1]} µs: the same windows twice, or of two recordings at once");
        EndsUs.Add(endUs);
        for (int d = 0; d < _scores.Length; d++) _scores[d].Add(scores[d]);
    }
}

/// <summary>The pipeline's own scores: published, and by channel.</summary>
internal sealed class ModelScores(string label, ModelManifest? manifest) : IRowScorer
{
    public IReadOnlyList<(string Name, DetectorRole Role)> Columns { get; } =
        manifest == null || manifest.Reconstruction.Count == 0 ? [(label, DetectorRole.Model)] : [(label, DetectorRole.Model), ($"{label}, reconstruction only", DetectorRole.Channel)];

    public void Begin(WindowBatch batch, SeriesTable series)
    {
    }

    public void Score(WindowBatch batch, int row, SeriesTable series, Span<float> scores)
    {
        scores[0] = batch.AnomalyScore[row];
        if (manifest == null || manifest.Reconstruction.Count == 0) return;
        float error = batch.ReconstructionError[row];
        // Comparable between types: what the calibration says of it, not the error itself.
        scores[1] = float.IsNaN(error) ? float.NaN : (float)-manifest.ReconstructionCalibration(series.Type(batch.Slot[row])).LogRate(error);
    }

    public void End()
    {
    }
}
