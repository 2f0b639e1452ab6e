using System.Net;
using System.Text.Json;
using FastIot.Observe;

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
        _port = await HttpPort.StartAsync("127.0.0.1:0", Metrics(), new PipelineStatus(Snapshot, () => _state, "1.0", "<none>"));
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

    [Fact]
    public async Task The_page_shows_the_totals_and_escapes_what_it_is_given()
    {
        string page = await ReadAsync(await GetAsync("/"));
        Assert.Contains("<td>readings</td><td>4</td>", page);
        Assert.Contains("model &lt;none&gt;", page);
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
        IOException error = await Assert.ThrowsAsync<IOException>(() => HttpPort.StartAsync(address, Metrics(), new PipelineStatus(Snapshot, () => _state, "", "")));
        Assert.Contains(address, error.Message);
        Assert.Contains("--http", error.Message);
    }

    private PipelineMetrics Metrics() => new(Snapshot, EventClock.Wall(), "1.0", "none");

    private PipelineStatistics Snapshot() => new() { Partitions = [_partition], Workers = [] };

    private Task<HttpResponseMessage> GetAsync(string path) => _client.GetAsync(path, TestContext.Current.CancellationToken);

    private static Task<string> ReadAsync(HttpResponseMessage answer) => answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
}
