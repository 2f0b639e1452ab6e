using System.CommandLine;
using System.Globalization;

namespace FastIot.Training;

/// <summary>Other people's benchmarks, by their own rules, beside what others have published.</summary>
internal static class BenchmarkCommand
{
    public static Command Create()
    {
        var skab = new Option<string>("--skab") { Description = "Folder with files of the Skoltech Anomaly Benchmark", HelpName = "folder" };
        var nab = new Option<string>("--nab") { Description = "Folder with files of the Numenta Anomaly Benchmark and their labels.json", HelpName = "folder" };
        var seeds = new Option<int>("--seeds") { Description = "Trainings, each with another seed; the mean is shown", DefaultValueFactory = _ => 3 };
        var command = new Command("benchmark", """
            Run the textbook LSTM autoencoder on the pipeline's six features over public benchmarks, and show the published figures beside it

            Example:
              fastiot-train benchmark --skab data/skab --nab data/nab
            """)
        { skab, nab, seeds };
        command.SetAction(parsed => Guarded(() =>
        {
            if (parsed.GetValue(skab) == null && parsed.GetValue(nab) == null)
            {
                throw new ArgumentException("name at least one of --skab and --nab");
            }

            TorchLibraries.Prepare();
            int count = Math.Max(1, parsed.GetValue(seeds));
            void Progress(string stage, double share)
            {
                if (share >= 1) Console.Error.WriteLine($"{stage}: done");
            }

            if (parsed.GetValue(skab) is { } skabFolder) Skab([.. Enumerable.Range(1, count).Select(s => SkabBenchmark.Run(skabFolder, new SequenceTraining { Seed = s }, Progress))]);
            if (parsed.GetValue(nab) is { } nabFolder) Nab([.. Enumerable.Range(1, count).Select(s => NabBenchmark.Run(nabFolder, new SequenceTraining { Seed = s }, Progress))]);
            return 0;
        }));
        return command;
    }

    /// <summary>Errors as one line on stderr.</summary>
    private static int Guarded(Func<int> run)
    {
        try
        {
            return run();
        }
        catch (Exception e) when (e is ArgumentException or IOException or InvalidDataException or DllNotFoundException)
        {
            Console.Error.WriteLine($"fastiot-train: {e.Message}");
            return e is ArgumentException ? 2 : 1;
        }
    }

    private static void Skab(List<SkabFigures>[] runs)
    {
        Console.WriteLine($"SKAB, rows behind the first 400 of each file, {runs.Length} seeds\n{"",-60}F1    false alarms %  missed %  ROC-AUC");
        for (int d = 0; d < runs[0].Count; d++)
        {
            double F1(Func<SkabFigures, double> figure) => runs.Average(r => figure(r[d]));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{runs[0][d].Detector,-60}{F1(f => f.F1),-6:.000}{100 * F1(f => f.FalseAlarmRate),-16:0.0}{100 * F1(f => f.MissedAlarmRate),-10:0.0}{F1(f => f.RocAuc):.000}"));
        }

        // The benchmark's leaderboard (waico/SKAB, README at b2c0d46), on all of its files.
        foreach ((string name, double f1, double far, double mar) in new[] { ("Conv-AE", .78, 13.6, 28.0), ("MSET", .78, 39.7, 14.1), ("T²+Q", .76, 26.6, 24.9), ("LSTM-AE", .74, 30.0, 25.9), ("Isolation forest", .29, 2.6, 82.9) })
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"published, all files: " + name,-60}{f1,-6:.00}{far,-16:0.0}{mar,-10:0.0}"));
    }

    private static void Nab(List<NabFigures>[] runs)
    {
        Console.WriteLine($"\nNAB, rows behind each file's probation, {runs.Length} seeds\n{"",-60}ROC-AUC  PR-AUC  best F1  mean of files' ROC-AUC");
        for (int d = 0; d < runs[0].Count; d++)
        {
            double Mean(Func<NabFigures, double> figure) => runs.Average(r => figure(r[d]));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{runs[0][d].Detector,-60}{Mean(f => f.RocAuc),-9:.000}{Mean(f => f.PrAuc),-8:.000}{Mean(f => f.BestF1),-9:.00}{Mean(f => f.MeanRocAuc):.000}"));
        }

        // Counted from the benchmark's own result files (numenta/NAB at ea702d7), on all of its files.
        foreach ((string name, double roc, double pr, double f1) in new[] { ("HTM", .558, .244, .33), ("ARTime", .503, .119, .38), ("CAD OSE", .348, .130, .25), ("RCF", .573, .222, .29), ("windowed Gaussian", .541, .203, .28), ("random", .504, .118, .21) })
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"published, all files: " + name,-60}{roc,-9:.000}{pr,-8:.000}{f1:.00}"));
    }
}
