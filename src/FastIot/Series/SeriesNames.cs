namespace FastIot.Series;

/// <summary>
/// The names of a partition's series as they were at one moment: immutable, so that the file writer can read it while the worker goes on.
/// Strings lie as Arrow has them (offsets and bytes), distinct, in order of first appearance.
/// </summary>
public sealed class SeriesNames(
    int[] sensorOffsets, byte[] sensorBytes, int[] metricOffsets, byte[] metricBytes, int[] sensorOfSlot, int[] metricOfSlot, int[] rank)
{
    /// <summary>Offset of each sensor id in <see cref="SensorBytes"/>, and one more at the end.</summary>
    public ReadOnlyMemory<int> SensorOffsets => sensorOffsets;

    public ReadOnlyMemory<byte> SensorBytes => sensorBytes;

    public ReadOnlyMemory<int> MetricOffsets => metricOffsets;

    public ReadOnlyMemory<byte> MetricBytes => metricBytes;

    /// <summary>Index of the sensor id of each slot.</summary>
    public ReadOnlyMemory<int> SensorOfSlot => sensorOfSlot;

    /// <summary>Index of the metric of each slot; the empty string where readings name none.</summary>
    public ReadOnlyMemory<int> MetricOfSlot => metricOfSlot;

    /// <summary>Place of each slot when the series are sorted by sensor id, then metric, both by their UTF-8 bytes.</summary>
    public ReadOnlyMemory<int> Rank => rank;

    public int SensorCount => sensorOffsets.Length - 1;

    public int MetricCount => metricOffsets.Length - 1;

    public int SlotCount => sensorOfSlot.Length;

    public ReadOnlySpan<byte> SensorId(int slot)
    {
        int sensor = sensorOfSlot[slot];
        return sensorBytes.AsSpan(sensorOffsets[sensor]..sensorOffsets[sensor + 1]);
    }

    public ReadOnlySpan<byte> Metric(int slot)
    {
        int metric = metricOfSlot[slot];
        return metricBytes.AsSpan(metricOffsets[metric]..metricOffsets[metric + 1]);
    }
}
