using FastIot.Decode;
using FastIot.Ingest;

namespace FastIot.Evaluation;

/// <summary>Reads the labels of readings on their way from a source: runs of readings of one label become events.</summary>
internal sealed unsafe class LabelTap(IRecordSource source, DecodeOptions names, EventLog events) : IRecordSource
{
    private readonly ReadingDecoder _decoder = new(names);
    private readonly Dictionary<string, LabelRuns> _runs = new(StringComparer.Ordinal);

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
                Runs(EventLog.Name(reading.SensorIdSpan, reading.MetricSpan)).Take(reading.TimeUs, label);
            }
        }

        if (!source.Completed) return count;
        foreach (LabelRuns runs in _runs.Values) runs.End();
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

    private LabelRuns Runs(string series)
    {
        if (!_runs.TryGetValue(series, out LabelRuns? runs)) _runs.Add(series, runs = new LabelRuns(events.Of(series)));
        return runs;
    }
}
