using System.Text.Json;
using FastIot.Tests.Cli;

namespace FastIot.Tests.Evaluation;

/// <summary>The command from a fleet, a recording or feature files to its report.</summary>
public sealed class EvaluateCommandTests : IDisposable
{
    private static readonly string[] s_fleet = ["--sensors", "40", "--anomaly-rate", "0.08", "--seed", "5"];

    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_fleet_a_recording_and_the_files_of_a_replay_give_the_model_the_same_figures()
    {
        string report = Path.Combine(_folder, "report.html");
        string[] training = ["--sensors", "20", "--hours", "1", "--seed", "5", "--resamples", "20"];
        JsonElement simulated = Evaluate([.. s_fleet, "--hours", "2", "--resamples", "20", "--html", report]);
        (string readings, string truth) = Simulate();
        JsonElement recorded = Evaluate([readings, "--truth", truth, .. training]);
        ProcessResult replay = CommandLineRun.Run("replay", readings, "--out", Path.Combine(_folder, "windows"));
        Assert.True(replay.ExitCode == 0, replay.ToString());
        JsonElement written = Evaluate(["--features", Path.Combine(_folder, "windows"), "--truth", truth, .. training]);
        JsonElement expected = Detector(simulated, "anomaly_detector:");
        Assert.True(simulated.GetProperty("events").GetInt32() > 15, simulated.GetProperty("events").ToString());
        foreach (JsonElement other in new[] { recorded, written })
        {
            Assert.Equal(simulated.GetProperty("events").GetInt32(), other.GetProperty("events").GetInt32());
            Assert.Equal(simulated.GetProperty("windows").GetInt64(), other.GetProperty("windows").GetInt64());
            foreach (string part in new[] { "at_budgets", "calibrated", "roc_auc", "pr_auc", "best_f1", "f1_at_precision95" })
                Assert.Equal(expected.GetProperty(part).GetRawText(), Detector(other, "anomaly_detector:").GetProperty(part).GetRawText());
            // A baseline whose inputs are in the files too.
            Assert.Equal(Detector(simulated, "z max, raw six").GetProperty("pr_auc").GetRawText(), Detector(other, "z max, raw six").GetProperty("pr_auc").GetRawText());
        }

        string html = File.ReadAllText(report);
        Assert.InRange(html.Split("<svg ").Length - 1, 3, 4);
        Assert.DoesNotContain("NaN", html);
        foreach (string outside in new[] { "http:", "https:", "src=", "<script" }) Assert.DoesNotContain(outside, html);
    }

    [Fact]
    public void Labels_in_the_readings_are_enough_and_tell_nothing_to_the_model()
    {
        (string readings, string truth) = Simulate();
        string[] fleet = ["--no-baselines", "--resamples", "20"];
        JsonElement byTruth = Evaluate([readings, "--truth", truth, .. fleet]), byLabel = Evaluate([readings, .. fleet]);
        // Events that begin in a gap, or are seen to their last reading only, differ by a window or two.
        Assert.Equal(byTruth.GetProperty("events").GetInt32(), byLabel.GetProperty("events").GetInt32(), 3.0);
        Assert.Equal(PrAuc(byTruth), PrAuc(byLabel), .05);
        string unlabelled = Path.Combine(_folder, "unlabelled.ndjson");
        File.WriteAllLines(unlabelled, File.ReadLines(readings).Select(l => l[..l.IndexOf(",\"meta\"", StringComparison.Ordinal)] + "}"));
        Assert.Equal(Detector(byTruth, "anomaly").GetRawText(), Detector(Evaluate([unlabelled, "--truth", truth, .. fleet]), "anomaly").GetRawText());
        ProcessResult none = CommandLineRun.Run("evaluate", unlabelled, "--no-baselines");
        Assert.Equal(1, none.ExitCode);
        Assert.Contains("no reading has a label", none.Error);
    }

    [Fact]
    public void The_table_names_every_detector_and_the_model_beats_them()
    {
        ProcessResult result = CommandLineRun.Run(["evaluate", .. s_fleet, "--hours", "3", "--resamples", "50"]);
        Assert.True(result.ExitCode == 0, result.ToString());
        foreach (string name in new[] { "anomaly_detector:", "random", "z max, raw six", "EWMA chart", "isolation forest", "logistic regression", "gradient boosting" })
            Assert.Contains(name, result.Out);
        Assert.DoesNotContain("NaN", result.Out);
        // In the last table, where differences with their interval above zero are marked.
        Assert.Matches(@"(?m)^z max, raw six .*\*", result.Out);
    }

    [Theory]
    [InlineData("--features needs --truth", "--features", "windows")]
    [InlineData("exclude each other", "a.ndjson", "--features", "windows", "--truth", "t")]
    [InlineData("at least 5", "--sensors", "2")]
    [InlineData("--hours must be", "--hours", "0.5")]
    [InlineData("--anomaly-rate", "--anomaly-rate", "0")]
    [InlineData("version must be a whole number", "--model", "anomaly_detector:latest")]
    public void Flags_that_cannot_be_used_end_with_2_and_say_why(string why, params string[] flags)
    {
        ProcessResult result = CommandLineRun.Run(["evaluate", .. flags]);
        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Contains(why, result.Error);
    }

    [Theory]
    [InlineData("does not exist", "missing.ndjson", "--no-baselines")]
    [InlineData("no model \"nobody\"", "--model", "nobody")]
    [InlineData("there are no feature files", "--features", ".", "--truth", "truth.ndjson", "--no-baselines")]
    public void What_is_missing_is_named_and_ends_with_1(string why, params string[] flags)
    {
        File.WriteAllText(Path.Combine(_folder, "truth.ndjson"), "");
        string[] within = [.. flags.Select(f => f is "." or "truth.ndjson" ? Path.Combine(_folder, f) : f)];
        ProcessResult result = CommandLineRun.Run(["evaluate", .. within]);
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains(why, result.Error);
    }

    private (string Readings, string Truth) Simulate()
    {
        string readings = Path.Combine(_folder, "readings.ndjson"), truth = Path.Combine(_folder, "truth.ndjson");
        ProcessResult result = CommandLineRun.Run(["simulate", "--to", readings, "--truth", truth, "--duration", "2h", .. s_fleet]);
        Assert.True(result.ExitCode == 0, result.ToString());
        return (readings, truth);
    }

    private static JsonElement Evaluate(string[] arguments)
    {
        ProcessResult result = CommandLineRun.Run(["evaluate", "--json", .. arguments]);
        Assert.True(result.ExitCode == 0, result.ToString());
        using JsonDocument document = JsonDocument.Parse(result.Out);
        return document.RootElement.Clone();
    }

    private static JsonElement Detector(JsonElement report, string name) => report.GetProperty("detectors").EnumerateArray().First(d => d.GetProperty("name").GetString()!.StartsWith(name, StringComparison.Ordinal));

    private static double PrAuc(JsonElement report) => Detector(report, "anomaly").GetProperty("pr_auc").GetProperty("value").GetDouble();
}
