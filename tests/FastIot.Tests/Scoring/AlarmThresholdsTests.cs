using FastIot.Scoring;

namespace FastIot.Tests.Scoring;

public sealed class AlarmThresholdsTests
{
    private static readonly ModelManifest s_manifest = new TinyModel().Manifest();

    [Theory]
    [InlineData(1)]
    [InlineData(.1)]
    [InlineData(5)]
    public void Score_is_one_where_a_channel_spends_its_share(double budget)
    {
        // Head: fa = 10^(2 - raw) up to raw 2, 10^(2 - raw) beyond as well: the threshold is at 2 - log10(.9 b).
        float raw = (float)(2 - Math.Log10(.9 * budget));
        Verdict verdict = Judge(budget, raw, 0);
        Assert.Equal(1, verdict.AnomalyScore, 1e-5f);
        Assert.Equal(budget, verdict.FalseAlarmsPerDay, budget * 1e-5);
        Assert.True(verdict.ByHead);
        Assert.False(Judge(budget, raw - .001f, 0).IsAnomaly);
        Assert.True(Judge(budget, raw + .001f, 0).IsAnomaly);
    }

    [Fact]
    public void Score_doubles_with_every_tenth_of_the_false_alarms()
    {
        Verdict one = Judge(1, 2.5f, 0), ten = Judge(1, 3.5f, 0);
        Assert.Equal(2, ten.AnomalyScore / one.AnomalyScore, 1e-5);
        Assert.Equal(10, one.FalseAlarmsPerDay / ten.FalseAlarmsPerDay, 1e-3);
    }

    [Fact]
    public void Each_point_of_a_table_is_met_exactly()
    {
        double[] raw = [0, 1, 2, 4], rate = [100, 10, 1, .01];
        for (int i = 0; i < raw.Length; i++)
        {
            Verdict verdict = new AlarmThresholds(s_manifest, 1).Judge((float)raw[i], -1, SensorType.Other, 1);
            Assert.Equal(Math.Max(Math.Pow(.9 / rate[i], Math.Log10(2)), Math.Pow(.1 / 10, Math.Log10(2))), verdict.AnomalyScore, 1e-6);
        }
    }

    [Fact]
    public void Below_the_table_the_first_rate_holds_and_above_it_the_last_slope_down_to_a_thousandth()
    {
        Assert.Equal(Judge(1, 0, 0), Judge(1, -1e30f, -1e30f));
        Assert.Equal(.001 / .9, Judge(1, 5, 0).FalseAlarmsPerDay, 1e-7);
        Assert.Equal(.00001 / .9, Judge(1, 8, 0).FalseAlarmsPerDay, 1e-9);
        Assert.Equal(.00001 / .9, Judge(1, float.MaxValue, 0).FalseAlarmsPerDay, 1e-9);
    }

    [Fact]
    public void Published_score_ends_at_100() => Assert.Equal(100, Judge(1e6, float.MaxValue, 0).AnomalyScore);

    [Fact]
    public void Reconstruction_decides_by_the_table_of_its_type()
    {
        // fa = 10 · 10^(-.4 raw) for vibration, 10 · 10^(-.6 raw) for the others; the threshold is at fa = .1.
        Verdict vibration = Judge(1, 0, 5f, SensorType.Vibration), other = Judge(1, 0, 10 / 3f, SensorType.Other);
        Assert.Equal(1, vibration.AnomalyScore, 1e-5f);
        Assert.Equal(1, other.AnomalyScore, 1e-5f);
        Assert.Equal(other, Judge(1, 0, 10 / 3f, SensorType.Temperature));
        Assert.False(vibration.ByHead);
        Assert.False(other.ByHead);
    }

    [Fact]
    public void Neither_channel_ever_lowers_the_score()
    {
        var thresholds = new AlarmThresholds(s_manifest, .3);
        var random = new Random(TestSeed.Or(3));
        for (int i = 0; i < 2000; i++)
        {
            float a = random.NextSingle() * 12 - 2, b = a + random.NextSingle() * 1e-3f, fixedRaw = random.NextSingle() * 12;
            foreach (SensorType type in Enum.GetValues<SensorType>())
            {
                Assert.True(thresholds.Judge(b, fixedRaw, type, 1).AnomalyScore >= thresholds.Judge(a, fixedRaw, type, 1).AnomalyScore);
                Assert.True(thresholds.Judge(fixedRaw, b, type, 1).AnomalyScore >= thresholds.Judge(fixedRaw, a, type, 1).AnomalyScore);
            }
        }
    }

    [Theory]
    [InlineData(float.NaN, 0)]
    [InlineData(0, float.NaN)]
    [InlineData(float.PositiveInfinity, 0)]
    [InlineData(9, float.NegativeInfinity)]
    public void What_is_no_number_has_no_score_and_raises_no_alarm(float score, float reconstruction)
    {
        Verdict verdict = Judge(1, score, reconstruction);
        Assert.True(float.IsNaN(verdict.AnomalyScore));
        Assert.True(float.IsNaN(verdict.FalseAlarmsPerDay));
        Assert.False(verdict.IsAnomaly);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_budget_is_a_number_above_0(double budget) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new AlarmThresholds(s_manifest, budget));

    [Fact]
    public void Young_series_must_stand_out_further_and_what_both_channels_come_to_decides()
    {
        // Combined: ln .8 at a nominal of 0, and from there to ln .03 at 3.
        var thresholds = new AlarmThresholds(new TinyModel { AgesCalibrated = true }.Manifest(), 1);
        double slope = Math.Log(.03 / .8) / 3;
        foreach ((int windows, double factor) in new[] { (181, 4), (200, 4), (250, Math.Sqrt(8)), (300, 2), (870, Math.Sqrt(2)), (1440, 1), (100_000, 1) })
        {
            // Head: 1 false alarm a day at raw 2, 0.1 at raw 3, of which the head has nine tenths.
            double nominal = -Math.Log(.1 / .9) - Math.Log(factor);
            Verdict verdict = thresholds.Judge(3, -1, SensorType.Other, windows);
            double expected = nominal >= 0 ? .8 * Math.Exp(slope * nominal) : .8 * Math.Exp(Math.Log(15 / .8) / -3 * nominal);
            Assert.Equal(expected, verdict.FalseAlarmsPerDay, expected * 1e-5);
            Assert.Equal(Math.Pow(1 / expected, Math.Log10(2)), verdict.AnomalyScore, 1e-5);
        }
    }

    [Fact]
    public void Judging_allocates_nothing()
    {
        var thresholds = new AlarmThresholds(s_manifest, 1);
        thresholds.Judge(1, 1, SensorType.Current, 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) thresholds.Judge(i * .01f, i * .02f, SensorType.Current, 1);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static Verdict Judge(double budget, float score, float reconstruction, SensorType type = SensorType.Other) =>
        new AlarmThresholds(s_manifest, budget).Judge(score, reconstruction, type, 1);
}
