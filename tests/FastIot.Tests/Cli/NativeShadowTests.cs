using System.Security.Cryptography;
using System.Text.Json;
using FastIot.Scoring;
using FastIot.Tests.Scoring;

namespace FastIot.Tests.Cli;

/// <summary><c>--shadow</c> in the native binary: a copy of the shipped model never differs, another calibration is counted, nothing else changes.</summary>
[Collection(nameof(NativeBinary))]
public sealed class NativeShadowTests : IClassFixture<NativeShadowTests.Recording>
{
    private const int Live = 3, Same = 4, Milder = 5, OtherLags = 6;

    private readonly Recording _recording;

    public NativeShadowTests(Recording recording)
    {
        _recording = recording;
        recording.Make();
    }

    [Fact]
    public async Task A_copy_of_the_model_agrees_at_every_window_and_files_are_the_same()
    {
        (JsonElement without, string filesWithout) = await ReplayAsync("without");
        (JsonElement with, string filesWith) = await ReplayAsync("same", "--shadow", $"{Same}");
        Assert.False(without.TryGetProperty("shadow", out _));
        Assert.Equal(filesWithout, filesWith);
        JsonElement shadow = with.GetProperty("shadow");
        long Number(string name) => shadow.GetProperty(name).GetInt64();
        Assert.Equal($"anomaly_detector:{Same}", shadow.GetProperty("model").GetString());
        Assert.True(shadow.GetProperty("is_on").GetBoolean());
        Assert.Equal(with.GetProperty("scored").GetInt64(), Number("windows"));
        Assert.True(Number("windows") > 2000 && Number("both") > 0, with.ToString());
        Assert.Equal((0, 0, 0), (Number("live_only"), Number("shadow_only"), Number("no_score")));
        Assert.Equal(0, shadow.GetProperty("mean_difference").GetDouble());
        Assert.Equal(shadow.GetProperty("live_alarms_per_sensor_day").GetDouble(), shadow.GetProperty("shadow_alarms_per_sensor_day").GetDouble());
        Assert.True(shadow.GetProperty("live_alarms_per_sensor_day").GetDouble() > 0);
    }

    [Fact]
    public async Task Another_calibration_is_counted_and_changes_no_result()
    {
        (JsonElement without, string filesWithout) = await ReplayAsync("plain");
        (JsonElement with, string filesWith) = await ReplayAsync("milder", "--shadow", $"anomaly_detector:{Milder}");
        (JsonElement alone, _) = await ReplayAsync("alone", "--model-version", $"{Milder}");
        Assert.Equal(filesWithout, filesWith);
        Assert.Equal(without.GetProperty("anomalies").GetInt64(), with.GetProperty("anomalies").GetInt64());
        JsonElement shadow = with.GetProperty("shadow");
        long both = shadow.GetProperty("both").GetInt64(), only = shadow.GetProperty("shadow_only").GetInt64();
        Assert.True(only > 0 && both > 0 && shadow.GetProperty("live_only").GetInt64() == 0, with.ToString());
        Assert.True(shadow.GetProperty("mean_difference").GetDouble() > 0);
        Assert.True(shadow.GetProperty("shadow_alarms_per_sensor_day").GetDouble() > shadow.GetProperty("live_alarms_per_sensor_day").GetDouble());
        // In force it alarms about as often: its baselines learn by its own verdicts then.
        Assert.InRange(alone.GetProperty("anomalies").GetInt64(), .8 * (both + only), 1.25 * (both + only) + 20);
    }

    [Fact]
    public async Task A_candidate_is_pushed_compared_and_promoted()
    {
        string candidates = Path.Combine(_recording.Folder, "candidates"), models = Path.Combine(_recording.Folder, "repository");
        ShippedModel.Save(models, Live);
        ShippedModel.Save(candidates, 12);
        ProcessResult pushed = await NativeBinary.RunAsync("models", "push", Path.Combine(candidates, "anomaly_detector", "12"), "--models", models);
        Assert.True(pushed.ExitCode == 0, pushed.ToString());
        ProcessResult compared = await NativeBinary.RunAsync("replay", _recording.Readings, "--models", models, "--model-version", $"{Live}", "--shadow", "12", "--out", Path.Combine(_recording.Folder, "compared"));
        Assert.True(compared.ExitCode == 0, compared.ToString());
        Assert.Matches(@"shadow +anomaly_detector:12: [0-9,]+ windows compared, both alarm at [1-9][0-9,]*, 0 by the model only, 0 by the shadow only\n +scores 0 apart in the mean", compared.Out);
        ProcessResult promoted = await NativeBinary.RunAsync("models", "promote", "anomaly_detector", "12", "--models", models);
        Assert.True(promoted.ExitCode == 0, promoted.ToString());
        Assert.Contains("anomaly_detector:12  stable", (await NativeBinary.RunAsync("models", "list", "--models", models)).Out);
    }

    [Theory]
    [InlineData(1, "anomaly_detector:6 cannot be the shadow of anomaly_detector:3: its features.lags (", "--shadow", "6")]
    [InlineData(1, "there is no version 77 of \"anomaly_detector\"", "--shadow", "77")]
    [InlineData(1, "there is no model \"nobody\"", "--shadow", "nobody:1")]
    [InlineData(2, "anomaly_detector:3 is the version that scores already", "--shadow", "3")]
    [InlineData(2, "has nothing to be compared with, as model.name is none", "--shadow", "4", "--model", "none")]
    [InlineData(2, "\"latest\" is neither a version, such as 4, nor NAME:VERSION, nor none", "--shadow", "latest")]
    [InlineData(2, "\":4\" is neither", "--shadow", ":4")]
    public async Task What_cannot_be_compared_is_refused_before_anything_is_read(int code, string why, params string[] flags)
    {
        string to = Path.Combine(_recording.Folder, $"refused{Guid.NewGuid():N}");
        ProcessResult result = await NativeBinary.RunAsync(["replay", _recording.Readings, "--models", _recording.Models, "--model-version", $"{Live}", "--out", to, .. flags]);
        Assert.True(result.ExitCode == code, result.ToString());
        Assert.Contains(why, result.Error);
        Assert.True(!Directory.Exists(to) || Directory.GetFiles(to, "*.parquet", SearchOption.AllDirectories).Length == 0);
    }

    private async Task<(JsonElement Summary, string Files)> ReplayAsync(string name, params string[] flags)
    {
        string to = Path.Combine(_recording.Folder, name);
        string[] version = flags.Contains("--model-version") ? [] : ["--model-version", $"{Live}"];
        ProcessResult result = await NativeBinary.RunAsync(["replay", _recording.Readings, "--models", _recording.Models, "--out", to, "--json", .. version, .. flags]);
        Assert.True(result.ExitCode == 0, result.ToString());
        string files = string.Join('\n', Directory.GetFiles(to, "*.parquet", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(f => Path.GetRelativePath(to, f) + " " + Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f)))));
        Assert.NotEqual("", files);
        return (JsonDocument.Parse(result.Out).RootElement, files);
    }

    /// <summary>An hour of a fleet that is ill, and a repository of versions to judge it.</summary>
    public sealed class Recording : IDisposable
    {
        public string Folder { get; } = Directory.CreateTempSubdirectory("fastiot-shadow-").FullName;

        public string Readings => Path.Combine(Folder, "readings.ndjson.gz");

        public string Models => Path.Combine(Folder, "models");

        internal void Make()
        {
            if (File.Exists(Readings)) return;
            Assert.True(CommandLineRun.Run("simulate", "--to", Readings, "--sensors", "30", "--duration", "1h", "--anomaly-rate", "0.1").ExitCode == 0);
            ShippedModel.Save(Models, Live);
            ShippedModel.Save(Models, Same);
            ShippedModel.Save(Models, Milder, m => ShippedModel.Recalibrated(m, .1));
            // The graph has the shape of sixteen lags; that two of them are others is model.json's word alone.
            ShippedModel.Save(Models, OtherLags, m => m with { Features = m.Features with { Lags = [.. m.Features.Lags.Select(lag => lag == 144 ? 140 : lag)] } });
        }

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }
}
