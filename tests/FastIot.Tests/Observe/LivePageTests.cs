using FastIot.Observe;
using FastIot.Observe.Live;
using FastIot.Scoring;
using FastIot.Tests.Engine;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Playwright;

namespace FastIot.Tests.Observe;

/// <summary>The live page in a real browser, at the size of a desk and of a phone, with a pipeline behind it that has an alarm.</summary>
public sealed class LivePageTests
{
    private const long Start = 1_793_577_600;

    [Theory]
    [InlineData(1280, 900, ColorScheme.Light)]
    [InlineData(390, 844, ColorScheme.Dark)]
    public async Task The_page_shows_the_fleet_and_opens_a_series(int width, int height, ColorScheme scheme)
    {
        string chromium = TestEnvironment.Tool("chromium", "chromium");
        var view = new LiveView(60_000_000);
        using LiveView.Viewer viewer = view.Look();
        var read = new TaskCompletionSource();
        var source = new MemorySource(Log(), ends: false) { OnIdle = () => read.TrySetResult() };
        using var pipeline = new Pipeline(new PipelineOptions(), _ => source, _ => new MemorySink(), null, new ModelVersions(null), EventClock.Wall(), NullLoggerFactory.Instance, view);
        pipeline.Start();
        await read.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        var metrics = new PipelineMetrics(pipeline.Snapshot, EventClock.Wall(), "1.0", () => "none");
        await using HttpPort port = await HttpPort.StartAsync("127.0.0.1:0", metrics, new PipelineStatus(pipeline.Snapshot, () => PipelineState.Running, "1.0", () => "none"), view,
            """{"settings":[{"key":"windows.length","value":"60s","source":"default"}]}"""u8.ToArray());

        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = chromium,
            Args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
        IPage page = await browser.NewPageAsync(new BrowserNewPageOptions { ViewportSize = new ViewportSize { Width = width, Height = height }, ColorScheme = scheme });
        var elsewhere = new List<string>();
        var errors = new List<string>();
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(port.Url, StringComparison.Ordinal) && !request.Url.StartsWith("data:", StringComparison.Ordinal)) elsewhere.Add(request.Url);
        };
        page.PageError += (_, error) => errors.Add(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error") errors.Add(message.Text);
        };
        await page.GotoAsync(port.Url);

        ILocator episode = page.Locator("#episodes li");
        await Assertions.Expect(episode).ToHaveCountAsync(1, new LocatorAssertionsToHaveCountOptions { Timeout = 30_000 });
        await Assertions.Expect(episode).ToContainTextAsync("stuck");
        await Assertions.Expect(page.Locator("#state")).ToHaveTextAsync("running");
        await Assertions.Expect(page.Locator("#series")).ToHaveTextAsync("3");
        await Assertions.Expect(page.Locator("#partitions tr")).ToHaveCountAsync(1);
        Assert.Contains("1 of 3 cells", await page.Locator("#cells").GetAttributeAsync("aria-label"));
        Assert.False(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth > innerWidth"), "the page is wider than the window");
        if (Environment.GetEnvironmentVariable("FASTIOT_TEST_SCREENSHOTS") is { Length: > 0 } folder) await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, $"live-{width}.png"), FullPage = true });

        // The alarm is hidden with its kind, and comes again.
        await page.ClickAsync("#kinds button:has-text('stuck')");
        await Assertions.Expect(episode).ToHaveCountAsync(0);
        await page.ClickAsync("#kinds button:has-text('stuck')");
        await page.ClickAsync("#episodes button");
        await Assertions.Expect(page.Locator("#detail-title")).ToHaveTextAsync("b · temperature");
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(page.Locator("#detail")).Not.ToBeVisibleAsync();
        await page.ClickAsync("#configuration summary");
        await Assertions.Expect(page.Locator("#settings")).ToContainTextAsync("windows.length");
        Assert.Empty(elsewhere);
        Assert.Empty(errors);
    }

    private static MemoryLog Log()
    {
        var log = new MemoryLog();
        var random = new Random(3);
        for (int second = 0; second < 600; second++)
        {
            foreach (string sensor in (string[])["a", "b", "c"])
            {
                double value = sensor == "b" && second >= 300 ? 21.5 : 20 + random.NextDouble();
                log.Add(LogRecord.Of(0, sensor, FormattableString.Invariant($"{{\"sensor_id\":\"{sensor}\",\"timestamp\":{Start + second},\"metric\":\"temperature\",\"value\":{value}}}")));
            }
        }

        return log;
    }
}
