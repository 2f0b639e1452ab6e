using System.Text.Json;

namespace FastIot.Tests.Cli;

/// <summary>The evaluation in the native binary: fleet in process, and its own files read back.</summary>
[Collection(nameof(NativeBinary))]
public sealed class NativeEvaluateTests
{
    [Fact]
    public async Task The_native_binary_evaluates_a_fleet_and_its_own_files_alike()
    {
        string folder = Directory.CreateTempSubdirectory("fastiot-test-").FullName;
        try
        {
            string readings = Path.Combine(folder, "readings.ndjson"), truth = Path.Combine(folder, "truth.ndjson"), windows = Path.Combine(folder, "windows"), html = Path.Combine(folder, "report.html");
            string[] fleet = ["--sensors", "40", "--anomaly-rate", "0.08", "--seed", "5"], size = ["--hours", "2", "--resamples", "20", "--json"];
            await RunAsync(["simulate", "--to", readings, "--truth", truth, "--duration", "2h", .. fleet]);
            await RunAsync(["replay", readings, "--out", windows]);
            JsonElement simulated = Parse(await RunAsync(["evaluate", .. fleet, .. size, "--html", html]));
            JsonElement written = Parse(await RunAsync(["evaluate", "--features", windows, "--truth", truth, "--sensors", "20", "--seed", "5", .. size]));
            Assert.True(simulated.GetProperty("events").GetInt32() > 15);
            foreach (string part in new[] { "at_budgets", "calibrated", "roc_auc", "pr_auc", "f1_at_precision95" })
                Assert.Equal(Model(simulated).GetProperty(part).GetRawText(), Model(written).GetProperty(part).GetRawText());
            Assert.StartsWith("<!doctype html>", File.ReadAllText(html));
            // And as the JIT build counts, to the last digits that compilers may round differently.
            JsonElement jit = Parse(CommandLineRun.Run(["evaluate", .. fleet, .. size]));
            Assert.Equal(Model(jit).GetProperty("pr_auc").GetProperty("value").GetDouble(), Model(simulated).GetProperty("pr_auc").GetProperty("value").GetDouble(), 1e-4);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<ProcessResult> RunAsync(string[] arguments)
    {
        ProcessResult result = await NativeBinary.RunAsync(arguments);
        Assert.True(result.ExitCode == 0, result.ToString());
        return result;
    }

    private static JsonElement Parse(ProcessResult result)
    {
        using JsonDocument document = JsonDocument.Parse(result.Out);
        return document.RootElement.Clone();
    }

    private static JsonElement Model(JsonElement report) => report.GetProperty("detectors").EnumerateArray().First(d => d.GetProperty("role").GetString() == "Model");
}
