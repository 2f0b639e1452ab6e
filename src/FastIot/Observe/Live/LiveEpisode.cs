using System.Text;
using System.Text.Json;
using FastIot.Features;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Observe.Live;

/// <summary>One run of alarms of one series, as the page shows it. Memory is taken once and used again; nothing is allocated per alarm.</summary>
internal sealed class LiveEpisode
{
    /// <summary>Points of the small chart at most: the windows before the alarm, then the alarms.</summary>
    public const int MaxPoints = 48;

    private readonly byte[] _sensor = new byte[Limits.MaxSensorIdBytes];
    private readonly byte[] _metric = new byte[Limits.MaxMetricBytes];
    private readonly float[] _points = new float[MaxPoints];
    private readonly Reason[] _reasons = new Reason[Reasons.Most];
    private int _sensorLength;
    private int _metricLength;
    private int _pointCount;
    private int _alarmPoint;
    private int _reasonCount;
    private int _feature;

    public int Partition { get; private set; } = -1;

    public int Slot { get; private set; }

    public long StartUs { get; private set; }

    public long LastUs { get; private set; }

    public float HighestScore { get; private set; }

    private long Windows { get; set; }

    private sbyte Kind { get; set; }

    private double Mean { get; set; }

    private double Min { get; set; }

    private double Max { get; set; }

    public void Begin(int partition, WindowBatch batch, int row, SeriesTable series, FeatureState features)
    {
        (Partition, Slot, StartUs, Windows, HighestScore) = (partition, batch.Slot[row], batch.WindowEndUs, 0, float.NegativeInfinity);
        ReadOnlySpan<byte> sensor = series.SensorId(Slot), metric = series.Metric(Slot);
        sensor.CopyTo(_sensor);
        metric.CopyTo(_metric);
        (_sensorLength, _metricLength) = (sensor.Length, metric.Length);
        _reasonCount = Reasons.Of(Z(batch, row), _reasons);
        _feature = _reasonCount > 0 ? _reasons[0].Feature : 0;
        _pointCount = features.Recent(Slot, _feature, _points);
        _alarmPoint = Math.Max(0, _pointCount - 1);
        Continue(batch, row, isFirst: true);
    }

    public void Continue(WindowBatch batch, int row, bool isFirst = false)
    {
        LastUs = batch.WindowEndUs;
        Windows++;
        if (!isFirst) Append(batch.Z[row * FeatureNames.Count + _feature]);
        // A warming series has no score; the flat-line rule that raised its alarm is at its threshold.
        float score = float.IsNaN(batch.AnomalyScore[row]) ? 1 : batch.AnomalyScore[row];
        if (score <= HighestScore) return;
        HighestScore = score;
        Kind = batch.Kind[row];
        _reasonCount = Reasons.Of(Z(batch, row), _reasons);
        (Mean, Min, Max) = (batch.Mean[row], batch.Min[row], batch.Max[row]);
    }

    /// <param name="nowUs">Event time up to which the partition's windows are closed: an episode is over a window length behind its last alarm.</param>
    public void Write(Utf8JsonWriter json, long nowUs, long windowUs)
    {
        json.WriteStartObject();
        json.WriteString("sensor", _sensor.AsSpan(0, _sensorLength));
        json.WriteString("metric", _metric.AsSpan(0, _metricLength));
        json.WriteNumber("partition", Partition);
        json.WriteNumber("start_ms", StartUs / 1000);
        json.WriteNumber("last_ms", LastUs / 1000);
        json.WriteBoolean("open", nowUs - LastUs <= windowUs);
        json.WriteNumber("windows", Windows);
        json.WriteString("kind", AnomalyKinds.Name((AnomalyKind)Kind));
        LiveJson.Number(json, "score", HighestScore);
        LiveJson.Number(json, "mean", Mean);
        LiveJson.Number(json, "min", Min);
        LiveJson.Number(json, "max", Max);
        json.WriteStartArray("reasons");
        for (int i = 0; i < _reasonCount; i++)
        {
            json.WriteStartObject();
            json.WriteString("feature", FeatureNames.All[_reasons[i].Feature]);
            LiveJson.Number(json, "deviation", MathF.Round(_reasons[i].Deviation, 1));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("feature", FeatureNames.All[_feature]);
        json.WriteNumber("alarm_point", _alarmPoint);
        json.WriteStartArray("points");
        for (int i = 0; i < _pointCount; i++) json.WriteNumberValue(MathF.Round(Math.Clamp(_points[i], -99, 99), 2));
        json.WriteEndArray();
        json.WriteEndObject();
    }

    public override string ToString() => $"{Encoding.UTF8.GetString(_sensor, 0, _sensorLength)} {(AnomalyKind)Kind} {HighestScore}";

    private static ReadOnlySpan<float> Z(WindowBatch batch, int row) => batch.Z.Span.Slice(row * FeatureNames.Count, FeatureNames.Count);

    private void Append(float point)
    {
        if (_pointCount == MaxPoints)
        {
            _points.AsSpan(1).CopyTo(_points);
            _pointCount--;
            _alarmPoint = Math.Max(0, _alarmPoint - 1);
        }

        _points[_pointCount++] = point;
    }
}
