using FastIot.Ingest;
using FastIot.Kafka;

namespace FastIot.Simulation;

/// <summary>The fleet's past as records of the partitions their keys belong to, as fast as they are read: what a demo's series know at its start.</summary>
public sealed unsafe class HistorySource : IRecordSource
{
    private const int KeyBytes = 16;

    private readonly Fleet _fleet;
    private readonly int[] _partitionOf;
    private readonly long _untilUs;
    private readonly ReadingEncoder _encoder = new();
    private readonly SimulatedReading[] _readings = new SimulatedReading[Limits.PollRecords];
    private readonly NativeArray<byte> _records = new(Limits.PollRecords * (KeyBytes + ReadingEncoder.MaxBytes));

    /// <param name="partitions">Those whose sensors are to be played.</param>
    /// <param name="partitionCount">Partitions of the topic.</param>
    /// <param name="onEvent">Told of each anomaly when it starts.</param>
    public HistorySource(FleetOptions options, int[] partitions, int partitionCount, long untilUs, Action<AnomalyEvent>? onEvent = null)
    {
        _partitionOf = new int[options.Sensors];
        _untilUs = untilUs;
        Span<byte> key = stackalloc byte[KeyBytes];
        var sensors = new List<int>();
        for (int sensor = 0; sensor < options.Sensors; sensor++)
        {
            _partitionOf[sensor] = Murmur2.Partition(key[..ReadingEncoder.Key(sensor, key)], partitionCount);
            if (partitions.Contains(_partitionOf[sensor])) sensors.Add(sensor);
        }

        _fleet = sensors.Count > 0 ? new Fleet(options, [.. sensors], onEvent) : null!;
        Completed = sensors.Count == 0;
    }

    public bool Completed { get; private set; }

    /// <summary>Readings delivered.</summary>
    public long Count { get; private set; }

    public void Start(IAssignmentListener listener)
    {
    }

    public int Poll(Span<Record> records, int timeoutMs)
    {
        if (Completed) return 0;
        int count = _fleet.Fill(_readings.AsSpan(0, Math.Min(records.Length, _readings.Length)), _untilUs);
        for (int i = 0; i < count; i++)
        {
            byte* key = _records.Pointer + i * (KeyBytes + ReadingEncoder.MaxBytes), value = key + KeyBytes;
            ref SimulatedReading reading = ref _readings[i];
            records[i] = new Record
            {
                Key = key,
                KeyLength = ReadingEncoder.Key(reading.Sensor, new Span<byte>(key, KeyBytes)),
                Value = value,
                ValueLength = _encoder.Encode(in reading, new Span<byte>(value, ReadingEncoder.MaxBytes)),
                TimestampMs = reading.SentUs / 1000,
                Partition = _partitionOf[reading.Sensor],
            };
        }

        Count += count;
        Completed = count == 0;
        return count;
    }

    public void Pause(int partition)
    {
    }

    public void Resume(int partition)
    {
    }

    public long HighOffset(int partition) => -1;

    public CommitResult Commit(ReadOnlySpan<PartitionCommit> commits) => CommitResult.Committed;

    public void Close()
    {
    }

    public void Dispose()
    {
        _fleet?.Dispose();
        _records.Dispose();
    }
}
