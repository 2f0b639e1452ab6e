using FastIot.Windows;

namespace FastIot.Tests.Windows;

public sealed class ReplayOffsetsTests
{
    private const long Second = 1_000_000;

    [Fact]
    public void A_replay_begins_at_the_first_reading_of_any_window_still_needed()
    {
        var offsets = new ReplayOffsets(WindowSpec.Default);
        offsets.Add(0, 100);
        offsets.Add(10 * Second, 110);
        offsets.Add(20 * Second, 105); // disorder: a later pane began earlier in the log
        Assert.Equal(100, offsets.OffsetAfter(long.MinValue, 200));

        // Windows up to 60 s are safe: pane [0, 10) is in none of the others.
        Assert.Equal(105, offsets.OffsetAfter(60 * Second, 200));
        Assert.Equal(200, offsets.OffsetAfter(80 * Second, 200));
    }

    [Fact]
    public void It_never_goes_back()
    {
        var offsets = new ReplayOffsets(WindowSpec.Default);
        offsets.Add(0, 100);
        Assert.Equal(100, offsets.OffsetAfter(long.MinValue, 300));
        offsets.Add(10 * Second, 50);
        Assert.Throws<InvalidOperationException>(() => offsets.OffsetAfter(long.MinValue, 300));
    }

    [Fact]
    public void A_history_from_before_the_log_is_not_replayed()
    {
        var offsets = new ReplayOffsets(WindowSpec.Default);
        offsets.Begin(20);
        offsets.Add(0, -1);
        Assert.Equal(20, offsets.OffsetAfter(long.MinValue, 30));
    }
}
