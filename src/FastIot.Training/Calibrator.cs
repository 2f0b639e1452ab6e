using FastIot.Scoring;

namespace FastIot.Training;

/// <summary>Measures how many false alarm episodes a day each threshold would raise: outside events and the two minutes behind them.</summary>
internal static class Calibrator
{
    /// <summary>Points of a table at most.</summary>
    private const int Points = 48;

    /// <summary>Fewer episodes than this are too few to rely on.</summary>
    private const int LeastEpisodes = 4;

    /// <summary>Windows that may lie between two alarms of one episode: one window length.</summary>
    private const int GapWindows = 6;

    /// <summary>False alarms a day at which series of different ages are compared.</summary>
    private const double JudgedRate = 2;

    /// <summary>Episodes added to what is expected and to what is counted: of a handful nothing follows.</summary>
    private const double Unknown = 4;

    /// <summary>Where ages begin, in windows seen: 30 min and so on to four hours, from which on a series is old.</summary>
    private static readonly int[] s_ages = [180, 210, 240, 300, 360, 450, 540, 720, 1080, 1440];

    public static CalibrationTable Head(FleetScores fleet) => Table("*", fleet.Normal(fleet.Score), fleet.SensorDays);

    /// <summary>A table of each type, and one of all for types the model does not know.</summary>
    public static CalibrationTable[] Reconstruction(FleetScores fleet)
    {
        float[][] normal = fleet.Normal(fleet.Error);
        var tables = new List<CalibrationTable>();
        for (int type = 0; type < SensorTypes.Count; type++)
        {
            float[][] ofType = [.. normal.Where((_, series) => fleet.Types[series] == (SensorType)type)];
            if (ofType.Length > 0) tables.Add(Table(SensorTypes.Names[type], ofType, fleet.SensorDays * ofType.Length / normal.Length));
        }

        tables.Add(Table("*", normal, fleet.SensorDays));
        return [.. tables];
    }

    /// <summary>Of all channels and ages together.</summary>
    public static CalibrationTable Combined(FleetScores fleet, AlarmThresholds channels) => Table("*", Nominal(fleet, channels), fleet.SensorDays);

    /// <summary>
    /// Episodes a day by the series' age against those of old series, at the threshold of <see cref="JudgedRate"/>: higher ones, where few are
    /// left to count, were found to have the same factors.
    /// </summary>
    public static YoungSeries Young(FleetScores fleet, AlarmThresholds channels)
    {
        float[][] nominal = Nominal(fleet, channels);
        double threshold = -Math.Log(JudgedRate);
        long[] episodes = new long[s_ages.Length], windows = new long[s_ages.Length];
        for (int s = 0; s < nominal.Length; s++)
        {
            int last = -GapWindows - 1;
            for (int w = 0; w < nominal[s].Length; w++)
            {
                if (float.IsNaN(nominal[s][w])) continue;
                int age = Array.FindLastIndex(s_ages, from => fleet.Seen[s][w] >= from);
                if (age < 0) continue;
                windows[age]++;
                if (!(nominal[s][w] >= threshold)) continue;
                if (w - last > GapWindows) episodes[age]++;
                last = w;
            }
        }

        double old = (episodes[^1] + Unknown) / Math.Max(1.0, windows[^1]);
        double[] factors = [.. episodes.Select((e, i) => Math.Max(1, (e + Unknown) / (windows[i] * old + Unknown)))];
        // Never rising with age, and 1 at last: what rises is chance.
        factors[^1] = 1;
        for (int i = factors.Length - 2; i >= 0; i--) factors[i] = Math.Max(factors[i], factors[i + 1]);
        int[] middles = [.. s_ages.Select((from, i) => i + 1 < s_ages.Length ? (from + s_ages[i + 1]) / 2 : from)];
        return new YoungSeries(middles, factors);
    }

    private static float[][] Nominal(FleetScores fleet, AlarmThresholds channels) => fleet.Normal([.. fleet.Score.Select((scores, s) => scores.Select((score, w) =>
        channels.Judges(score, fleet.Error[s][w]) ? (float)channels.Nominal(score, fleet.Error[s][w], fleet.Types[s], fleet.Seen[s][w]).Nominal : float.NaN).ToArray())]);

    /// <summary>Episodes of all series at this threshold.</summary>
    public static int Episodes(float[][] scores, float threshold) => scores.Sum(series => Episodes(series.Length, w => series[w] >= threshold));

    /// <summary>Runs of alarms among this many windows.</summary>
    public static int Episodes(int windows, Func<int, bool> alarm)
    {
        int episodes = 0, last = -GapWindows - 1;
        for (int w = 0; w < windows; w++)
        {
            if (!alarm(w)) continue;
            if (w - last > GapWindows) episodes++;
            last = w;
        }

        return episodes;
    }

    internal static CalibrationTable Table(string type, float[][] scores, double sensorDays)
    {
        float[] sorted = [.. scores.SelectMany(s => s).Where(float.IsFinite)];
        Array.Sort(sorted);
        var thresholds = new List<double>();
        var rates = new List<double>();
        double lastRate = double.PositiveInfinity;
        // Ranks in equal logarithmic steps from a twentieth of all windows to the last few.
        double highest = sorted.Length * .05, lowest = LeastEpisodes;
        for (int i = 0; i < Points; i++)
        {
            int rank = (int)Math.Round(highest * Math.Pow(lowest / highest, i / (Points - 1.0)));
            float threshold = sorted[^Math.Max(rank, 1)];
            int episodes = Episodes(scores, threshold);
            double rate = episodes / sensorDays;
            // Merged episodes make the rate rise with the threshold at its low end: only the falling part can be inverted.
            if (thresholds.Count > 0 && threshold <= thresholds[^1]) continue;
            while (rates.Count > 0 && rate >= rates[^1])
            {
                rates.RemoveAt(rates.Count - 1);
                thresholds.RemoveAt(thresholds.Count - 1);
            }

            if (episodes < LeastEpisodes && rates.Count > 1) break;
            thresholds.Add(threshold);
            rates.Add(rate);
            lastRate = rate;
        }

        if (rates.Count < 2) throw new InvalidOperationException($"\"{type}\": too few healthy windows ({sorted.Length}) to calibrate on; lastly {lastRate} episodes a day");
        return new CalibrationTable(type, thresholds, rates);
    }
}
