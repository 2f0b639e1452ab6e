using System.Net;
using System.Text.Json;
using FastIot.Observe;
using FastIot.Observe.Live;

namespace FastIot.Tests.Observe;

public sealed class HttpPortTests : IAsyncLifetime
{
    private readonly PartitionStatistics _partition = new(3) { Records = 5, Readings = 4, Position = 10, HighOffset = 12, WatermarkUs = 1_793_491_200_000_000 };
    private readonly HttpClient _client = new();
    private PipelineState _state = PipelineState.Running;
    private HttpPort? _port;

    public async ValueTask InitializeAsync()
    {
        _partition.RejectedByReason[(int)Rejection.MissingValue] = 1;
        _port = await HttpPort.StartAsync("127.0.0.1:0", Metrics(), new PipelineStatus(Snapshot, () => _state, "1.0", () => "<none>"), new LiveView(60_000_000), "{\"settings\":[]}"u8.ToArray());
        _client.BaseAddress = new Uri(_port.Url);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _port!.DisposeAsync();
    }

    [Fact]
    public async Task Metrics_are_served_in_prometheus_text_format()
    {
        using HttpResponseMessage answer = await GetAsync("/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        Assert.Contains("fastiot_records_consumed_total{partition=\"3\"} 5\n", await ReadAsync(answer));
    }

    [Theory]
    [InlineData(PipelineState.Starting, 200, 503)]
    [InlineData(PipelineState.Running, 200, 200)]
    [InlineData(PipelineState.Draining, 200, 503)]
    [InlineData(PipelineState.Failed, 503, 503)]
    public async Task Health_and_readiness_follow_the_state(PipelineState state, int health, int readiness)
    {
        _state = state;
        Assert.Equal((health, readiness), ((int)(await GetAsync("/healthz")).StatusCode, (int)(await GetAsync("/readyz")).StatusCode));
        Assert.Equal(PipelineStates.Name(state) + "\n", await ReadAsync(await GetAsync("/readyz")));
    }

    [Fact]
    public async Task Status_is_json_with_totals_and_partitions()
    {
        JsonElement status = JsonDocument.Parse(await ReadAsync(await GetAsync("/status"))).RootElement;
        Assert.Equal("running", status.GetProperty("state").GetString());
        Assert.Equal(4, status.GetProperty("readings").GetInt64());
        Assert.Equal(1, status.GetProperty("rejected_by_reason").GetProperty("missing_value").GetInt64());
        JsonElement partition = Assert.Single(status.GetProperty("partitions").EnumerateArray());
        Assert.Equal((3, 2), (partition.GetProperty("partition").GetInt32(), partition.GetProperty("lag").GetInt32()));
        Assert.Equal(new DateTime(2026, 11, 1, 0, 0, 0, DateTimeKind.Utc), partition.GetProperty("watermark").GetDateTime());
        Assert.Equal(JsonValueKind.Null, partition.GetProperty("stored_up_to").ValueKind);
    }

    [Theory]
    [InlineData("/", "text/html")]
    [InlineData("/live.css", "text/css")]
    [InlineData("/live.js", "text/javascript")]
    public async Task The_page_is_served_and_may_ask_this_server_only(string path, string type)
    {
        using HttpResponseMessage answer = await GetAsync(path);
        Assert.Equal(type, answer.Content.Headers.ContentType!.MediaType);
        Assert.StartsWith("default-src 'self'", answer.Headers.GetValues("Content-Security-Policy").Single());
        Assert.DoesNotMatch("(src|href)=\"https?:", await ReadAsync(answer));
    }

    [Fact]
    public async Task Events_are_frames_of_json()
    {
        using HttpResponseMessage answer = await _client.GetAsync("/live/events", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        string line = (await reader.ReadLineAsync(TestContext.Current.CancellationToken))!;
        Assert.StartsWith("data: ", line);
        JsonElement frame = JsonDocument.Parse(line["data: ".Length..]).RootElement;
        Assert.Equal("<none>", frame.GetProperty("model").GetString());
        Assert.Equal(LiveView.Cells, frame.GetProperty("cells").GetArrayLength());
        Assert.Equal(4, frame.GetProperty("readings").GetInt64());
    }

    [Theory]
    [InlineData("/live/series", HttpStatusCode.BadRequest)]
    [InlineData("/live/series?sensor=a&metric=b", HttpStatusCode.OK)]
    [InlineData("/live/cell?index=1024", HttpStatusCode.BadRequest)]
    [InlineData("/live/cell?index=1023", HttpStatusCode.OK)]
    [InlineData("/live/config", HttpStatusCode.OK)]
    public async Task Details_are_asked_for_by_name(string path, HttpStatusCode status) => Assert.Equal(status, (await GetAsync(path)).StatusCode);

    [Fact]
    public async Task Only_so_many_may_look()
    {
        var open = new List<HttpResponseMessage>();
        HttpStatusCode status = HttpStatusCode.OK;
        while (status == HttpStatusCode.OK && open.Count < 64)
        {
            open.Add(await _client.GetAsync("/live/events", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken));
            status = open[^1].StatusCode;
        }

        Assert.Equal((HttpStatusCode.ServiceUnavailable, 17), (status, open.Count));
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/status")).StatusCode);
        open.ForEach(o => o.Dispose());
    }

    [Fact]
    public async Task Other_paths_are_not_found_and_nothing_can_be_posted()
    {
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync("/etc/passwd")).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await _client.PostAsync("/status", null, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task An_address_in_use_is_a_clear_error()
    {
        string address = new Uri(_port!.Url).Authority;
        IOException error = await Assert.ThrowsAsync<IOException>(() => HttpPort.StartAsync(address, Metrics(), new PipelineStatus(Snapshot, () => _state, "", () => ""), new LiveView(60_000_000), []));
        Assert.Contains(address, error.Message);
        Assert.Contains("--http", error.Message);
    }

    private PipelineMetrics Metrics() => new(Snapshot, EventClock.Wall(), "1.0", () => "none");

    private PipelineStatistics Snapshot() => new() { Partitions = [_partition], Workers = [] };

    private Task<HttpResponseMessage> GetAsync(string path) => _client.GetAsync(path, TestContext.Current.CancellationToken);

    private static Task<string> ReadAsync(HttpResponseMessage answer) => answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
}
