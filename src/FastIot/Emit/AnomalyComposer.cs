using System.Text;
using FastIot.Features;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Emit;

/// <summary>
/// Writes the record of an alarm: the predecessor's members under their names, then ours (DESIGN section 2; schema in
/// compose/anomaly.schema.json). Allocates nothing once warm.
/// </summary>
internal sealed class AnomalyComposer
{
    private static readonly byte[][] s_kindNames = [.. Enumerable.Range(0, AnomalyKinds.Modelled + 1).Select(k => Encoding.UTF8.GetBytes(AnomalyKinds.Name((AnomalyKind)k)))];
    private static readonly byte[][] s_featureNames = [.. FeatureNames.All.Select(Encoding.UTF8.GetBytes)];

    private readonly int _partition;
    private readonly WindowSpec _spec;
    private readonly SeriesTable _series;
    private readonly FeatureState _features;
    private readonly PaneRing _panes;
    private byte[]? _modelBytes;
    private string? _model;
    private readonly JsonBytes _json = new(1024);

    public AnomalyComposer(int partition, PipelineOptions options, SeriesTable series, FeatureState features, PaneRing panes)
    {
        _partition = partition;
        _spec = options.Windows;
        _series = series;
        _features = features;
        _panes = panes;
    }

    /// <summary>"name:version" of what scored the window; null without a model.</summary>
    public string? Model
    {
        get => _model;
        set
        {
            if (ReferenceEquals(_model, value)) return;
            _model = value;
            _modelBytes = value == null ? null : Encoding.UTF8.GetBytes(value);
        }
    }

    /// <returns>The record's value; valid until the next call.</returns>
    public ReadOnlySpan<byte> Compose(WindowBatch batch, int row)
    {
        int slot = batch.Slot[row];
        _json.Clear();
        _json.Raw("{\"sensor_id\":"u8);
        _json.String(_series.SensorId(slot));
        _json.Raw(",\"metric\":"u8);
        _json.String(_series.Metric(slot));
        Window(batch, row);
        Verdict(batch, row);
        Reasons(batch, row);
        _json.Raw(",\"episode_start\":"u8);
        _json.Time(_features[slot].EpisodeStartUs);
        _json.Raw(",\"model\":"u8);
        if (_modelBytes == null) _json.Raw("null"u8);
        else _json.String(_modelBytes);
        _json.Raw(",\"partition\":"u8);
        _json.Number(_partition);
        Offset(batch.WindowEndUs, slot);
        _json.Raw(",\"detection_time\":"u8);
        _json.Time((DateTime.UtcNow - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
        _json.Raw("}"u8);
        return _json.Written;
    }

    private void Window(WindowBatch batch, int row)
    {
        _json.Raw(",\"window_start\":"u8);
        _json.Time(batch.WindowEndUs - _spec.WindowUs);
        _json.Raw(",\"window_end\":"u8);
        _json.Time(batch.WindowEndUs);
        _json.Raw(",\"mean\":"u8);
        _json.Number(batch.Mean[row]);
        _json.Raw(",\"stddev\":"u8);
        _json.Number(batch.StdDev[row]);
        _json.Raw(",\"min\":"u8);
        _json.Number(batch.Min[row]);
        _json.Raw(",\"max\":"u8);
        _json.Number(batch.Max[row]);
        _json.Raw(",\"count\":"u8);
        _json.Number((long)batch.ReadingCount[row]);
        _json.Raw(",\"range\":"u8);
        _json.Number(batch.Range[row]);
    }

    private void Verdict(WindowBatch batch, int row)
    {
        // A warming series has no score; the flat-line rule that raised the alarm is at its threshold, no more can be said.
        float score = batch.AnomalyScore[row];
        bool scored = !float.IsNaN(score);
        _json.Raw(",\"anomaly_score\":"u8);
        _json.Number(scored ? score : 1f);
        _json.Raw(",\"threshold\":1,\"is_anomaly\":true,\"false_alarms_per_day\":"u8);
        _json.Number(batch.FalseAlarmsPerDay[row]);
        _json.Raw(",\"kind\":"u8);
        _json.String(s_kindNames[batch.Kind[row]]);
        _json.Raw(",\"kind_scores\":"u8);
        // Zeros only where the model names no kinds, or did not run: a softmax adds up to one.
        if (batch.KindScores.Span.Slice(row * AnomalyKinds.Modelled, AnomalyKinds.Modelled).IndexOfAnyExcept(0f) < 0)
        {
            _json.Raw("null"u8);
            return;
        }

        for (int kind = 0; kind < AnomalyKinds.Modelled; kind++)
        {
            _json.Raw(kind == 0 ? "{"u8 : ","u8);
            _json.String(s_kindNames[kind]);
            _json.Raw(":"u8);
            _json.Number(batch.KindScores[row * AnomalyKinds.Modelled + kind]);
        }

        _json.Raw("}"u8);
    }

    private void Reasons(WindowBatch batch, int row)
    {
        Span<Reason> reasons = stackalloc Reason[Features.Reasons.Most];
        int count = Features.Reasons.Of(batch.Z.Span.Slice(row * FeatureNames.Count, FeatureNames.Count), reasons);
        _json.Raw(",\"reasons\":["u8);
        for (int i = 0; i < count; i++)
        {
            _json.Raw(i == 0 ? "{\"feature\":"u8 : ",{\"feature\":"u8);
            _json.String(s_featureNames[reasons[i].Feature]);
            _json.Raw(",\"deviation\":"u8);
            _json.Number(MathF.Round(reasons[i].Deviation, 2));
            _json.Raw("}"u8);
        }

        _json.Raw("]"u8);
    }

    private void Offset(long endUs, int slot)
    {
        long last = endUs / _spec.SlideUs - 1;
        long offset = _panes.LastOffset(last - _spec.PanesPerWindow + 1, last, slot);
        _json.Raw(",\"offset\":"u8);
        if (offset < 0) _json.Raw("null"u8);
        else _json.Number(offset);
    }
}
