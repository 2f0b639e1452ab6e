using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace FastIot.Tests.Serving;

/// <summary>Raw readings in, scores out, with the shipped model.</summary>
public sealed class SeriesScoringTests
{
    private static readonly string s_shipped = Path.Combine(TestEnvironment.Root, "models", "anomaly_detector");
    private static readonly int s_version = FastIot.Scoring.ModelRepository.Versions(s_shipped)[^1];
    private static readonly DateTime s_start = new(2026, 11, 1, 0, 0, 0, DateTimeKind.Utc);

    [Fact]
    public async Task A_healthy_series_scores_low_and_one_with_a_spike_alarms_and_says_why()
    {
        await using TestServer server = await ShippedAsync();
        JsonElement healthy = await ScoreAsync(server, Readings(2400, _ => 0)), spiked = await ScoreAsync(server, Readings(2400, i => i is > 2380 and < 2390 ? 40 : 0));
        JsonElement calm = healthy.GetProperty("scores")[0], loud = spiked.GetProperty("scores")[0];
        Assert.Equal($"anomaly_detector:{s_version}", healthy.GetProperty("model").GetString());
        Assert.Equal(("s1", "temperature", 60, false), (calm.GetProperty("sensor_id").GetString(), calm.GetProperty("metric").GetString(), calm.GetProperty("count").GetInt32(), calm.GetProperty("warming").GetBoolean()));
        Assert.True(calm.GetProperty("anomaly_score").GetDouble() < 1 && !calm.GetProperty("is_anomaly").GetBoolean(), calm.ToString());
        Assert.True(loud.GetProperty("anomaly_score").GetDouble() >= 1 && loud.GetProperty("is_anomaly").GetBoolean(), loud.ToString());
        Assert.NotEqual(0, loud.GetProperty("reasons").GetArrayLength());
    }

    [Fact]
    public async Task Series_are_told_apart_and_bad_readings_are_named()
    {
        await using TestServer server = await ShippedAsync();
        string readings = Readings(120, _ => 0) + "," + Readings(120, _ => 5, "s2") + """,{"sensor_id":"s1","timestamp":"never","value":1}""";
        JsonElement answer = await ScoreAsync(server, readings);
        Assert.Equal(["s1", "s2"], answer.GetProperty("scores").EnumerateArray().Select(s => s.GetProperty("sensor_id").GetString()));
        Assert.All(answer.GetProperty("scores").EnumerateArray(), s => Assert.Equal((true, JsonValueKind.Null), (s.GetProperty("warming").GetBoolean(), s.GetProperty("anomaly_score").ValueKind)));
        Assert.Equal(240, Assert.Single(answer.GetProperty("rejected").EnumerateArray()).GetProperty("index").GetInt32());
    }

    [Fact]
    public async Task All_windows_come_in_order_and_the_same_twice()
    {
        await using TestServer server = await ShippedAsync();
        string body = $"{{\"windows\":\"all\",\"readings\":[{Readings(300, _ => 0)}]}}";
        (_, string first) = await server.PostAsync("/v1/models/anomaly_detector:score", body);
        (_, string second) = await server.PostAsync("/v1/models/anomaly_detector:score", body);
        Assert.Equal(first, second);
        Assert.Equal(30, JsonDocument.Parse(first).RootElement.GetProperty("scores").GetArrayLength());
    }

    [Theory]
    [InlineData("[]", "Is not object")]
    [InlineData("{}", "\"readings\" must be a list")]
    [InlineData("""{"readings":[]}""", "None of the readings can be used")]
    [InlineData("""{"readings":[1,"x"]}""", "None of the readings can be used")]
    [InlineData("""{"readings":[{"sensor_id":"a","timestamp":0,"value":1},{"sensor_id":"a","timestamp":1e9,"value":1}]}""", "at most 21600 s")]
    [InlineData("""{"readings":[],"windows":3}""", "must be \"last\" or \"all\"")]
    public async Task What_cannot_be_scored_is_400(string body, string message)
    {
        await using TestServer server = await ShippedAsync();
        (HttpStatusCode code, string text) = await server.PostAsync("/v1/models/anomaly_detector:score", body);
        Assert.Equal(HttpStatusCode.BadRequest, code);
        Assert.Contains(message, JsonDocument.Parse(text).RootElement.GetProperty("error").GetString());
    }

    [Fact]
    public async Task A_graph_without_a_contract_is_refused()
    {
        string models = TestServer.NewFolder();
        GraphFile.HalfPlus(1).Save(models, "half", 1);
        await using TestServer server = await TestServer.StartAsync(models, "half");
        (HttpStatusCode code, string text) = await server.PostAsync("/v1/models/half:score", """{"readings":[]}""");
        Assert.True(code == HttpStatusCode.BadRequest && text.Contains("has no model.json"), text);
    }

    private static async Task<TestServer> ShippedAsync()
    {
        string models = TestServer.NewFolder(), source = Path.Combine(s_shipped, $"{s_version}");
        string target = Directory.CreateDirectory(Path.Combine(models, "anomaly_detector", $"{s_version}")).FullName;
        foreach (string file in (string[])["model.json", "model.onnx"]) File.Copy(Path.Combine(source, file), Path.Combine(target, file));
        return await TestServer.StartAsync(models, "anomaly_detector");
    }

    private static async Task<JsonElement> ScoreAsync(TestServer server, string readings)
    {
        (HttpStatusCode code, string text) = await server.PostAsync("/v1/models/anomaly_detector:score", $"{{\"readings\":[{readings}]}}");
        Assert.True(code == HttpStatusCode.OK, text);
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>One a second: a slow wave and some noise, and what is added.</summary>
    private static string Readings(int count, Func<int, double> added, string sensor = "s1")
    {
        var random = new Random(3);
        var text = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            double value = 20 + Math.Sin(i / 600.0) + random.NextDouble() - .5 + added(i);
            if (i > 0) text.Append(',');
            text.Append(CultureInfo.InvariantCulture, $"{{\"sensor_id\":\"{sensor}\",\"timestamp\":\"{s_start.AddSeconds(i):yyyy-MM-ddTHH:mm:ssZ}\",\"metric\":\"temperature\",\"value\":{value:0.000}}}");
        }

        return text.ToString();
    }
}
