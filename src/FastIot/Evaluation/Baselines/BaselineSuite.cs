using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Evaluation.Baselines;

/// <summary>The trained ones among the baselines; see <see cref="BaselineTrainer"/>.</summary>
internal sealed record TrainedBaselines(IsolationForest Forest, LogisticRegression Logistic, GradientBoosting Boosting);

/// <summary>Every baseline's score of every window: what a model must beat to be worth its cost.</summary>
internal sealed class BaselineSuite : IRowScorer, IDisposable
{
    private const float ChartMemory = .2f;

    private readonly BaselineFeatures _features;
    private readonly TrainedBaselines _trained;
    private readonly float[] _inputs;
    private readonly float[] _current;
    private readonly ulong _seed;
    private float[] _chart = new float[16];

    public BaselineSuite(int[] columns, TrainedBaselines trained, int seed)
    {
        (_features, _trained, _seed) = (new BaselineFeatures(columns), trained, (ulong)seed);
        _inputs = new float[_features.InputCount];
        _current = new float[columns.Length];
        string what = columns.Length == BaselineFeatures.AllColumns.Length ? "12 features" : $"{columns.Length} features";
        string[] names =
        [
            "random", "z max, raw six", "z max, six transformed", $"z max, {what}", "EWMA chart of the mean", "isolation forest",
            $"logistic regression, {what}", $"gradient boosting, {what}",
        ];
        Columns = [.. names.Select(n => (n, DetectorRole.Baseline))];
    }

    public IReadOnlyList<(string Name, DetectorRole Role)> Columns { get; }

    public void Begin(WindowBatch batch, SeriesTable series)
    {
        _features.Observe(batch, series.Count);
        if (_chart.Length < series.Count) Array.Resize(ref _chart, Math.Max(series.Count, 2 * _chart.Length));
    }

    public void Score(WindowBatch batch, int row, SeriesTable series, Span<float> scores)
    {
        int slot = batch.Slot[row];
        Span<float> raw = stackalloc float[BaselineFeatures.Raw];
        _features.RawZ(batch, row, raw);
        _chart[slot] += ChartMemory * (raw[0] - _chart[slot]);
        if (_features.IsWarming(slot))
        {
            scores.Fill(float.NaN);
            return;
        }

        ReadOnlySpan<float> z = _features.Z(row);
        _features.Inputs(slot, series.Type(slot), _inputs);
        for (int i = 0; i < _current.Length; i++) _current[i] = z[_features.Columns[i]];
        scores[0] = Uniform(batch.WindowEndUs, series.SensorId(slot), series.Metric(slot));
        scores[1] = Largest(raw);
        scores[2] = Largest(z[..6]);
        scores[3] = Largest(_current);
        scores[4] = Math.Abs(_chart[slot]) / MathF.Sqrt(ChartMemory / (2 - ChartMemory));
        scores[5] = (float)_trained.Forest.Score(_current);
        scores[7] = (float)_trained.Boosting.Score(_inputs);
        for (int i = 0; i < _inputs.Length; i++) _inputs[i] = BaselineTrainer.Size(_inputs[i]);
        scores[6] = (float)_trained.Logistic.Score(_inputs);
    }

    public void End() => _features.Learn();

    public void Dispose() => _features.Dispose();

    private static float Largest(ReadOnlySpan<float> z)
    {
        float largest = 0;
        foreach (float v in z) largest = Math.Max(largest, Math.Abs(v));
        return largest;
    }

    /// <summary>In [0, 1), a function of seed, series and window, whatever the order they come in.</summary>
    private float Uniform(long endUs, ReadOnlySpan<byte> sensor, ReadOnlySpan<byte> metric)
    {
        ulong hash = 14695981039346656037UL ^ _seed;
        foreach (byte b in sensor) hash = (hash ^ b) * 1099511628211UL;
        foreach (byte b in metric) hash = (hash ^ b) * 1099511628211UL;
        hash ^= (ulong)endUs * 0x9E3779B97F4A7C15UL;
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9UL;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBUL;
        return ((hash ^ (hash >> 31)) >> 40) * (1f / (1 << 24));
    }
}
