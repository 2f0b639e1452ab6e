using System.Diagnostics;
using System.Globalization;
using FastIot.Scoring;
using Prometheus;

namespace FastIot.Observe;

/// <summary>
/// The pipeline's counters as Prometheus metrics. Workers only count in plain fields; everything here happens when somebody scrapes.
/// Never a label per sensor.
/// </summary>
public sealed class PipelineMetrics
{
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly Func<PipelineStatistics> _snapshot;
    private readonly EventClock _clock;
    private readonly Lock _lock = new();

    private readonly DriftMetrics _drift;
    private readonly Counter _records, _readings, _replayed, _late, _rejected, _windows, _scored, _anomalies, _kinds, _commits, _closeSeconds, _scoreSeconds;
    private readonly Counter _failedCommits, _commitSeconds, _recoveries, _snapshots, _snapshotSeconds, _snapshotsLost, _gap;
    private readonly Gauge _lag, _delay, _series, _stateBytes, _paused, _partitions;
    private readonly Counter _oldEvents, _oldAnomalies;
    private readonly Gauge _oldLag;
    private readonly Gauge _buildInfo;
    private readonly string _version;
    private readonly Func<string> _model;
    private string _shown;
    private long _counted;

    /// <param name="snapshot">Reads the counters.</param>
    /// <param name="clock">Tells how far the watermark is behind.</param>
    /// <param name="version">Version of the program, "number+commit".</param>
    /// <param name="model">"name:version" of the model that scores what is new, or "none".</param>
    public PipelineMetrics(Func<PipelineStatistics> snapshot, EventClock clock, string version, Func<string> model)
    {
        (_snapshot, _clock, _version, _model, _shown) = (snapshot, clock, version, model, model());
        Factory = Metrics.WithCustomRegistry(_registry);
        _records = Count("fastiot_records_consumed_total", "Kafka records read, replayed ones included", "partition");
        _readings = Count("fastiot_readings_total", "Readings that went into a window", "partition");
        _replayed = Count("fastiot_records_replayed_total", "Records read again after a restart", "partition");
        _late = Count("fastiot_records_late_total", "Readings too late for every window", "partition");
        _rejected = Count("fastiot_records_rejected_total", "Readings that cannot be used", "reason");
        _windows = Count("fastiot_windows_emitted_total", "Windows closed, one per series and window end");
        _scored = Count("fastiot_windows_scored_total", "Windows scored by the model");
        _anomalies = Count("fastiot_anomalies_total", "Windows that raised an alarm", "model_version");
        _kinds = Count("fastiot_anomalies_by_kind_total", "Alarms by what they look like", "kind");
        _commits = Count("fastiot_commits_total", "Commits of the group's offsets");
        _failedCommits = Count("fastiot_commits_failed_total", "Commits that were refused, or whose outcome is unknown");
        _commitSeconds = Count("fastiot_commit_seconds_total", "Time spent in commits, all workers");
        _recoveries = Count("fastiot_recoveries_total", "Times that a worker discarded its state and began again from what is committed");
        _snapshots = Count("fastiot_snapshots_total", "Snapshots of slow state taken");
        _snapshotSeconds = Count("fastiot_snapshot_seconds_total", "Time the workers spent on taking snapshots");
        _snapshotsLost = Count("fastiot_snapshots_lost_total", "Committed snapshots that could not be used: the partition's series began cold");
        _gap = Count("fastiot_data_gap_records_total", "Records that were needed and had expired");
        _closeSeconds = Count("fastiot_window_close_seconds_total", "Time spent merging windows and learning baselines, all workers");
        _scoreSeconds = Count("fastiot_inference_compute_seconds_total", "Time spent in the model, all workers");
        _lag = Level("fastiot_consumer_lag_records", "Records in the log that are not read yet", "partition");
        _delay = Level("fastiot_watermark_delay_seconds", "How far the watermark is behind the clock", "partition");
        _series = Level("fastiot_series", "Series known (sensor and metric)");
        _stateBytes = Level("fastiot_state_bytes", "Native memory of panes, baselines and histories");
        _paused = Level("fastiot_partitions_paused", "Partitions that wait for their outputs");
        _partitions = Level("fastiot_partitions_assigned", "Partitions that this process owns");
        _oldEvents = Count("events_processed_total", "As fastiot_readings_total, under the predecessor's name");
        _oldAnomalies = Count("anomalies_detected_total", "As fastiot_anomalies_total, under the predecessor's name");
        _oldLag = Level("kafka_consumer_lag", "As fastiot_consumer_lag_records in sum, under the predecessor's name");
        _buildInfo = Level("fastiot_build_info", "Always 1; what runs is in the labels", "version", "commit", "model_version", "vectors");
        BuildInfo(_shown).Set(1);
        _drift = new DriftMetrics(Factory);
        var process = new ProcessMetrics(Factory);
        _registry.AddBeforeCollectCallback(() =>
        {
            // Two scrapes at once must not add the same difference twice.
            lock (_lock)
            {
                Update(_snapshot());
                process.Update();
            }
        });
    }

    /// <summary>Makes further metrics beside these.</summary>
    public MetricFactory Factory { get; }

    /// <summary>Runs before each scrape.</summary>
    public void BeforeScrape(Action update) => _registry.AddBeforeCollectCallback(() =>
    {
        lock (_lock) update();
    });

    /// <summary>Writes everything in Prometheus' text format.</summary>
    public Task WriteAsync(Stream stream, CancellationToken cancellation) => _registry.CollectAndExportAsTextAsync(stream, cancellation);

    private void Update(PipelineStatistics statistics)
    {
        // A partition given up and assigned again has counted twice, in two objects; a counter must go on from their sum.
        foreach (IGrouping<int, PartitionStatistics> group in statistics.Partitions.GroupBy(p => p.Partition))
        {
            string partition = group.Key.ToString(CultureInfo.InvariantCulture);
            _records.WithLabels(partition).IncTo(group.Sum(p => p.Records));
            _readings.WithLabels(partition).IncTo(group.Sum(p => p.Readings));
            _replayed.WithLabels(partition).IncTo(group.Sum(p => p.Replayed));
            _late.WithLabels(partition).IncTo(group.Sum(p => p.Late));
            UpdateAssigned(partition, group.LastOrDefault(p => p.Assigned));
        }

        for (int i = 1; i < Rejections.Count; i++) _rejected.WithLabels(Rejections.Name((Rejection)i)).IncTo(statistics.RejectedFor((Rejection)i));
        _windows.IncTo(statistics.Windows);
        _scored.IncTo(statistics.Scored);
        ShowModel(_model());

        // Those of the last seconds before a change count as the next version's.
        _anomalies.WithLabels(_shown).Inc(statistics.Anomalies - _counted);
        _counted = statistics.Anomalies;
        for (int i = 0; i <= AnomalyKinds.Modelled; i++)
        {
            _kinds.WithLabels(AnomalyKinds.Name((AnomalyKind)i)).IncTo(statistics.Workers.Sum(w => w.AnomaliesByKind[i]));
        }

        _drift.Update([.. statistics.Workers.Select(w => w.Drift).OfType<ModelDrift>()]);
        _commits.IncTo(statistics.Workers.Sum(w => w.Commits));
        _failedCommits.IncTo(statistics.Workers.Sum(w => w.FailedCommits));
        _commitSeconds.IncTo(statistics.Workers.Sum(w => w.CommitTicks) / (double)Stopwatch.Frequency);
        _recoveries.IncTo(statistics.Workers.Sum(w => w.Recoveries));
        _snapshots.IncTo(statistics.Workers.Sum(w => w.Snapshots));
        _snapshotSeconds.IncTo(statistics.Workers.Sum(w => w.SnapshotTicks) / (double)Stopwatch.Frequency);
        _snapshotsLost.IncTo(statistics.Partitions.Sum(p => p.SnapshotsLost));
        _gap.IncTo(statistics.Partitions.Sum(p => p.GapRecords));
        _closeSeconds.IncTo(statistics.Workers.Sum(w => w.CloseTicks) / (double)Stopwatch.Frequency);
        _scoreSeconds.IncTo(statistics.Workers.Sum(w => w.ScoreTicks) / (double)Stopwatch.Frequency);
        _series.Set(statistics.Series);
        _stateBytes.Set(statistics.Partitions.Sum(p => p.Assigned ? p.StateBytes : 0));
        _paused.Set(statistics.Partitions.Count(p => p.Assigned && p.Paused));
        _partitions.Set(statistics.Partitions.Count(p => p.Assigned));
        _oldEvents.IncTo(statistics.Readings);
        _oldAnomalies.IncTo(statistics.Anomalies);
        _oldLag.Set(statistics.Lag);
    }

    /// <param name="statistics">Null for a partition that is another member's now: its last lag would stay for ever.</param>
    private void UpdateAssigned(string partition, PartitionStatistics? statistics)
    {
        if (statistics == null)
        {
            _lag.RemoveLabelled(partition);
            _delay.RemoveLabelled(partition);
            return;
        }

        _lag.WithLabels(partition).Set(statistics.Lag);
        if (statistics.WatermarkUs == long.MinValue) return;
        _delay.WithLabels(partition).Set(Math.Max(0, (Stopwatch.GetTimestamp() - _clock.DueTicks(statistics.WatermarkUs)) / (double)Stopwatch.Frequency));
    }

    private void ShowModel(string model)
    {
        if (model == _shown) return;
        BuildInfo(_shown).Remove();
        BuildInfo(model).Set(1);
        _shown = model;
    }

    private Gauge.Child BuildInfo(string model)
    {
        string[] parts = _version.Split('+', 2);
        return _buildInfo.WithLabels(parts[0], parts.Length > 1 ? parts[1] : "", model, Simd.Name);
    }

    private Counter Count(string name, string help, params string[] labels) => Factory.CreateCounter(name, help, labels);

    private Gauge Level(string name, string help, params string[] labels) => Factory.CreateGauge(name, help, labels);
}
