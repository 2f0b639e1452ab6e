using System.Text.Json;
using FastIot.Observe.Live;
using FastIot.Tests.Engine;

namespace FastIot.Tests.Observe;

/// <summary>A pipeline with a live view: three sensors, of which the middle one stands still after a while.</summary>
public sealed class LiveViewTests
{
    private const long Start = 1_793_577_600;
    private const int FlatFrom = 300;
    private const int Seconds = 600;

    [Fact]
    public async Task A_series_that_stands_still_is_an_episode_with_or_without_a_viewer()
    {
        JsonElement frame = await RunAsync(new LiveView(60_000_000), looked: false);
        JsonElement episode = Assert.Single(frame.GetProperty("episodes").EnumerateArray());
        Assert.Equal(("b", "temperature", "stuck"), (episode.GetProperty("sensor").GetString(), episode.GetProperty("metric").GetString(), episode.GetProperty("kind").GetString()));
        Assert.True(episode.GetProperty("open").GetBoolean());
        Assert.True(episode.GetProperty("windows").GetInt64() > 1);
        Assert.Equal(21.5, episode.GetProperty("mean").GetDouble());
        Assert.InRange(episode.GetProperty("alarm_point").GetInt32(), 0, episode.GetProperty("points").GetArrayLength() - 1);

        // Nobody looked: of the fleet nothing was kept.
        Assert.All(frame.GetProperty("cells").EnumerateArray(), c => Assert.Equal(-1, c.GetDouble()));
    }

    [Fact]
    public async Task Each_series_has_its_cell_and_says_its_name()
    {
        var view = new LiveView(60_000_000);
        string[] names = [];
        JsonElement frame = await RunAsync(view, looked: true, () => names = [.. Enumerable.Range(0, LiveView.Cells)
            .SelectMany(cell => JsonDocument.Parse(view.Cell(cell)).RootElement.EnumerateArray()).Select(s => s.GetProperty("sensor").GetString()!).Order()]);
        int[] cells = [.. frame.GetProperty("cells").EnumerateArray().Select((c, i) => c.ValueKind == JsonValueKind.Null || c.GetDouble() >= 0 ? i : -1).Where(i => i >= 0)];
        Assert.Equal(3, cells.Length);
        Assert.Equal(["a", "b", "c"], names);
        Assert.Equal("b", Assert.Single(frame.GetProperty("top").EnumerateArray()).GetProperty("sensor").GetString());

        // Two are warming; the one in alarm counts as at the threshold.
        int[] steps = [.. frame.GetProperty("score_steps").EnumerateArray().Select(s => s.GetInt32())];
        Assert.Equal((1, 2, 3), (steps[4], steps[^1], steps.Sum()));
    }

    [Fact]
    public async Task A_series_asked_for_is_collected()
    {
        var view = new LiveView(60_000_000);
        Assert.Equal(0, JsonDocument.Parse(view.Series("c", "temperature")).RootElement.GetProperty("points").GetArrayLength());
        await RunAsync(view, looked: true);
        JsonElement series = JsonDocument.Parse(view.Series("c", "temperature")).RootElement;
        JsonElement[] points = [.. series.GetProperty("points").EnumerateArray()];
        Assert.True(points.Length > 50);
        Assert.All(points.Zip(points.Skip(1)), pair => Assert.Equal(10_000, pair.Second.GetProperty("end_ms").GetInt64() - pair.First.GetProperty("end_ms").GetInt64()));
        JsonElement whole = points[20];
        Assert.Equal(60, whole.GetProperty("count").GetInt32());
        Assert.InRange(whole.GetProperty("mean").GetDouble(), whole.GetProperty("min").GetDouble(), whole.GetProperty("max").GetDouble());
        Assert.All(series.GetProperty("features").EnumerateObject(), f => Assert.Equal(16, f.Value.GetArrayLength()));
    }

    [Fact]
    public async Task A_ninth_series_takes_the_place_of_the_first()
    {
        var view = new LiveView(60_000_000);
        view.Series("b", "temperature");
        for (int i = 0; i < LiveView.MaxWatched; i++) view.Series($"nobody {i}", "temperature");
        await RunAsync(view, looked: true);
        Assert.Equal(0, JsonDocument.Parse(view.Series("b", "temperature")).RootElement.GetProperty("points").GetArrayLength());
    }

    [Fact]
    public void A_frame_is_made_once_a_second_for_all()
    {
        var time = new ManualTime();
        var view = new LiveView(60_000_000, time);
        byte[] frame = view.Frame(_ => { });
        time.Ticks += TimeSpan.TicksPerSecond / 2;
        Assert.Same(frame, view.Frame(_ => { }));
        time.Ticks += TimeSpan.TicksPerSecond;
        Assert.NotSame(frame, view.Frame(_ => { }));
    }

    private static async Task<JsonElement> RunAsync(LiveView view, bool looked, Action? atEnd = null)
    {
        var log = new MemoryLog();
        var random = new Random(3);
        for (int second = 0; second < Seconds; second++)
        {
            foreach (string sensor in (string[])["a", "b", "c"])
            {
                double value = sensor == "b" && second >= FlatFrom ? 21.5 : 20 + random.NextDouble();
                log.Add(LogRecord.Of(0, sensor, FormattableString.Invariant($"{{\"sensor_id\":\"{sensor}\",\"timestamp\":{Start + second},\"metric\":\"temperature\",\"value\":{value}}}")));
            }
        }

        using LiveView.Viewer? viewer = looked ? view.Look() : null;
        using var run = new EngineRun();
        byte[] frame = [];
        // Before the partition is given up, which makes the view forget it.
        var source = new MemorySource(log)
        {
            OnIdle = () =>
            {
                frame = view.Frame(_ => { });
                atEnd?.Invoke();
            },
        };
        await run.RunAsync(log, new PipelineOptions(), source: source, live: view);
        return JsonDocument.Parse(frame).RootElement;
    }

    private sealed class ManualTime : TimeProvider
    {
        public long Ticks { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Ticks;
    }
}
