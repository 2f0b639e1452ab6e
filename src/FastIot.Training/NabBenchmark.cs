using System.Globalization;
using System.Text.Json;
using FastIot.Evaluation;

namespace FastIot.Training;

/// <summary>ROC-AUC and PR-AUC of rows behind the probation, over all files with one scale; and the mean of the files' own ROC-AUC.</summary>
internal sealed record NabFigures(string Detector, double RocAuc, double PrAuc, double BestF1, double MeanRocAuc);

/// <summary>
/// The Numenta Anomaly Benchmark's files: the first 15 % of a file (750 rows at most) is probation and trains, the rest is judged row by row
/// against the anomaly windows.
/// </summary>
internal static class NabBenchmark
{
    private const double Probation = .15;
    private const int MostProbationRows = 750;

    public static List<NabFigures> Run(string folder, SequenceTraining options, Action<string, double> progress)
    {
        NabFile[] files = [.. NabFile.Read(folder)];
        RowWindows[] windows = [.. files.Select(f => new RowWindows(f.Values, f.ProbationRows))];
        float[][] training = [.. windows.SelectMany(c => Enumerable.Range(RowWindows.Lags - 1, Math.Max(0, c.TrainingWindows - RowWindows.Lags + 1)).Select(c.Sequence))];
        using SequenceAutoencoder net = SequenceAutoencoder.Train(training, RowWindows.Lags, RowWindows.Features, options with { Epochs = 4 * options.Epochs }, share => progress("NAB: training", share));
        double[][] byNet = [.. windows.Select(c => Relative(c, net.Errors([.. Enumerable.Range(0, c.Count).Select(c.Sequence)])))];
        double[][] byZ = [.. windows.Select(c => Relative(c, [.. Enumerable.Range(0, c.Count).Select(w => Largest(c.Z(w)))]))];
        var random = new Random(options.Seed);
        return
        [
            Judge("LSTM autoencoder, six features, trained on probations", files, byNet),
            Judge("largest |z| of six features", files, byZ),
            Judge("random", files, [.. windows.Select(c => Enumerable.Range(0, c.Count).Select(_ => random.NextDouble()).ToArray())]),
        ];
    }

    /// <summary>In units of the file's own probation scores, so that one threshold serves all files.</summary>
    private static double[] Relative(RowWindows windows, float[] scores)
    {
        double[] training = [.. scores.Take(Math.Max(2, windows.TrainingWindows)).Select(s => (double)s).Order()];
        double scale = training[(int)(.95 * (training.Length - 1))] + 1e-9;
        return [.. scores.Select(s => s / scale)];
    }

    private static NabFigures Judge(string detector, NabFile[] files, double[][] scores)
    {
        var all = new List<float>();
        var labels = new List<bool>();
        var own = new List<double>();
        for (int f = 0; f < files.Length; f++)
        {
            var rows = new List<float>();
            var anomalies = new List<bool>();
            for (int row = files[f].ProbationRows; row < files[f].Values.Length; row++)
            {
                int window = Math.Min(scores[f].Length - 1, (row + 1 - RowWindows.Length) / RowWindows.Slide);
                rows.Add((float)scores[f][Math.Max(0, window)]);
                anomalies.Add(files[f].IsAnomaly[row]);
            }

            all.AddRange(rows);
            labels.AddRange(anomalies);
            own.Add(RankMetrics.Of([.. rows], [.. anomalies]).RocAuc());
        }

        RankMetrics metrics = RankMetrics.Of([.. all], [.. labels]);
        return new NabFigures(detector, metrics.RocAuc(), metrics.PrAuc(), metrics.BestF1(), own.Where(double.IsFinite).Average());
    }

    private static float Largest(ReadOnlySpan<float> z)
    {
        float largest = 0;
        foreach (float v in z) largest = Math.Max(largest, Math.Abs(v));
        return largest;
    }

    private sealed record NabFile(double[] Values, bool[] IsAnomaly)
    {
        public int ProbationRows => (int)Math.Min(Probation * Values.Length, MostProbationRows);

        public static IEnumerable<NabFile> Read(string folder)
        {
            using JsonDocument labels = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "labels.json")));
            foreach (JsonProperty file in labels.RootElement.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal))
            {
                string path = Path.Combine(folder, file.Name);
                if (!File.Exists(path)) continue;
                string[][] rows = [.. File.ReadLines(path).Skip(1).Where(l => l.Length > 0).Select(l => l.Split(','))];
                DateTime[] times = [.. rows.Select(r => Time(r[0]))];
                (DateTime From, DateTime To)[] windows = [.. file.Value.EnumerateArray().Select(w => (Time(w[0].GetString()!), Time(w[1].GetString()!)))];
                if (windows.Length == 0) continue;
                yield return new NabFile([.. rows.Select(r => double.Parse(r[1], CultureInfo.InvariantCulture))], [.. times.Select(t => windows.Any(w => t >= w.From && t <= w.To))]);
            }
        }

        private static DateTime Time(string text) => DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
    }
}
