using System.Globalization;
using RankMetrics = FastIot.Evaluation.RankMetrics;

namespace FastIot.Training;

/// <summary>Figures over all rows behind the training rows, as the Skoltech Anomaly Benchmark counts them.</summary>
internal sealed record SkabFigures(string Detector, double F1, double FalseAlarmRate, double MissedAlarmRate, double RocAuc);

/// <summary>
/// The Skoltech Anomaly Benchmark's outlier task: the first 400 rows of each file are normal and train, the rest is judged row by row; no
/// row is point-adjusted. Threshold: 1.5 times the 99th percentile of the training scores, as its notebooks have it.
/// </summary>
internal static class SkabBenchmark
{
    private const int TrainingRows = 400, SmoothWindows = 6;
    private const double ThresholdFactor = 1.5, TrainingQuantile = .99;

    public static List<SkabFigures> Run(string folder, SequenceTraining options, Action<string, double> progress)
    {
        string[] paths = [.. Directory.EnumerateFiles(folder, "*.csv", SearchOption.AllDirectories).Where(p => !p.EndsWith("anomaly-free.csv", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        if (paths.Length == 0) throw new FileNotFoundException($"there are no CSV files below {folder}");
        SkabFile[] files = [.. paths.Select(SkabFile.Read)];
        RowWindows[][] windows = [.. files.Select(f => f.Channels.Select(c => new RowWindows(c, TrainingRows)).ToArray())];
        float[][] training = [.. windows.SelectMany(f => f).SelectMany(c => Enumerable.Range(RowWindows.Lags - 1, Math.Max(0, c.TrainingWindows - RowWindows.Lags + 1)).Select(c.Sequence))];
        using SequenceAutoencoder net = SequenceAutoencoder.Train(training, RowWindows.Lags, RowWindows.Features, options, share => progress("SKAB: training", share));
        var byNet = new List<double[]>();
        for (int f = 0; f < files.Length; f++)
        {
            float[][] errors = [.. windows[f].Select(c => net.Errors([.. Enumerable.Range(0, c.Count).Select(c.Sequence)]))];
            byNet.Add(Rows(files[f], [.. Enumerable.Range(0, errors[0].Length).Select(w => errors.Average(e => (double)e[w]))]));
            progress("SKAB: scoring", (f + 1.0) / files.Length);
        }

        return
        [
            Judge("LSTM autoencoder, six features, trained on all files", files, byNet),
            Judge("largest |z| of six features, mean of channels", files, [.. files.Select((f, i) => Rows(f, [.. Enumerable.Range(0, windows[i][0].Count).Select(w => windows[i].Average(c => (double)Largest(c.Z(w))))]))]),
            Judge("every row", files, [.. files.Select(f => f.IsAnomaly.Select((_, row) => row < TrainingRows ? 0.0 : 1).ToArray())]),
        ];
    }

    /// <summary>By row: the mean of the last windows that ended by then.</summary>
    private static double[] Rows(SkabFile file, double[] windows)
    {
        double[] rows = new double[file.IsAnomaly.Length];
        for (int row = 0; row < rows.Length; row++)
        {
            int last = Math.Min(windows.Length - 1, (row + 1 - RowWindows.Length) / RowWindows.Slide);
            if (row + 1 < RowWindows.Length || last < 0) continue;
            int first = Math.Max(0, last - SmoothWindows + 1);
            rows[row] = windows[first..(last + 1)].Average();
        }

        return rows;
    }

    private static SkabFigures Judge(string detector, SkabFile[] files, List<double[]> scores)
    {
        long tp = 0, fp = 0, fn = 0, tn = 0;
        var all = new List<float>();
        var labels = new List<bool>();
        for (int f = 0; f < files.Length; f++)
        {
            double[] training = [.. scores[f][..TrainingRows].Skip(RowWindows.Length).Order()];
            double threshold = ThresholdFactor * training[(int)(TrainingQuantile * (training.Length - 1))];
            for (int row = TrainingRows; row < scores[f].Length; row++)
            {
                bool alarm = scores[f][row] > threshold, anomaly = files[f].IsAnomaly[row];
                if (alarm && anomaly) tp++;
                else if (alarm) fp++;
                else if (anomaly) fn++;
                else tn++;
                // Files differ in scale: relative to each one's own threshold.
                all.Add((float)(scores[f][row] / Math.Max(threshold, 1e-12)));
                labels.Add(anomaly);
            }
        }

        return new SkabFigures(detector, 2.0 * tp / (2 * tp + fp + fn), (double)fp / (fp + tn), (double)fn / (fn + tp), RankMetrics.Of([.. all], [.. labels]).RocAuc());
    }

    private static float Largest(ReadOnlySpan<float> z)
    {
        float largest = 0;
        foreach (float v in z) largest = Math.Max(largest, Math.Abs(v));
        return largest;
    }

    private sealed record SkabFile(double[][] Channels, bool[] IsAnomaly)
    {
        public static SkabFile Read(string path)
        {
            string[] lines = File.ReadAllLines(path);
            string[] header = lines[0].Split(';');
            int anomaly = Array.IndexOf(header, "anomaly"), changepoint = Array.IndexOf(header, "changepoint");
            if (anomaly < 0) throw new InvalidDataException($"{path} has no column \"anomaly\"; its columns are {string.Join(", ", header)}");
            string[][] rows = [.. lines.Skip(1).Where(l => l.Length > 0).Select(l => l.Split(';'))];
            if (rows.Length <= TrainingRows) throw new InvalidDataException($"{path} has {rows.Length} rows; the first {TrainingRows} are for training");
            int[] channels = [.. Enumerable.Range(1, header.Length - 1).Where(c => c != anomaly && c != changepoint)];
            return new SkabFile([.. channels.Select(c => rows.Select(r => double.Parse(r[c], CultureInfo.InvariantCulture)).ToArray())],
                [.. rows.Select(r => double.Parse(r[anomaly], CultureInfo.InvariantCulture) != 0)]);
        }
    }
}
