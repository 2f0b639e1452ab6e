using FastIot.Alarms;
using Prometheus;

namespace FastIot.Observe;

/// <summary>What became of alarms on their way to people; all zero where nobody is told.</summary>
internal sealed class AlarmMetrics
{
    private readonly AlarmCounters _counters;
    private readonly Counter _sent, _failed, _dropped, _silenced, _calls, _retries;
    private readonly Gauge _groups;

    public AlarmMetrics(MetricFactory factory, AlarmCounters counters)
    {
        _counters = counters;
        _sent = factory.CreateCounter("fastiot_alarm_messages_sent_total", "Messages to people about groups of alarms that the receiver has accepted");
        _failed = factory.CreateCounter("fastiot_alarm_messages_failed_total", "Messages to people that were given up; they come again after the interval");
        _dropped = factory.CreateCounter("fastiot_alarm_episodes_dropped_total", "Times that an episode found the queue of alarms to people full, or too many open; tried again while it goes on");
        _silenced = factory.CreateCounter("fastiot_alarm_episodes_silenced_total", "Episodes that a silence covered");
        _calls = factory.CreateCounter("fastiot_alarm_calls_total", "Calls to the receiver of alarms, repeated ones included");
        _retries = factory.CreateCounter("fastiot_alarm_call_retries_total", "Calls to the receiver of alarms that failed and were made again");
        _groups = factory.CreateGauge("fastiot_alarm_groups", "Groups of alarms that people know of, or are about to");
    }

    /// <summary>Before a scrape.</summary>
    public void Update()
    {
        _sent.IncTo(_counters.Sent);
        _failed.IncTo(_counters.Failed);
        _dropped.IncTo(_counters.Dropped);
        _silenced.IncTo(_counters.Silenced);
        _calls.IncTo(_counters.Calls);
        _retries.IncTo(_counters.Retries);
        _groups.Set(_counters.Groups);
    }
}
