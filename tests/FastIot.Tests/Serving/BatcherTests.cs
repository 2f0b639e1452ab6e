using System.Net;
using FastIot.Configuration;
using FastIot.Serving;

namespace FastIot.Tests.Serving;

public sealed class BatcherTests
{
    [Fact]
    public async Task Requests_at_the_same_time_share_batches_and_each_gets_its_own_answer()
    {
        string models = TestServer.NewFolder();
        GraphFile.HalfPlus(1).Save(models, "half", 1);
        ServeOptions options = TestServer.Options("half");
        options.BatchTimeout = TimeSpan.FromMilliseconds(100);
        options.Instances = 1;
        await using TestServer server = await TestServer.StartAsync(models, options);
        float[] answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => server.PredictAsync("half", i)));
        Assert.Equal(Enumerable.Range(0, 200).Select(i => i / 2f + 1), answers);
        string metrics = await server.Client.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        Assert.True(Sample(metrics, "fastiot_inference_batch_size_sum") == 200, metrics);
        Assert.True(Sample(metrics, "fastiot_inference_batch_size_count") < 100, "two hundred requests at once, and hardly a batch among them");
    }

    [Fact]
    public async Task Batches_are_padded_to_allowed_sizes_without_a_trace_in_the_answers()
    {
        string models = TestServer.NewFolder();
        GraphFile.TwoInputs().Save(models, "two_inputs", 1);
        GraphFile.Identity(GraphFile.String).Save(models, "strings", 1);
        ServeOptions options = TestServer.Options("two_inputs", "strings");
        options.BatchSizes = [4, 16];
        await using TestServer server = await TestServer.StartAsync(models, options);
        (_, string text) = await server.PostAsync("/v1/models/two_inputs:predict", """{"inputs":{"a":[[1,2],[3,4],[5,6]],"b":[[1,1],[1,1],[1,1]]}}""");
        Assert.Equal("""{"outputs":{"sum":[[2.0,3.0],[4.0,5.0],[6.0,7.0]],"difference":[[0.0,1.0],[2.0,3.0],[4.0,5.0]]}}""", string.Concat(text.Where(c => !char.IsWhiteSpace(c))));
        (_, text) = await server.PostAsync("/v1/models/strings:predict", """{"instances":["a","b"]}""");
        Assert.Equal("""{"predictions":["a","b"]}""", string.Concat(text.Where(c => !char.IsWhiteSpace(c))));
    }

    [Fact]
    public async Task What_one_request_has_wrong_is_not_its_neighbours_error()
    {
        string models = TestServer.NewFolder();
        new GraphFile().Constant("table", 1, 2, 3).Node("Gather", ["table", "i"], ["value"]).Input("i", GraphFile.Int64, "N").Output("value", GraphFile.Float, "N").Save(models, "gather", 1);
        ServeOptions options = TestServer.Options("gather");
        options.BatchTimeout = TimeSpan.FromMilliseconds(100);
        options.Instances = 1;
        await using TestServer server = await TestServer.StartAsync(models, options);
        (HttpStatusCode Code, string Text)[] answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => server.PostAsync("/v1/models/gather:predict", $"{{\"instances\":[{(i == 7 ? 99 : i % 3)}]}}")));
        for (int i = 0; i < answers.Length; i++) Assert.Equal(i == 7 ? HttpStatusCode.BadRequest : HttpStatusCode.OK, answers[i].Code);
    }

    [Fact]
    public async Task Rows_beyond_the_queue_are_refused_at_once_with_a_time_to_try_again()
    {
        string models = TestServer.NewFolder();
        GraphFile.HalfPlus(1).Save(models, "half", 1);
        ServeOptions options = TestServer.Options("half");
        // One waits for a batch that never fills, so the others find the queue full.
        options.BatchTimeout = TimeSpan.FromSeconds(2);
        options.Queue = 2;
        options.Instances = 1;
        await using TestServer server = await TestServer.StartAsync(models, options);
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => server.Client.PostAsync("/v1/models/half:predict", new StringContent("""{"instances":[1]}"""), TestContext.Current.CancellationToken)));
        Assert.Equal(2, answers.Count(a => a.StatusCode == HttpStatusCode.OK));
        Assert.All(answers.Where(a => a.StatusCode != HttpStatusCode.OK), a => Assert.Equal((HttpStatusCode.ServiceUnavailable, "1"), (a.StatusCode, a.Headers.RetryAfter!.ToString())));
    }

    [Fact]
    public async Task A_request_that_waits_longer_than_it_may_is_504()
    {
        string models = TestServer.NewFolder();
        GraphFile.HalfPlus(1).Save(models, "half", 1);
        ServeOptions options = TestServer.Options("half");
        options.BatchTimeout = TimeSpan.FromMilliseconds(300);
        options.Timeout = TimeSpan.FromMilliseconds(20);
        await using TestServer server = await TestServer.StartAsync(models, options);
        (HttpStatusCode code, string text) = await server.PostAsync("/v1/models/half:predict", """{"instances":[1]}""");
        Assert.Equal(HttpStatusCode.GatewayTimeout, code);
        Assert.Contains("Timed out", text);
    }

    [Fact]
    public async Task Cores_are_given_in_the_order_of_asking()
    {
        var slots = new ComputeSlots(1);
        using var first = new ManualResetEventSlim();
        slots.Enter(first);
        var order = new List<int>();
        var threads = new List<Task>();
        for (int i = 0; i < 5; i++)
        {
            int number = i;
            using var asks = new ManualResetEventSlim();
            threads.Add(Task.Factory.StartNew(() =>
            {
                using var ticket = new ManualResetEventSlim();
                asks.Set();
                slots.Enter(ticket);
                lock (order) order.Add(number);
                slots.Leave();
            }, TaskCreationOptions.LongRunning));
            asks.Wait(TestContext.Current.CancellationToken);
            Assert.True(SpinWait.SpinUntil(() => slots.Waiting > number, TimeSpan.FromSeconds(30)));
        }

        slots.Leave();
        await Task.WhenAll(threads);
        Assert.Equal([0, 1, 2, 3, 4], order);
    }

    private static double Sample(string metrics, string name) =>
        double.Parse(metrics.Split('\n').Single(line => line.StartsWith(name + "{", StringComparison.Ordinal)).Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture);
}
