using System.Runtime.CompilerServices;
using FastIot.Scoring;

namespace FastIot.Series;

/// <summary>
/// The series of one partition: (sensor id, metric) to slot, a dense number in order of first appearance. A slot is never given up:
/// memory is bounded by the cap.
/// </summary>
/// <remarks>
/// A sensor's entry remembers its first series (Tag0 = metric, Tag1 = slot), so that the usual sensor with one metric costs one probe.
/// Further metrics go through a second table, keyed by both numbers.
/// </remarks>
public sealed unsafe class SeriesTable : IDisposable
{
    private readonly NameTable _sensors;
    private readonly NameTable _metrics;
    private readonly NameTable _further;
    private readonly NativeArray<int> _sensorOfSlot;
    private readonly NativeArray<int> _metricOfSlot;
    private readonly NativeArray<sbyte> _typeOfSlot;
    private readonly int _cap;
    private SeriesNames? _names;

    public SeriesTable(int cap)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cap);
        _cap = cap;
        int initial = Math.Min(cap, Limits.InitialSeries);
        _sensors = new NameTable(initial);
        _metrics = new NameTable(8);
        _further = new NameTable(8);
        _sensorOfSlot = new NativeArray<int>(initial);
        _metricOfSlot = new NativeArray<int>(initial);
        _typeOfSlot = new NativeArray<sbyte>(initial);
    }

    public int Count { get; private set; }

    /// <summary>Slots there is room for before everything that is kept by slot must grow.</summary>
    public int Capacity => _sensorOfSlot.Length;

    public long Bytes => _sensors.Bytes + _metrics.Bytes + _further.Bytes + _sensorOfSlot.Bytes + _metricOfSlot.Bytes + _typeOfSlot.Bytes;

    /// <summary>The series' slot; −1 when it is new and the table is at its cap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FindOrAdd(in Reading reading)
    {
        NameTable.Entry* metric = _metrics.Find(reading.Metric, reading.MetricLength);
        NameTable.Entry* sensor = _sensors.Find(reading.SensorId, reading.SensorIdLength);
        if (metric != null && sensor != null && sensor->Tag0 == metric->Number) return sensor->Tag1;
        return FindOrAddSlow(in reading, metric, sensor);
    }

    /// <summary>Slot of the sensor's first series; −1 when the sensor is not known.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FirstOf(byte* sensorId, int length)
    {
        NameTable.Entry* sensor = _sensors.Find(sensorId, length);
        return sensor == null ? -1 : sensor->Tag1;
    }

    /// <summary>Fetches the sensor's entry into the cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(byte* sensorId, int length) => _sensors.Prefetch(sensorId, length);

    /// <summary>The series' slot; −1 when it is not known.</summary>
    public int Find(ReadOnlySpan<byte> sensorId, ReadOnlySpan<byte> metricName)
    {
        fixed (byte* s = sensorId, m = metricName)
        {
            NameTable.Entry* metric = _metrics.Find(m, metricName.Length);
            NameTable.Entry* sensor = _sensors.Find(s, sensorId.Length);
            if (metric == null || sensor == null) return -1;
            if (sensor->Tag0 == metric->Number) return sensor->Tag1;
            int* key = stackalloc int[] { sensor->Number, metric->Number };
            NameTable.Entry* further = _further.Find((byte*)key, 2 * sizeof(int));
            return further == null ? -1 : further->Tag0;
        }
    }

    public ReadOnlySpan<byte> SensorId(int slot) => _sensors[_sensorOfSlot[slot]];

    public ReadOnlySpan<byte> Metric(int slot) => _metrics[_metricOfSlot[slot]];

    public SensorType Type(int slot) => (SensorType)_typeOfSlot[slot];

    /// <summary>The names as they are now; the same object until a series is added.</summary>
    public SeriesNames Names()
    {
        if (_names is { } names && names.SlotCount == Count) return names;
        int[] sensorOfSlot = _sensorOfSlot.Span[..Count].ToArray();
        int[] metricOfSlot = _metricOfSlot.Span[..Count].ToArray();
        return _names = new SeriesNames(_sensors.Offsets.ToArray(), _sensors.NameBytes.ToArray(), _metrics.Offsets.ToArray(),
            _metrics.NameBytes.ToArray(), sensorOfSlot, metricOfSlot, Ranks(sensorOfSlot, metricOfSlot));
    }

    public void Dispose()
    {
        _sensors.Dispose();
        _metrics.Dispose();
        _further.Dispose();
        _sensorOfSlot.Dispose();
        _metricOfSlot.Dispose();
        _typeOfSlot.Dispose();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int FindOrAddSlow(in Reading reading, NameTable.Entry* metric, NameTable.Entry* sensor)
    {
        int* key = stackalloc int[2];
        if (metric != null && sensor != null)
        {
            key[0] = sensor->Number;
            key[1] = metric->Number;
            NameTable.Entry* further = _further.Find((byte*)key, 2 * sizeof(int));
            if (further != null) return further->Tag0;
        }

        if (Count == _cap) return -1;
        if (Count == Capacity) Grow();
        if (metric == null) metric = _metrics.Add(reading.Metric, reading.MetricLength);
        if (sensor == null) sensor = _sensors.Add(reading.SensorId, reading.SensorIdLength);
        int slot = Count++;
        _sensorOfSlot[slot] = sensor->Number;
        _metricOfSlot[slot] = metric->Number;
        _typeOfSlot[slot] = (sbyte)SensorTypes.Of(reading.MetricSpan);
        if (sensor->Tag1 < 0)
        {
            sensor->Tag0 = metric->Number;
            sensor->Tag1 = slot;
        }
        else
        {
            key[0] = sensor->Number;
            key[1] = metric->Number;
            _further.Add((byte*)key, 2 * sizeof(int))->Tag0 = slot;
        }

        return slot;
    }

    private void Grow()
    {
        int capacity = (int)Math.Min(2L * Capacity, _cap);
        _sensorOfSlot.Grow(capacity);
        _metricOfSlot.Grow(capacity);
        _typeOfSlot.Grow(capacity);
    }

    private int[] Ranks(int[] sensorOfSlot, int[] metricOfSlot)
    {
        int[] order = new int[sensorOfSlot.Length];
        for (int slot = 0; slot < order.Length; slot++) order[slot] = slot;
        Array.Sort(order, (a, b) =>
        {
            int bySensor = _sensors[sensorOfSlot[a]].SequenceCompareTo(_sensors[sensorOfSlot[b]]);
            return bySensor != 0 ? bySensor : _metrics[metricOfSlot[a]].SequenceCompareTo(_metrics[metricOfSlot[b]]);
        });

        int[] rank = new int[order.Length];
        for (int place = 0; place < order.Length; place++) rank[order[place]] = place;
        return rank;
    }
}
