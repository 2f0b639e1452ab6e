using System.Diagnostics;
using System.Globalization;
using FastIot.Evaluation;
using FastIot.Evaluation.Baselines;

namespace FastIot.Tests.Evaluation;

/// <summary>The baselines must be as strong as other people's: a weak one would flatter the model.</summary>
public sealed class BaselineTests
{
    private const int Inputs = 6;

    [Fact]
    public void Logistic_regression_is_at_its_optimum()
    {
        (float[][] rows, bool[] labels) = Draw(1, 2000);
        LogisticRegression model = LogisticRegression.Train(rows, labels);
        double[] mean = [.. Enumerable.Range(0, Inputs).Select(f => rows.Average(r => (double)r[f]))];
        double[] scale = [.. Enumerable.Range(0, Inputs).Select(f => Math.Sqrt(rows.Average(r => (r[f] - mean[f]) * (r[f] - mean[f]))))];
        double[] errors = [.. rows.Select((r, i) => 1 / (1 + Math.Exp(-model.Score(r))) - (labels[i] ? 1 : 0))];
        // The gradient of the penalised loss vanishes there and nowhere else: it is convex.
        for (int f = 0; f < Inputs; f++) Assert.Equal(0, rows.Select((r, i) => errors[i] * (r[f] - mean[f]) / scale[f]).Sum() + model.Weights[f], 1e-5);
        Assert.Equal(0, errors.Sum(), 1e-5);
    }

    [Fact]
    public void Boosting_gives_the_same_trees_for_the_same_rows_and_learns_what_no_line_can_part()
    {
        (float[][] rows, bool[] labels) = Draw(2, 3000);
        (float[][] test, bool[] truth) = Draw(3, 3000);
        GradientBoosting model = GradientBoosting.Train(rows, labels, new BoostingOptions { Trees = 60 }), again = GradientBoosting.Train(rows, labels, new BoostingOptions { Trees = 60 });
        Assert.All(test, r => Assert.Equal(model.Score(r), again.Score(r)));
        LogisticRegression line = LogisticRegression.Train(rows, labels);
        Assert.True(Roc(test, truth, r => model.Score(r)) > Roc(test, truth, r => line.Score(r)) + .03);
        // Its probabilities mean what they say.
        Assert.Equal(truth.Count(t => t), test.Sum(r => 1 / (1 + Math.Exp(-model.Score(r)))), 150.0);
    }

    [Fact]
    public void Boosting_refuses_rows_of_one_class() =>
        Assert.Contains("some of each", Assert.Throws<ArgumentException>(() => GradientBoosting.Train([[1f], [2f]], [true, true], new BoostingOptions())).Message);

    [Fact]
    public void A_constant_input_is_never_split_and_never_harms()
    {
        (float[][] rows, bool[] labels) = Draw(4, 500);
        float[][] with = [.. rows.Select(r => (float[])[.. r, 7f])];
        GradientBoosting one = GradientBoosting.Train(rows, labels, new BoostingOptions { Trees = 20 }), two = GradientBoosting.Train(with, labels, new BoostingOptions { Trees = 20 });
        for (int i = 0; i < rows.Length; i++) Assert.Equal(one.Score(rows[i]), two.Score(with[i]), 1e-9);
        Assert.True(double.IsFinite(LogisticRegression.Train(with, labels).Score(with[0])));
        Assert.InRange(IsolationForest.Train(with, 1).Score(with[0]), 0, 1);
    }

    [Fact]
    public void They_rank_as_well_as_scikit_learn_s()
    {
        // The system's own: Debian's modules are not those of another Python before it on the PATH.
        const string python = "/usr/bin/python3";
        if (!File.Exists(python)) Assert.Skip($"{python} is not there: apt-get install python3-sklearn");
        (float[][] rows, bool[] labels) = Draw(5, 4000);
        (float[][] test, bool[] truth) = Draw(6, 4000);
        string folder = Directory.CreateTempSubdirectory("fastiot-test-").FullName;
        try
        {
            Write(Path.Combine(folder, "train.csv"), rows, labels);
            Write(Path.Combine(folder, "test.csv"), test, truth);
            double[] theirs = Python(python, folder);
            var boosting = GradientBoosting.Train(rows, labels, new BoostingOptions { Trees = 100 });
            var logistic = LogisticRegression.Train(rows, labels);
            var forest = IsolationForest.Train(rows, 1);
            Assert.InRange(Roc(test, truth, r => boosting.Score(r)), theirs[0] - .01, 1);
            Assert.Equal(theirs[1], Roc(test, truth, r => logistic.Score(r)), 1e-4);
            Assert.InRange(Roc(test, truth, r => forest.Score(r)), theirs[2] - .04, theirs[2] + .04);
            for (int f = 0; f < Inputs; f++) Assert.Equal(theirs[3 + f], logistic.Weights[f], 1e-3);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Normal rows, and anomalies that lie far out in one direction, or where two inputs have the same sign.</summary>
    private static (float[][] Rows, bool[] Labels) Draw(int seed, int count)
    {
        var random = new Random(seed);
        double Gauss() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        float[][] rows = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, Inputs).Select(_ => (float)Gauss()).ToArray())];
        bool[] labels = [.. rows.Select(r => random.NextDouble() < (r[0] + Math.Sign(r[1] * r[2]) * 1.5 + .3 * Gauss() > 2 ? .95 : .02))];
        return (rows, labels);
    }

    private static double Roc(float[][] rows, bool[] labels, Func<float[], double> score) => RankMetrics.Of([.. rows.Select(r => (float)score(r))], [.. labels]).RocAuc();

    private static void Write(string path, float[][] rows, bool[] labels) => File.WriteAllLines(path,
        rows.Select((r, i) => string.Join(',', r.Select(x => x.ToString("R", CultureInfo.InvariantCulture))) + (labels[i] ? ",1" : ",0")));

    /// <summary>ROC-AUC of boosting, logistic regression and isolation forest, then the logistic weights.</summary>
    private static double[] Python(string python, string folder)
    {
        const string script = """
            import sys
            try:
                import numpy as np
                from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
                from sklearn.linear_model import LogisticRegression
                from sklearn.metrics import roc_auc_score
            except ImportError as e:
                print(e)
                sys.exit(9)
            a, b = (np.loadtxt(f"{sys.argv[1]}/{n}.csv", delimiter=",") for n in ("train", "test"))
            x, y, u, v = a[:, :-1], a[:, -1], b[:, :-1], b[:, -1]
            m, s = x.mean(0), x.std(0)
            g = HistGradientBoostingClassifier(max_iter=100, l2_regularization=1, early_stopping=False).fit(x, y)
            l = LogisticRegression(tol=1e-10, max_iter=1000).fit((x - m) / s, y)
            f = IsolationForest(random_state=1).fit(x)
            print(*[repr(float(z)) for z in [roc_auc_score(v, g.decision_function(u)), roc_auc_score(v, l.decision_function((u - m) / s)), roc_auc_score(v, -f.score_samples(u)), *l.coef_[0]]])
            """;
        var start = new ProcessStartInfo(python, ["-c", script, folder]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode == 9) Assert.Skip($"{output.Trim()}: apt-get install python3-sklearn");
        Assert.True(process.ExitCode == 0, error.Result);
        return [.. output.Split(' ').Select(t => double.Parse(t, CultureInfo.InvariantCulture))];
    }
}
