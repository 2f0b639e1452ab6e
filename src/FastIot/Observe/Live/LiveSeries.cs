using System.Text;
using System.Text.Json;
using FastIot.Features;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Observe.Live;

/// <summary>One series that somebody looks at: its windows of the last half hour, from when it was asked for. Written by the worker that owns it.</summary>
internal sealed class LiveSeries(string sensor, string metric)
{
    /// <summary>Half an hour of 10 s slides.</summary>
    private const int MaxPoints = 180;

    private readonly byte[] _sensor = Encoding.UTF8.GetBytes(sensor);
    private readonly byte[] _metric = Encoding.UTF8.GetBytes(metric);
    private readonly Lock _lock = new();
    private readonly Point[] _points = new Point[MaxPoints];
    private readonly float[] _z = new float[FeatureNames.Count * FeatureHistory.RecentRows];
    private long _count;
    private int _partition = -1;
    private int _slot = -1;
    private int _rows;
    private double _level;
    private double _scale;

    public string Sensor { get; } = sensor;

    public string Metric { get; } = metric;

    private readonly record struct Point(long EndUs, double Mean, double Min, double Max, double StdDev, int Count, float Score, sbyte Kind, bool IsAnomaly);

    public void Window(int partition, WindowBatch batch, SeriesTable series, FeatureState features)
    {
        lock (_lock)
        {
            if (_partition != partition)
            {
                int slot = series.Find(_sensor, _metric);
                if (slot < 0) return;
                (_partition, _slot) = (partition, slot);
            }

            int row = batch.Slot.Span[..batch.Count].BinarySearch(_slot);
            if (row < 0) return;
            _points[_count++ % MaxPoints] = new Point(batch.WindowEndUs, batch.Mean[row], batch.Min[row], batch.Max[row], batch.StdDev[row],
                batch.ReadingCount[row], batch.AnomalyScore[row], batch.Kind[row], batch.IsAnomaly[row] != 0);
            _rows = features.Recent(_slot, _z);
            _level = features[_slot].Level30;
            _scale = Math.Exp(features[_slot].LogScale);
        }
    }

    public void Forget(int partition)
    {
        lock (_lock)
        {
            if (_partition == partition) _partition = -1;
        }
    }

    /// <summary>Points oldest first; features newest last, each [feature][window].</summary>
    public void Write(Utf8JsonWriter json)
    {
        lock (_lock)
        {
            json.WriteStartObject();
            json.WriteString("sensor", Sensor);
            json.WriteString("metric", Metric);
            if (_partition < 0) json.WriteNull("partition");
            else json.WriteNumber("partition", _partition);
            LiveJson.Number(json, "level", _count == 0 ? double.NaN : _level);
            LiveJson.Number(json, "scale", _count == 0 ? double.NaN : _scale);
            json.WriteStartArray("points");
            for (long i = Math.Max(0, _count - MaxPoints); i < _count; i++) Write(json, _points[i % MaxPoints]);
            json.WriteEndArray();
            json.WriteStartObject("features");
            for (int feature = 0; feature < FeatureNames.Count; feature++)
            {
                json.WriteStartArray(FeatureNames.All[feature]);
                for (int row = 0; row < _rows; row++) LiveJson.Value(json, MathF.Round(_z[row * FeatureNames.Count + feature], 2));
                json.WriteEndArray();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }
    }

    private static void Write(Utf8JsonWriter json, in Point point)
    {
        json.WriteStartObject();
        json.WriteNumber("end_ms", point.EndUs / 1000);
        LiveJson.Number(json, "mean", point.Mean);
        LiveJson.Number(json, "min", point.Min);
        LiveJson.Number(json, "max", point.Max);
        LiveJson.Number(json, "stddev", point.StdDev);
        json.WriteNumber("count", point.Count);
        LiveJson.Number(json, "score", point.Score);
        if (point.IsAnomaly) json.WriteString("kind", AnomalyKinds.Name((AnomalyKind)point.Kind));
        json.WriteEndObject();
    }
}
