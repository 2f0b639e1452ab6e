using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Confluent.Kafka;

namespace FastIot.Bench;

/// <summary>
/// The usual C# for the job: Confluent.Kafka's consumer, System.Text.Json, a dictionary of sensors, Welford's algorithm in panes of ten
/// seconds, six of them merged per window. No files, no anomalies, no exactly once: what FastIot is compared with by perf/ingest.
/// </summary>
internal static class NaiveConsumer
{
    private const long SlideUs = 10_000_000;
    private const int Panes = 6;

    /// <summary>Reads so many readings of a topic from its begin and prints what that took, as one JSON object.</summary>
    public static int Run(string bootstrap, string topic, long count)
    {
        var config = new ConsumerConfig { BootstrapServers = bootstrap, GroupId = Guid.NewGuid().ToString(), AutoOffsetReset = AutoOffsetReset.Earliest, EnableAutoCommit = false };
        using IConsumer<string, byte[]> consumer = new ConsumerBuilder<string, byte[]>(config).Build();
        consumer.Subscribe(topic);
        var partitions = new Dictionary<int, Dictionary<string, Sensor>>();
        var watermarks = new Dictionary<int, long>();
        var clock = new Stopwatch();
        long read = 0, windows = 0;
        TimeSpan cpu = default;
        while (read < count)
        {
            ConsumeResult<string, byte[]>? result = consumer.Consume(TimeSpan.FromSeconds(10));
            if (result == null) continue;
            if (read++ == 0)
            {
                clock.Start();
                cpu = Process.GetCurrentProcess().TotalProcessorTime;
            }

            Reading reading = JsonSerializer.Deserialize<Reading>(result.Message.Value)!;
            int partition = result.Partition.Value;
            if (!partitions.TryGetValue(partition, out Dictionary<string, Sensor>? sensors)) partitions.Add(partition, sensors = []);
            if (!sensors.TryGetValue(reading.sensor_id, out Sensor? sensor)) sensors.Add(reading.sensor_id, sensor = new Sensor());
            long us = (reading.timestamp.UtcDateTime - DateTime.UnixEpoch).Ticks / 10, pane = us / SlideUs;
            sensor.Add(pane, reading.value);
            long closed = watermarks.GetValueOrDefault(partition), now = (us - 2_000_000) / SlideUs;
            if (now <= closed) continue;
            watermarks[partition] = now;
            if (closed > 0) windows += sensors.Values.Count(s => s.Close(now));
        }

        TimeSpan used = Process.GetCurrentProcess().TotalProcessorTime - cpu;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{{\"readings\":{read},\"windows\":{windows},\"seconds\":{clock.Elapsed.TotalSeconds:0.000},\"cpu_seconds\":{used.TotalSeconds:0.000}}}"));
        consumer.Close();
        return 0;
    }

    // As the JSON has them.
    private sealed record Reading(string sensor_id, DateTimeOffset timestamp, string? metric, double value);

    private sealed class Sensor
    {
        private readonly (long Number, long Count, double Mean, double M2, double Min, double Max)[] _panes = new (long, long, double, double, double, double)[Panes + 1];

        public double Stddev { get; private set; }

        public void Add(long number, double value)
        {
            ref var pane = ref _panes[number % _panes.Length];
            if (pane.Number != number) pane = (number, 0, 0, 0, double.MaxValue, double.MinValue);
            pane.Count++;
            double delta = value - pane.Mean;
            pane.Mean += delta / pane.Count;
            pane.M2 += delta * (value - pane.Mean);
            pane.Min = Math.Min(pane.Min, value);
            pane.Max = Math.Max(pane.Max, value);
        }

        public bool Close(long end)
        {
            double count = 0, mean = 0, m2 = 0;
            foreach (var pane in _panes)
            {
                if (pane.Number < end - Panes || pane.Number >= end || pane.Count == 0) continue;
                double delta = pane.Mean - mean, sum = count + pane.Count;
                mean += delta * pane.Count / sum;
                m2 += pane.M2 + delta * delta * count * pane.Count / sum;
                count = sum;
            }

            Stddev = Math.Sqrt(m2 / (count - 1));
            return count > 0;
        }
    }
}
