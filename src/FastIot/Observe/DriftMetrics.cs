using System.Diagnostics;
using FastIot.Scoring;
using Prometheus;

namespace FastIot.Observe;

/// <summary>
/// Whether the model in service still sees what it was calibrated on: windows and alarms by sensor type, and how far the scores of about the
/// last hour are from the reference in model.json.
/// </summary>
internal sealed class DriftMetrics
{
    private static readonly TimeSpan s_step = TimeSpan.FromMinutes(2), s_period = TimeSpan.FromHours(1);

    private readonly Counter _scored, _alarms;
    private readonly Gauge _psi;
    private readonly TimeProvider _time;
    private readonly Queue<(long At, long[] Bins)> _past = new();

    public DriftMetrics(MetricFactory factory, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _scored = factory.CreateCounter("fastiot_model_windows_scored_total", "Windows scored by the model, by sensor type", ["type"]);
        _alarms = factory.CreateCounter("fastiot_model_alarms_total", "Windows that the model alarmed at, by sensor type", ["type"]);
        _psi = factory.CreateGauge("fastiot_model_score_psi",
            "Population stability index of the last hour's scores against the healthy sensors the model was calibrated on; above 0.25 they have changed: look at the sensors, then train again", ["type", "channel"]);
    }

    /// <summary>Before a scrape.</summary>
    public void Update(IReadOnlyList<ModelDrift> workers)
    {
        long[] bins = new long[ModelDrift.Channels * ModelDrift.Types * ScoreReference.Bins];
        for (int type = 0; type < ModelDrift.Types; type++)
        {
            long scored = workers.Sum(w => w.Scored(type));
            if (scored == 0) continue;
            _scored.WithLabels(ModelDrift.TypeNames[type]).IncTo(scored);
            _alarms.WithLabels(ModelDrift.TypeNames[type]).IncTo(workers.Sum(w => w.Alarms(type)));
            for (int channel = 0; channel < ModelDrift.Channels; channel++)
            {
                foreach (ModelDrift worker in workers) Add(worker.Bins(channel, type), Place(bins, channel, type));
            }
        }

        long[] since = Since(bins);
        for (int channel = 0; channel < ModelDrift.Channels; channel++)
        {
            for (int type = 0; type < ModelDrift.Types; type++)
            {
                double psi = ScoreReference.Psi(Place(since, channel, type));
                if (!double.IsNaN(psi)) _psi.WithLabels(ModelDrift.TypeNames[type], ModelDrift.ChannelNames[channel]).Set(psi);
                else _psi.RemoveLabelled(ModelDrift.TypeNames[type], ModelDrift.ChannelNames[channel]);
            }
        }
    }

    /// <summary>What was counted since the oldest scrape of the period.</summary>
    private long[] Since(long[] bins)
    {
        long now = _time.GetTimestamp();
        while (_past.Count > 1 && _time.GetElapsedTime(_past.Peek().At, now) > s_period) _past.Dequeue();
        long[] before = _past.Count > 0 ? _past.Peek().Bins : new long[bins.Length];
        if (_past.Count == 0) _past.Enqueue((now, before));
        if (_time.GetElapsedTime(_past.Last().At, now) >= s_step) _past.Enqueue((now, bins));
        return [.. bins.Zip(before, (x, y) => x - y)];
    }

    private static Span<long> Place(long[] bins, int channel, int type) => bins.AsSpan((channel * ModelDrift.Types + type) * ScoreReference.Bins, ScoreReference.Bins);

    private static void Add(ReadOnlySpan<long> from, Span<long> to)
    {
        for (int i = 0; i < to.Length; i++) to[i] += from[i];
    }
}
