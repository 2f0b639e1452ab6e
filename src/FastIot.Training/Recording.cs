using System.Runtime.InteropServices;
using FastIot.Decode;
using FastIot.Ingest;
using FastIot.Scoring;
using FastIot.Series;

namespace FastIot.Training;

/// <summary>One series of a recording, in order of event time.</summary>
internal sealed record RecordedSeries(string Name, SensorType Type, long[] TimesUs, double[] Values);

/// <summary>Readings of a customer's own sensors in memory, read by the engine's own files and decoder.</summary>
internal static class Recording
{
    /// <summary>16 bytes each: readings held at most.</summary>
    private const long MostReadings = 400_000_000;

    /// <exception cref="InvalidDataException">Parquet, no usable reading, or too many.</exception>
    public static RecordedSeries[] Read(IReadOnlyList<string> files, CsvOptions csv)
    {
        if (files.FirstOrDefault(f => f.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase)) is { } parquet)
            throw new InvalidDataException($"{parquet}: feature files hold windows; anomalies are injected into readings, and features between readings need them too. Give the readings themselves (NDJSON or CSV, gzip or not), as the raw topic had them");
        using var source = new FileSource(new FileSourceOptions { Files = files, Csv = csv });
        using var decoder = new ReadingDecoder(new DecodeOptions());
        var series = new Dictionary<string, (SensorType Type, List<long> Times, List<double> Values)>();
        long used = 0, rejected = 0;
        source.Start(new Nobody());
        var records = new Record[Limits.PollRecords];
        while (!source.Completed)
        {
            int count = source.Poll(records, 100);
            for (int i = 0; i < count; i++) Add(decoder, records[i], series, ref used, ref rejected);
            if (used > MostReadings) throw new InvalidDataException($"more than {MostReadings:N0} readings do not fit: give fewer sensors or a shorter time");
        }

        if (used == 0) throw new InvalidDataException($"no usable reading in {string.Join(", ", files)} ({rejected} rejected)");
        return [.. series.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => Sorted(s.Key, s.Value.Type, s.Value.Times, s.Value.Values))];
    }

    private static unsafe void Add(ReadingDecoder decoder, in Record record, Dictionary<string, (SensorType, List<long> Times, List<double> Values)> series, ref long used, ref long rejected)
    {
        decoder.Open(record.Value, record.ValueLength);
        while (decoder.Next(out Reading reading, out Rejection rejection))
        {
            if (rejection != Rejection.None)
            {
                rejected++;
                continue;
            }

            var metric = new ReadOnlySpan<byte>(reading.Metric, reading.MetricLength);
            string name = $"{System.Text.Encoding.UTF8.GetString(reading.SensorIdSpan)}\t{System.Text.Encoding.UTF8.GetString(metric)}";
            if (!series.TryGetValue(name, out (SensorType, List<long> Times, List<double> Values) readings)) series.Add(name, readings = (SensorTypes.Of(metric), [], []));
            readings.Times.Add(reading.TimeUs);
            readings.Values.Add(reading.Value);
            used++;
        }
    }

    private static RecordedSeries Sorted(string name, SensorType type, List<long> times, List<double> values)
    {
        long[] at = [.. times];
        double[] sorted = [.. values];
        bool inOrder = true;
        for (int i = 1; i < at.Length && inOrder; i++) inOrder = at[i] >= at[i - 1];
        // Stable: readings of one instant stay in the order they came in.
        if (!inOrder)
        {
            int[] order = [.. Enumerable.Range(0, at.Length).OrderBy(i => times[i])];
            at = [.. order.Select(i => times[i])];
            sorted = [.. order.Select(i => values[i])];
        }

        return new RecordedSeries(name, type, at, sorted);
    }

    private sealed class Nobody : IAssignmentListener
    {
        public void OnAssigned(Span<PartitionAssignment> partitions)
        {
        }

        public void OnRevoked(ReadOnlySpan<int> partitions, bool lost)
        {
        }
    }
}
