using FastIot.Features;
using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Training;

/// <summary>
/// The model's inputs with labels. Kept are the standardised features of every window; a sequence is gathered from them when it is drawn,
/// by the rule of <see cref="FeatureHistory"/>.
/// </summary>
internal sealed unsafe class Sequences : IDisposable
{
    private readonly NativeArray<float> _z;
    private readonly NativeArray<int> _window;
    private readonly sbyte[] _labels;
    private readonly sbyte[] _types;

    private Sequences(int rows, FeatureSpec spec)
    {
        _z = new NativeArray<float>(checked(rows * FeatureNames.Count));
        _window = new NativeArray<int>(rows);
        _labels = new sbyte[rows];
        _types = new sbyte[rows];
        Spec = spec;
    }

    public FeatureSpec Spec { get; }

    public int Lags => Spec.Lags.Length;

    public int RowFloats => Lags * FeatureNames.Count;

    /// <summary>Windows past warming: the normal ones, and those of each kind.</summary>
    public int[] Normal { get; private set; } = [];

    public int[][] OfKind { get; private set; } = [];

    public sbyte Type(int row) => _types[row];

    /// <summary>Writes [lags][12], oldest first.</summary>
    public void Gather(int row, Span<float> destination)
    {
        int window = _window[row], at = 0;
        foreach (int lag in Spec.Lags)
        {
            int wanted = window - lag;
            if (wanted >= 0 && lag >= FeatureHistory.RecentRows) wanted -= wanted % FeatureHistory.CoarseStep;
            Span<float> target = destination.Slice(at, FeatureNames.Count);
            if (wanted < 0) target.Clear();
            else new ReadOnlySpan<float>(_z.Pointer + (long)(row - window + wanted) * FeatureNames.Count, FeatureNames.Count).CopyTo(target);
            at += FeatureNames.Count;
        }
    }

    /// <summary>Plays the logs, one thread each.</summary>
    /// <param name="slowly">Whether the baselines learn slowly from the event's windows, as they do from those that alarm.</param>
    public static Sequences Of(IReadOnlyList<WindowLog> logs, FeatureSpec spec, Func<AnomalyEvent, bool> slowly, int threads)
    {
        int[][] counts = [.. logs.Select(RowsOfSeries)];
        int[] first = new int[logs.Count + 1];
        for (int i = 0; i < logs.Count; i++) first[i + 1] = checked(first[i] + counts[i].Sum());
        var sequences = new Sequences(first[^1], spec);
        Parallel.For(0, logs.Count, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => sequences.Add(logs[i], counts[i], first[i], spec, slowly));
        sequences.Sort(spec.WarmingWindows);
        return sequences;
    }

    public void Dispose()
    {
        _z.Dispose();
        _window.Dispose();
    }

    private static int[] RowsOfSeries(WindowLog log)
    {
        int[] rows = new int[log.Series];
        for (int w = 0; w < log.Windows; w++)
        {
            foreach (ref readonly WindowRow row in log.Rows(w)) rows[row.Series]++;
        }

        return rows;
    }

    private void Add(WindowLog log, int[] counts, int first, FeatureSpec spec, Func<AnomalyEvent, bool> slowly)
    {
        int[] next = new int[counts.Length], begin = new int[counts.Length];
        for (int s = 0; s < counts.Length; s++)
        {
            begin[s] = next[s] = first;
            first += counts[s];
        }

        var slow = new bool[log.Series];
        int e = 0;
        log.Play(spec, (w, batch, _) =>
        {
            for (; e < log.Events.Count && log.Events[e].StartUs < log.EndUs(w); e++) slow[log.Events[e].Sensor] = slowly(log.Events[e]);
            ReadOnlySpan<WindowRow> rows = log.Rows(w);
            for (int i = 0; i < rows.Length; i++)
            {
                int series = rows[i].Series, row = next[series]++;
                new ReadOnlySpan<float>(batch.Z.Pointer + i * FeatureNames.Count, FeatureNames.Count).CopyTo(new Span<float>(_z.Pointer + (long)row * FeatureNames.Count, FeatureNames.Count));
                _window[row] = row - begin[series];
                _labels[row] = log.Uses(w) ? rows[i].Label : WindowLabel.DoNotCare;
                _types[row] = (sbyte)log.Types[series];
                if (rows[i].Label >= 0 && slow[series]) batch.LearnSlowly[i] = 1;
            }
        });
    }

    private void Sort(int warming)
    {
        List<int>[] ofLabel = [.. Enumerable.Range(0, AnomalyKinds.Modelled + 1).Select(_ => new List<int>())];
        for (int row = 0; row < _labels.Length; row++)
        {
            if (_window[row] >= warming && _labels[row] != WindowLabel.DoNotCare) ofLabel[_labels[row] + 1].Add(row);
        }

        Normal = [.. ofLabel[0]];
        OfKind = [.. ofLabel.Skip(1).Select(rows => rows.ToArray())];
    }
}
