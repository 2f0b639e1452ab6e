using System.Diagnostics;
using System.Text;
using FastIot.Features;
using FastIot.Recovery;
using FastIot.Series;

namespace FastIot.Tests.Recovery;

public sealed class SlowStateSnapshotTests
{
    private const long End = 1_793_577_660_000_000;

    private static readonly PipelineOptions s_options = new();

    [Fact]
    public void Everything_that_is_learnt_comes_back_bit_for_bit_in_the_same_slots()
    {
        using var state = new State(300);
        (byte[] snapshot, CommitMetadata committed) = state.Write();
        using var loaded = new State(0);
        loaded.Read(snapshot, committed);
        Assert.Equal(300, loaded.Series.Count);
        for (int slot = 0; slot < 300; slot++)
        {
            Assert.True(loaded.Series.SensorId(slot).SequenceEqual(state.Series.SensorId(slot)));
            Assert.True(loaded.Series.Metric(slot).SequenceEqual(state.Series.Metric(slot)));
        }

        Assert.Equal(snapshot, loaded.Write().Snapshot);
    }

    [Fact]
    public void What_is_damaged_or_foreign_is_refused_and_says_why()
    {
        using var state = new State(20);
        (byte[] snapshot, CommitMetadata committed) = state.Write();
        Refused("no snapshot, or cut off", snapshot[..30], committed);
        Refused("checksum is wrong", snapshot[..^1], committed);
        for (int at = 20; at < snapshot.Length; at += 997)
        {
            byte[] damaged = [.. snapshot];
            damaged[at] ^= 1;
            Refused("checksum is wrong", damaged, committed);
        }

        Refused("not the one that was committed", snapshot, committed with { SnapshotHash = "00000000" });
        Refused("another partition or window", snapshot, committed with { SnapshotUs = End + 1 });
        PipelineOptions other = s_options with { Features = s_options.Features with { BaselineWindows = 5 } };
        using var target = new State(0);
        Assert.Contains("other windows or features", Assert.Throws<InvalidDataException>(() => target.Read(snapshot, committed, other)).Message);
    }

    /// <summary>A field that is added, moved or means something else needs another <see cref="SlowStateSnapshot.Format"/>, and then this test's line.</summary>
    [Fact]
    public void The_layout_is_that_of_format_1()
    {
        string fields = string.Join(' ', typeof(SeriesState).GetFields().Select(f => f.Name));
        Assert.Equal((1u, "Mu Spread Level30 Level120 Level5 LogScale LogDiffScale Windows ScaleWindows DiffScaleWindows FlatWindows EpisodeStartUs LastAlarmUs BaselineWindows"),
            (SlowStateSnapshot.Format, fields));
        Assert.Equal("mean log_stddev below_mean above_mean count log_range log_rms_diff log_max_diff zero_diff_fraction log_hampel level_120min level_5min", string.Join(' ', FeatureNames.All));
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(100_000)]
    public void A_snapshot_is_about_as_large_as_the_state(int series)
    {
        using var state = new State(series);
        state.Write();
        var clock = Stopwatch.StartNew();
        using var target = new NativeArray<byte>(0);
        target.Grow((int)SlowStateSnapshot.Bytes(state.Series, state.Features));
        clock.Restart();
        int length = SlowStateSnapshot.Write(state.Series, state.Features, s_options, 0, End, s_options.ConfigHash(), target);
        double copyMs = clock.Elapsed.TotalMilliseconds;
        clock.Restart();
        SlowStateSnapshot.Seal(target.Span[..length]);
        TestContext.Current.SendDiagnosticMessage($"snapshot of {series} series: {length} bytes, {copyMs:0.0} ms on the worker, {clock.Elapsed.TotalMilliseconds:0.0} ms to seal on the file thread");
        Assert.InRange(length / (double)series, 2_000, 2_300);
    }

    private static void Refused(string why, byte[] snapshot, CommitMetadata committed)
    {
        using var target = new State(0);
        Assert.Contains(why, Assert.Throws<InvalidDataException>(() => target.Read(snapshot, committed)).Message);
    }

    /// <summary>Series with states of random bits: whatever they mean, they must come back.</summary>
    private sealed unsafe class State : IDisposable
    {
        public State(int series)
        {
            Series = new SeriesTable(1 << 20);
            Features = new FeatureState(Series.Capacity, s_options.Features);
            for (int i = 0; i < series; i++)
            {
                byte[] sensor = Encoding.UTF8.GetBytes($"sensor_{i / 2:D6}"), metric = i % 2 == 0 ? "temperature"u8.ToArray() : [];
                fixed (byte* s = sensor, m = metric)
                {
                    Series.FindOrAdd(new Reading { SensorId = s, SensorIdLength = sensor.Length, Metric = m, MetricLength = metric.Length });
                }
            }

            Features.Grow(Series.Capacity);
            byte[] bits = new byte[checked((int)(Features.SlotBytes * series))];
            new Random(series).NextBytes(bits);
            Features.CopyFrom(series, bits);
        }

        public SeriesTable Series { get; }

        public FeatureState Features { get; }

        public (byte[] Snapshot, CommitMetadata Committed) Write()
        {
            using var target = new NativeArray<byte>(0);
            int length = SlowStateSnapshot.Write(Series, Features, s_options, 0, End, s_options.ConfigHash(), target);
            string hash = SlowStateSnapshot.Seal(target.Span[..length]);
            return (target.Span[..length].ToArray(), new CommitMetadata(0, End, End, End, s_options.ConfigHash()) { SnapshotHash = hash });
        }

        public void Read(byte[] snapshot, CommitMetadata committed, PipelineOptions? options = null) =>
            SlowStateSnapshot.Read(snapshot, options ?? s_options, 0, committed, Series, Features, () => Features.Grow(Series.Capacity));

        public void Dispose()
        {
            Series.Dispose();
            Features.Dispose();
        }
    }
}
