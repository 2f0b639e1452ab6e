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
