using System.Text;
using FastIot.Features;
using FastIot.Ingest;
using FastIot.Observe;
using FastIot.Scoring;
using FastIot.Simulation;
using FastIot.Tests.Engine;
using FastIot.Tests.Golden;
using FastIot.Training;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace FastIot.Tests.Scoring;

/// <summary>A second model beside the one in force: what it counts is what two runs by themselves say, and it changes nothing.</summary>
public sealed class ShadowTests : IDisposable
{
    private const double Times = 10;

    private static readonly Lazy<MemoryLog> s_log = new(Play);

    private readonly Model _model = ShippedModel.Load(NeverSlow);
    private readonly PipelineOptions _options;

    public ShadowTests() => _options = new PipelineOptions { Features = _model.Manifest.Features with { WarmingWindows = 20 }, AlarmBudget = 3, ModelName = "anomaly_detector" };

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task Counts_are_those_of_two_runs_by_themselves()
    {
        using var shadow = new Shadow(Stricter(), _model, _options, NullLogger.Instance);
        List<ScoredRow> live = await RowsAsync(_model, shadow), other;
        using (Model model = Stricter()) other = await RowsAsync(model, null);

        int[,] outcomes = new int[ModelDrift.Types, 5], alarms = new int[2, ModelDrift.Types];
        var last = new Dictionary<(string, string, int), long>();
        double apart = 0;
        for (int i = 0; i < live.Count; i++)
        {
            (ScoredRow a, ScoredRow b) = (live[i], other[i]);
            Assert.Equal((a.Sensor, a.Metric, a.WindowEndUs, a.Error), (b.Sensor, b.Metric, b.WindowEndUs, b.Error));
            if (a.Score == null) continue;
            int type = TypeOf(a.Metric);
            outcomes[type, (a.IsAnomaly ? 0 : 2) + (b.IsAnomaly ? 0 : 1)]++;
            apart += Math.Abs((double)a.Score.Value - b.Score!.Value);
            for (int m = 0; m < 2; m++)
            {
                if (!(m == 0 ? a : b).IsAnomaly) continue;
                if (!last.TryGetValue((a.Sensor, a.Metric, m), out long before) || a.WindowEndUs - before > _options.Windows.WindowUs) alarms[m, type]++;
                last[(a.Sensor, a.Metric, m)] = a.WindowEndUs;
            }
        }

        for (int type = 0; type < ModelDrift.Types; type++)
        {
            for (int outcome = 0; outcome < 5; outcome++) Assert.Equal(outcomes[type, outcome], shadow.Windows(type, (ShadowOutcome)outcome));
            for (int m = 0; m < 2; m++) Assert.Equal(alarms[m, type], shadow.Alarms(m, type));
        }

        (long Windows, double Sum)[] bins = [.. Enumerable.Range(0, ShadowFigures.DifferenceBins).Select(shadow.Differences)];
        Assert.Equal(live.Count(r => r.Score != null), bins.Sum(b => b.Windows));
        Assert.Equal(apart, bins.Sum(b => b.Sum), 1e-9 * apart);
        // It was not for want of alarms, and of differences.
        int both = Sum(shadow, ShadowOutcome.Both), onlyLive = Sum(shadow, ShadowOutcome.Live);
        Assert.True(both > 20 && onlyLive > 20 && Sum(shadow, ShadowOutcome.Neither) > 1000, $"{both} both, {onlyLive} live only");
        Assert.Equal(0, Sum(shadow, ShadowOutcome.Shadow));
    }

    [Fact]
    public async Task The_same_model_never_differs_and_a_milder_one_alarms_more()
    {
        using var same = new Shadow(ShippedModel.Load(m => NeverSlow(m) with { Version = 9 }), _model, _options, NullLogger.Instance);
        using var milder = new Shadow(ShippedModel.Load(m => ShippedModel.Recalibrated(NeverSlow(m), 1 / Times)), _model, _options, NullLogger.Instance);
        await RowsAsync(_model, same);
        await RowsAsync(_model, milder);
        Assert.True(Sum(same, ShadowOutcome.Both) > 20);
        Assert.Equal((0, 0), (Sum(same, ShadowOutcome.Live), Sum(same, ShadowOutcome.Shadow)));
        Assert.Equal(Enumerable.Range(0, ModelDrift.Types).Sum(same.Compared), same.Differences(0).Windows);
        Assert.Equal((0, Sum(same, ShadowOutcome.Both)), (Sum(milder, ShadowOutcome.Live), Sum(milder, ShadowOutcome.Both)));
        Assert.True(Sum(milder, ShadowOutcome.Shadow) > 20);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Alarms_and_files_are_byte_for_byte_those_without_it_even_when_it_fails(bool fails)
    {
        var said = new StringWriter();
        using ILoggerFactory loggers = LoggerFactory.Create(b => b.AddProvider(new LineLoggerProvider(said, json: false)));
        using Model model = ShippedModel.Load();
        PipelineOptions options = _options with { Features = model.Manifest.Features with { WarmingWindows = 20 } };
        using var shadow = new Shadow(fails ? Failing(model.Manifest.Features) : ShippedModel.Load(m => ShippedModel.Recalibrated(m, Times)), model, options, loggers.CreateLogger("test"));
        using EngineRun without = new(), with = new();
        await without.RunAsync(Log(), options, model: model);
        await with.RunAsync(Log(), options, model: model, shadow: shadow);

        Assert.Equal(Files(without.Folder), Files(with.Folder));
        Assert.True(without.Sink.Anomalies.Count > 100, $"{without.Sink.Anomalies.Count} anomalies");
        Assert.Equal(Alarms(without.Sink), Alarms(with.Sink));
        Assert.Equal(!fails, shadow.IsOn);
        Assert.Equal(fails, said.ToString().Contains("is off until the next start"));
        Assert.Equal(fails ? 2 : 1, said.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(l => l.Contains(shadow.Label)));
        if (!fails) Assert.Equal(with.Statistics.Scored, Enumerable.Range(0, ModelDrift.Types).Sum(shadow.Compared));
    }

    [Fact]
    public async Task Metrics_say_what_was_counted_and_whether_it_is_on()
    {
        using var shadow = new Shadow(Stricter(), _model, _options, NullLogger.Instance);
        CollectorRegistry registry = Metrics.NewCustomRegistry();
        var metrics = new ShadowMetrics(Metrics.WithCustomRegistry(registry), shadow);
        await RowsAsync(_model, shadow);
        for (int i = 0; i < 2; i++) metrics.Update();
        string text = await TextAsync(registry), label = $"shadow=\"{shadow.Label}\"";
        Assert.Contains($"fastiot_shadow_active{{{label}}} 1\n", text);
        foreach (string name in SensorTypes.Names)
        {
            int type = TypeOf(name);
            Assert.Contains($"fastiot_shadow_windows_total{{{label},type=\"{name}\",alarm=\"live\"}} {shadow.Windows(type, ShadowOutcome.Live)}\n", text);
            Assert.Contains($"fastiot_shadow_alarms_total{{{label},type=\"{name}\",model=\"shadow\"}} {shadow.Alarms(1, type)}\n", text);
            Assert.Contains(FormattableString.Invariant($"fastiot_shadow_alarms_per_sensor_day{{{label},type=\"{name}\",model=\"live\"}} {shadow.Alarms(0, type) / (shadow.Compared(type) / 8640.0):R}\n"), text);
        }

        (long Windows, double Sum)[] bins = [.. Enumerable.Range(0, ShadowFigures.DifferenceBins).Select(shadow.Differences)];
        Assert.Contains($"fastiot_shadow_score_difference_count{{{label}}} {bins.Sum(b => b.Windows)}\n", text);
        long within = 0;
        foreach ((double bound, int bin) in ShadowFigures.DifferenceBounds.Select((b, i) => (b, i)))
        {
            within += bins[bin].Windows;
            Assert.Contains(FormattableString.Invariant($"fastiot_shadow_score_difference_bucket{{{label},le=\"{bound}\"}} {within}\n"), text);
        }

        Assert.Equal(bins.Sum(b => b.Sum), Value(text, "fastiot_shadow_score_difference_sum"), 1e-6);
        Assert.True(Value(text, "fastiot_shadow_compute_seconds_total") > 0);
        shadow.Fail(new InvalidOperationException("gone"));
        metrics.Update();
        Assert.Contains($"fastiot_shadow_active{{{label}}} 0\n", await TextAsync(registry));
    }

    public static TheoryData<string> Members => [.. "names raw_mean lags floors baseline_windows level_windows winsorise_after winsorise_at alarm_gain slow_at_false_alarms_per_day".Split(' ')];

    [Theory]
    [MemberData(nameof(Members))]
    public void Other_features_are_told_by_their_member(string member)
    {
        FeatureSpec kept = new() { Lags = [18, 9, 3, 2, 1, 0] };
        FeatureSpec wanted = member switch
        {
            "names" => kept with { Names = [.. FeatureNames.All.Reverse()] },
            "raw_mean" => kept with { RawMean = [1] },
            "lags" => kept with { Lags = [18, 9, 4, 2, 1, 0] },
            "floors" => kept with { Floors = [.. kept.Floors.Select(f => 2 * f)] },
            "baseline_windows" => kept with { BaselineWindows = 100 },
            "level_windows" => kept with { Level5Windows = 31 },
            "winsorise_after" => kept with { WinsoriseAfter = 31 },
            "winsorise_at" => kept with { WinsoriseAt = 4 },
            "alarm_gain" => kept with { AlarmGain = .2f },
            _ => kept with { SlowAtFalseAlarmsPerDay = 2 },
        };
        Assert.Contains($"features.{member} ", wanted.DifferenceFrom(kept));
        Assert.Null(kept.DifferenceFrom(kept with { Lags = [.. kept.Lags], Names = [.. kept.Names], Floors = [.. kept.Floors], WarmingWindows = 7 }));
    }

    [Fact]
    public void A_model_of_other_features_is_refused_with_the_reason()
    {
        var tiny = new TinyModel { Lags = [18, 9, 3, 2, 1, 0], Version = 4 };
        var e = Assert.Throws<ModelException>(() => new Shadow(new Model(tiny.Onnx(), tiny.Manifest(), ExecutionProvider.Cpu, NullLogger.Instance), _model, _options, NullLogger.Instance));
        Assert.Contains("tiny:4 cannot be the shadow of anomaly_detector:", e.Message);
        Assert.Contains("features.lags (18, 9, 3, 2, 1, 0)", e.Message);
    }

    /// <summary>Baselines then do not depend on verdicts, so that two runs can be compared row by row.</summary>
    private static ModelManifest NeverSlow(ModelManifest manifest) => manifest with { Features = manifest.Features with { SlowAtFalseAlarmsPerDay = 0 } };

    private static Model Stricter() => ShippedModel.Load(m => ShippedModel.Recalibrated(NeverSlow(m) with { Version = m.Version + 1 }, Times));

    /// <summary>Looks up a table of one entry by the largest feature: the trial at load, all zeros, goes well, and nothing after it.</summary>
    private static Model Failing(FeatureSpec features)
    {
        var g = new OnnxGraph("failing");
        string largest = g.Node("ReduceMax", [g.Node("Abs", [g.Input("features", features.Lags.Length, features.Names.Length)])], ("axes", new long[] { 1, 2 }), ("keepdims", 0L));
        g.Node("Gather", [g.Constant([1f], 1), g.Node("Cast", [largest], ("to", 7L))], ["score"], ("axis", 0L));
        g.Output("score");
        var manifest = new ModelManifest
        {
            Name = "failing",
            Version = 1,
            Features = features,
            Graph = new GraphContract { Score = "score" },
            HeadShare = 1,
            HeadCalibration = new CalibrationTable("*", [0, 1], [10, 1]),
            Reconstruction = [],
            OnnxSha256 = "",
        };
        return new Model(g.ToArray(), manifest, ExecutionProvider.Cpu, NullLogger.Instance);
    }

    private async Task<List<ScoredRow>> RowsAsync(Model model, Shadow? shadow)
    {
        using var run = new EngineRun();
        await run.RunAsync(Log(), _options, model: model, shadow: shadow);
        return ScoredTable.Read(run.Folder);
    }

    private static int TypeOf(string metric) => Array.IndexOf(ModelDrift.TypeNames, metric);

    private static int Sum(Shadow shadow, ShadowOutcome outcome) => (int)Enumerable.Range(0, ModelDrift.Types).Sum(type => shadow.Windows(type, outcome));

    private static string[] Files(string folder) =>
        [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(f => Path.GetRelativePath(folder, f) + " " + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f))))];

    /// <summary>Without the moment at which each was found.</summary>
    private static string[] Alarms(MemorySink sink) =>
        [.. sink.Anomalies.Select(a => a.Key + string.Join(',', a.Value.EnumerateObject().Where(p => p.Name != "detection_time").Select(p => $"{p.Name}={p.Value.GetRawText()}")))];

    private static double Value(string text, string metric)
    {
        string line = text.Split('\n').Single(l => l.StartsWith(metric + "{", StringComparison.Ordinal));
        return double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<string> TextAsync(CollectorRegistry registry)
    {
        using var stream = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(stream, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>The same records, of which nothing is committed.</summary>
    private static MemoryLog Log()
    {
        var log = new MemoryLog();
        foreach ((int partition, List<LogRecord> records) in s_log.Value.Partitions) log.Partitions.Add(partition, records);
        return log;
    }

    /// <summary>A quarter of an hour of a fleet that is ill.</summary>
    private static MemoryLog Play()
    {
        var log = new MemoryLog();
        using var history = new HistorySource(new FleetOptions { Sensors = 100, AnomalyRate = 0.1, AnomalyFreeUs = 0, AnomalySpacingUs = 60_000_000 }, [0, 1], 2, new FleetOptions().StartUs + 900_000_000);
        var records = new Record[Limits.PollRecords];
        for (int count; (count = history.Poll(records, 0)) > 0;)
        {
            for (int i = 0; i < count; i++) log.Add(Copy(in records[i]));
        }

        return log;
    }

    private static unsafe LogRecord Copy(in Record record) =>
        new(record.Partition, new ReadOnlySpan<byte>(record.Key, record.KeyLength).ToArray(), record.ValueSpan.ToArray(), record.TimestampMs);
}
