using FastIot.Decode;
using FastIot.Ingest;

namespace FastIot.Evaluation;

/// <summary>Reads the labels of readings on their way from a source: runs of readings of one label become events.</summary>
internal sealed unsafe class LabelTap(IRecordSource source, DecodeOptions names, EventLog events) : IRecordSource
{
    private readonly ReadingDecoder _decoder = new(names);
    private readonly Dictionary<string, Open> _open = new(StringComparer.Ordinal);

    /// <summary>Readings that carried a label.</summary>
    public long Labelled { get; private set; }

    public bool Completed => source.Completed;

    public void Start(IAssignmentListener listener) => source.Start(listener);

    public int Poll(Span<Record> records, int timeoutMs)
    {
        int count = source.Poll(records, timeoutMs);
        for (int i = 0; i < count; i++)
        {
            if (records[i].Value == null) continue;
            _decoder.Open(records[i].Value, records[i].ValueLength);
            while (_decoder.Next(out Reading reading, out Rejection rejection))
            {
                if (rejection != Rejection.None) continue;
                sbyte label = ReadingLabel.Of(_decoder.Current);
                if (label == ReadingLabel.None) continue;
                Labelled++;
                Take(EventLog.Name(reading.SensorIdSpan, reading.MetricSpan), reading.TimeUs, label);
            }
        }

        if (source.Completed) CloseAll();
        return count;
    }

    public void Pause(int partition) => source.Pause(partition);

    public void Resume(int partition) => source.Resume(partition);

    public long HighOffset(int partition) => source.HighOffset(partition);

    public CommitResult Commit(ReadOnlySpan<PartitionCommit> commits) => source.Commit(commits);

    public void Close() => source.Close();

    public void Dispose()
    {
        _decoder.Dispose();
        source.Dispose();
    }

    private void Take(string series, long timeUs, sbyte label)
    {
        if (_open.TryGetValue(series, out Open open) && open.Label != label)
        {
            // It ends where the next reading is another thing.
            Close(series, open, Math.Max(open.LastUs + 1, timeUs));
            _open.Remove(series);
        }

        if (label == ReadingLabel.Normal) return;
        _open[series] = open.LastUs != 0 && open.Label == label ? open with { LastUs = Math.Max(open.LastUs, timeUs) } : new Open(label, timeUs, timeUs);
    }

    private void CloseAll()
    {
        foreach ((string series, Open open) in _open) Close(series, open, open.LastUs + 1);
        _open.Clear();
    }

    private void Close(string series, Open open, long endUs) => events.Of(series).Add(new TruthEvent((Scoring.AnomalyKind)open.Label, null, open.StartUs, endUs));

    private readonly record struct Open(sbyte Label, long StartUs, long LastUs);
}
