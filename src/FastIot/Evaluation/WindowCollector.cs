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

/// <summary>The pipeline's own scores: published, and by channel, as the calibration of each has it.</summary>
internal sealed class ModelScores : IRowScorer
{
    private readonly CalibrationTable? _head;
    private readonly ModelManifest? _reconstruction;

    /// <param name="manifest">Null where it is not at hand: the published score alone.</param>
    /// <param name="fromFiles">Feature files hold no score of the head by itself.</param>
    public ModelScores(string label, ModelManifest? manifest, bool fromFiles = false)
    {
        _head = fromFiles || manifest == null || manifest.Reconstruction.Count == 0 ? null : manifest.HeadCalibration;
        _reconstruction = manifest is { Reconstruction.Count: > 0 } ? manifest : null;
        List<(string, DetectorRole)> columns = [(label, DetectorRole.Model)];
        if (_head != null) columns.Add(($"{label}, head only", DetectorRole.Channel));
        if (_reconstruction != null) columns.Add(($"{label}, reconstruction only", DetectorRole.Channel));
        Columns = columns;
    }

    public IReadOnlyList<(string Name, DetectorRole Role)> Columns { get; }

    public void Begin(WindowBatch batch, SeriesTable series)
    {
    }

    public void Score(WindowBatch batch, int row, SeriesTable series, Span<float> scores)
    {
        int at = 0;
        scores[at++] = batch.AnomalyScore[row];
        // Comparable between types: what the calibration says of them, not the scores themselves.
        if (_head != null) scores[at++] = float.IsNaN(batch.HeadScore[row]) ? float.NaN : (float)-_head.LogRate(batch.HeadScore[row]);
        float error = batch.ReconstructionError[row];
        if (_reconstruction != null) scores[at] = float.IsNaN(error) ? float.NaN : (float)-_reconstruction.ReconstructionCalibration(series.Type(batch.Slot[row])).LogRate(error);
    }

    public void End()
    {
    }
}
