using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using FastIot.Tests.Cli;

namespace FastIot.Tests.Training;

/// <summary>fastiot-train as a program, TorchSharp included, on as little as shows that it learns.</summary>
[Collection(nameof(NativeBinary))]
public sealed class TrainingProgramTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-train-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_training_that_is_interrupted_ends_with_the_same_model()
    {
        string[] settings = ["train", "--sensors", "20", "--hours", "2", "--calibration-days", "2", "--test-days", "1", "--seed", "3"], arguments = [.. settings, "--sequences", "4096"];
        ProcessResult whole = await RunAsync([.. arguments, "--out", Path.Combine(_folder, "whole")]);
        Assert.True(whole.ExitCode == 0, whole.ToString());
        Match difference = Regex.Match(whole.Error, @"ONNX Runtime differs from TorchSharp by at most (\S+)");
        Assert.True(difference.Success && double.Parse(difference.Groups[1].Value, CultureInfo.InvariantCulture) is > 0 and <= 1e-4, whole.ToString());

        string[] again = [.. arguments, "--out", Path.Combine(_folder, "parts")];
        using (Process process = Start(again))
        {
            string? line;
            while ((line = await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken)) != null && !line.StartsWith("training: ", StringComparison.Ordinal))
            {
            }

            Assert.NotNull(line);
            using Process kill = Process.Start("kill", ["-INT", process.Id.ToString()]);
            ProcessResult interrupted = await NativeBinary.EndAsync(process, TimeSpan.FromMinutes(5));
            Assert.True(interrupted.ExitCode == 130, interrupted.ToString());
            Assert.True(File.Exists(Path.Combine(_folder, "parts", "anomaly_detector", "1.checkpoint")), interrupted.ToString());
        }

        ProcessResult other = await RunAsync([.. settings, "--sequences", "3072", "--out", Path.Combine(_folder, "parts")]);
        Assert.True(other.ExitCode == 1 && other.Error.Contains("other settings"), other.ToString());
        ProcessResult rest = await RunAsync(again);
        Assert.True(rest.ExitCode == 0, rest.ToString());
        Assert.Contains("going on with", rest.Error);
        foreach (string file in (string[])["model.onnx", "model.json", "README.md"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(_folder, "whole", "anomaly_detector", "1", file)), File.ReadAllBytes(Path.Combine(_folder, "parts", "anomaly_detector", "1", file)));
        Assert.False(File.Exists(Path.Combine(_folder, "parts", "anomaly_detector", "1.checkpoint")));
    }

    /// <summary>Both networks are measured on the same simulated sensors, by thresholds from the same healthy ones.</summary>
    [Fact]
    public async Task A_history_with_unlabelled_anomalies_trains_nearly_as_well_as_a_healthy_one()
    {
        double healthy = await FoundAfterAsync("healthy", "0"), contaminated = await FoundAfterAsync("contaminated", "0.025");
        Assert.True(healthy > .3, $"trained on a healthy history: {healthy:P0} found");
        Assert.True(contaminated > healthy - .2, $"{contaminated:P0} found, {healthy:P0} after a healthy history");
    }

    [Fact]
    public async Task Feature_files_are_refused_with_what_to_give_instead()
    {
        ProcessResult result = await RunAsync(["train", "--from", "features.parquet", "--out", _folder]);
        Assert.True(result.ExitCode == 1 && result.Error.Contains("NDJSON"), result.ToString());
    }

    /// <returns>Share of events found at three false alarms a day.</returns>
    private async Task<double> FoundAfterAsync(string name, string anomalyRate)
    {
        string file = Path.Combine(_folder, $"{name}.ndjson");
        ProcessResult simulated = CommandLineRun.Run("simulate", "--to", file, "--sensors", "50", "--duration", "5h", "--seed", "21", "--anomaly-rate", anomalyRate);
        Assert.True(simulated.ExitCode == 0, simulated.ToString());
        ProcessResult trained = await RunAsync(["train", "--from", file, "--profile", "fast", "--name", name, "--out", _folder, "--sequences", "8192", "--calibration", "simulated", "--calibration-days", "6", "--test-days", "12", "--hours", "5"]);
        Assert.True(trained.ExitCode == 0, trained.ToString());
        File.Delete(file);
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder, name, "1", "model.json")));
        return manifest.RootElement.GetProperty("evaluation").GetProperty("operating_points").EnumerateArray().First().GetProperty("found").GetDouble();
    }

    private static async Task<ProcessResult> RunAsync(string[] arguments)
    {
        using Process process = Start(arguments);
        return await NativeBinary.EndAsync(process, TimeSpan.FromMinutes(10));
    }

    private static Process Start(string[] arguments)
    {
        // TorchSharp's library asks for a newer libstdc++ than Debian 12 has; the program then compiles a shim.
        TestEnvironment.Tool("gcc", "gcc");
        string configuration = AppContext.BaseDirectory.Contains("/Debug/") ? "Debug" : "Release";
        string program = Path.Combine(TestEnvironment.Root, "src", "FastIot.Training", "bin", configuration, "net10.0", "fastiot-train.dll");
        Process process = Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        return process;
    }
}
