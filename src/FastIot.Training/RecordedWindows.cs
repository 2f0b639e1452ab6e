using FastIot.Simulation;
using FastIot.Windows;

namespace FastIot.Training;

/// <summary>Windows of recorded series with injected anomalies, by the engine's own panes and merge.</summary>
internal static class RecordedWindows
{
    /// <summary>Share of the time that is trained on, and that which is calibrated on after it; figures are from the rest.</summary>
    public const double TrainedOn = .6, CalibratedOn = .25;

    /// <summary>Windows, times series, that are held at most.</summary>
    private const long MostRows = 60_000_000;

    /// <exception cref="InvalidDataException">Too little to learn from, or more than fits.</exception>
    public static WindowLog[] Of(RecordedSeries[] series, FleetOptions recipe, Action<double> progress, int threads)
    {
        WindowSpec spec = WindowSpec.Default;
        long first = series.Min(s => s.TimesUs[0]), last = series.Max(s => s.TimesUs[^1]), ends = (last - first) / spec.SlideUs + 1;
        double hours = series.Sum(s => (s.TimesUs[^1] - s.TimesUs[0]) / 3600e6);
        if (last - first < 4 * 3600_000_000L || hours < 48) throw new InvalidDataException($"{series.Length} series over {(last - first) / 3600e6:0.0} h ({hours:0} series-hours) are too little to train on: at least four hours and 48 series-hours");
        if (ends * series.Length > MostRows) throw new InvalidDataException($"{series.Length} series over {(last - first) / 86400e6:0.0} days make more than {MostRows:N0} windows: give fewer sensors or a shorter time");
        var logs = new WindowLog[SimulatedWindows.Shards(series.Length)];
        int done = 0, size = SimulatedWindows.ShardSeries(series.Length);
        Parallel.For(0, logs.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
        {
            int from = i * size;
            logs[i] = Shard(series[from..Math.Min(from + size, series.Length)], from, recipe, spec, Watermark.Floor(first, spec.SlideUs) + spec.SlideUs, last);
            progress((double)Interlocked.Increment(ref done) / logs.Length);
        });
        return logs;
    }

    private static WindowLog Shard(RecordedSeries[] series, int number, FleetOptions recipe, WindowSpec spec, long firstEndUs, long lastUs)
    {
        var log = new WindowLog { Spec = spec, FirstEndUs = firstEndUs, Types = [.. series.Select(s => s.Type)] };
        (double[] Values, List<AnomalyEvent> Events)[] injected = [.. series.Select((s, i) =>
        {
            (double[] values, List<AnomalyEvent> events) = RecordedInjector.Inject(s, number + i, recipe);
            return (values, events.ConvertAll(e => e with { Sensor = i }));
        })];
        log.Events.AddRange(injected.SelectMany(s => s.Events).OrderBy(e => e.StartUs));
        int[] next = new int[series.Length], begun = new int[series.Length];
        using var cutter = new WindowCutter(spec, series.Length);
        for (long end = firstEndUs; end <= lastUs; end += spec.SlideUs)
        {
            for (int s = 0; s < series.Length; s++)
            {
                for (; next[s] < series[s].TimesUs.Length && series[s].TimesUs[next[s]] < end; next[s]++) cutter.Place(series[s].TimesUs[next[s]], s, injected[s].Values[next[s]]);
                while (begun[s] < injected[s].Events.Count && injected[s].Events[begun[s]].StartUs < end) begun[s]++;
            }

            log.Append(cutter.Close(end), s => begun[s] > 0 ? WindowLabel.Of(injected[s].Events[begun[s] - 1], end, spec) : WindowLabel.Normal);
        }

        return log;
    }
}
