using FastIot.Windows;

namespace FastIot.Tests.Windows;

public sealed class WatermarkTests
{
    private const long Second = 1_000_000;
    private static readonly WindowSpec s_spec = WindowSpec.Default;

    [Fact]
    public void The_first_reading_closes_nothing()
    {
        var watermark = new Watermark(s_spec);
        Assert.False(watermark.Advance(watermark.After(105 * Second)));
        Assert.Equal(103 * Second, watermark.Us);
        Assert.Equal(100 * Second, watermark.ClosedUs);
    }

    [Theory]
    [InlineData(111_999_999, false)] // watermark 109.999999: the window ending at 110 is open
    [InlineData(112_000_000, true)] // watermark 110: closed
    public void A_window_closes_when_the_watermark_reaches_its_end(long timeUs, bool closes)
    {
        var watermark = new Watermark(s_spec);
        watermark.Advance(watermark.After(105 * Second));
        Assert.Equal(closes, watermark.Advance(watermark.After(timeUs)));
    }

    [Fact]
    public void Late_is_what_only_closed_windows_would_hold()
    {
        var watermark = new Watermark(s_spec);
        watermark.Advance(110 * Second);

        // Windows ending at 120 and later are open; the oldest holds [60, 120).
        Assert.False(watermark.IsLate(60 * Second));
        Assert.True(watermark.IsLate(60 * Second - 1));
    }

    [Fact]
    public void It_never_goes_back()
    {
        var watermark = new Watermark(s_spec);
        watermark.Advance(110 * Second);
        Assert.False(watermark.Advance(50 * Second));
        Assert.Equal(110 * Second, watermark.Us);
    }

    [Theory]
    [InlineData(-1, -10)]
    [InlineData(-10, -10)]
    [InlineData(0, 0)]
    [InlineData(9, 0)]
    public void Floor_of_negatives(long value, long floor) => Assert.Equal(floor, Watermark.Floor(value, 10));

    [Theory]
    [InlineData(0, 8)]
    [InlineData(2, 8)]
    [InlineData(9.999999, 8)]
    [InlineData(10, 16)]
    [InlineData(90, 32)]
    public void The_ring_holds_every_pane_that_can_be_open_and_the_one_before(double latenessSeconds, int panes)
    {
        WindowSpec spec = s_spec with { LatenessUs = (long)(latenessSeconds * Second) };
        Assert.Equal(panes, spec.RingPanes);

        // The worst moments: just before a close and just after one.
        foreach (long watermarkUs in new[] { 1000 * Second, 1000 * Second - 1 })
        {
            var watermark = new Watermark(spec);
            watermark.Advance(watermarkUs);
            long oldest = watermark.OldestOpenPaneUs / spec.SlideUs - 1;
            long newest = (watermarkUs + spec.LatenessUs) / spec.SlideUs;
            Assert.True(newest - oldest + 1 <= panes, $"panes {oldest} to {newest} do not fit a ring of {panes}");
        }
    }

    [Theory]
    [InlineData(60, 7)]
    [InlineData(60, 0)]
    [InlineData(5, 10)]
    public void A_window_that_is_no_multiple_of_its_slide_is_refused(long window, long slide) =>
        Assert.Throws<ArgumentException>(() => (s_spec with { WindowUs = window * Second, SlideUs = slide * Second }).Validate());
}
