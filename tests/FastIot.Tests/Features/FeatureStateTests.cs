using System.Runtime.CompilerServices;
using FastIot.Features;
using FastIot.Windows;

namespace FastIot.Tests.Features;

public sealed class FeatureStateTests
{
    private const int F = FeatureNames.Count;

    [Fact]
    public void State_is_three_cache_lines() => Assert.Equal(192, Unsafe.SizeOf<SeriesState>());

    [Fact]
    public void Features_equal_the_plain_formulas_in_double()
    {
        using var state = new FeatureState(1, FeatureSpec.Default);
        using WindowBatch batch = Batch();
        var oracle = new FeatureOracle();
        var random = new Random(TestSeed.Or(23));
        double worst = 0;
        for (int window = 0; window < 2000; window++)
        {
            // Pressure-like: what single precision would lose stands before the decimal point.
            Fill(batch, 0, random, 101_325 + 5 * Math.Sin(window / 50.0), window is > 900 and < 960 ? 30 : 1);
            batch.LearnSlowly[0] = window is > 910 and < 950 ? (byte)1 : (byte)0;
            state.Observe(batch);
            double[] expected = oracle.Next(batch, 0, batch.LearnSlowly[0] != 0);
            state.Learn(batch);
            for (int f = 0; f < F; f++) worst = Math.Max(worst, Math.Abs(batch.Z[f] - expected[f]) / (1 + Math.Abs(expected[f])));
        }

        Assert.True(worst < 2e-3, $"worst relative difference {worst}");
        Assert.Equal(2000, state.WindowsSeen(0));
        Assert.False(state.IsWarming(0));
    }

    [Fact]
    public void A_healthy_series_is_near_zero_with_spread_one_and_a_fault_stands_out()
    {
        using var state = new FeatureState(1, FeatureSpec.Default);
        using WindowBatch batch = Batch();
        var random = new Random(TestSeed.Or(29));
        var absolute = new List<float>();
        for (int window = 0; window < 1500; window++)
        {
            Fill(batch, 0, random, 20, 1);
            state.Observe(batch);
            state.Learn(batch);
            if (window > 500) for (int f = 0; f < F; f++) absolute.Add(Math.Abs(batch.Z[f]));
        }

        Assert.InRange(absolute.Average(), 0.1, 1.2);
        Fill(batch, 0, random, 20, 12);
        state.Observe(batch);
        Assert.True(batch.Z[1] > 5, $"log_stddev of a twelvefold noise is only {batch.Z[1]}");
    }

    [Fact]
    public void An_alarm_slows_the_baseline()
    {
        using var state = new FeatureState(2, FeatureSpec.Default);
        using WindowBatch batch = Batch();
        batch.Count = 2;
        var random = new Random(TestSeed.Or(31));
        for (int window = 0; window < 1000; window++)
        {
            bool fault = window > 600;
            Fill(batch, 0, random, fault ? 26 : 20, 1);
            CopyRow(batch, 0, 1);
            batch.LearnSlowly[1] = fault ? (byte)1 : (byte)0;
            state.Observe(batch);
            if (window == 999) Assert.True(batch.Z[F] > 1.5f * batch.Z[0], $"slowed {batch.Z[F]}, as usual {batch.Z[0]}");
            state.Learn(batch);
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1e308, 1e307)]
    [InlineData(1e-300, 0)]
    public void Nothing_is_ever_not_finite(double level, double spread)
    {
        using var state = new FeatureState(1, FeatureSpec.Default);
        using WindowBatch batch = Batch();
        var random = new Random(TestSeed.Or(37));
        for (int window = 0; window < 300; window++)
        {
            Fill(batch, 0, random, window % 7 == 0 ? -level : level, spread);
            if (window % 5 == 0) batch.StdDev[0] = double.NaN;
            if (window % 11 == 0) batch.MaxDiff[0] = float.PositiveInfinity;
            if (window % 13 == 0) batch.Range[0] = double.PositiveInfinity;
            state.Observe(batch);
            state.Learn(batch);
            for (int f = 0; f < F; f++) Assert.True(float.IsFinite(batch.Z[f]) && Math.Abs(batch.Z[f]) <= FeatureState.MaxZ, $"window {window}: {FeatureNames.All[f]} is {batch.Z[f]}");
        }
    }

    [Fact]
    public void A_series_that_wakes_up_begins_its_baseline_anew()
    {
        using var state = new FeatureState(1, FeatureSpec.Default);
        using WindowBatch batch = Batch();
        var random = new Random(TestSeed.Or(41));
        for (int window = 0; window < 1000; window++)
        {
            Fill(batch, 0, random, 20, window < 400 ? 0 : 1);
            state.Observe(batch);
            state.Learn(batch);
        }

        for (int f = 0; f < F; f++) Assert.True(Math.Abs(batch.Z[f]) < 5, $"{FeatureNames.All[f]} is {batch.Z[f]}");
    }

    [Fact]
    public void A_window_costs_no_allocation()
    {
        using var state = new FeatureState(1, FeatureSpec.Default);
        using WindowBatch batch = Batch();
        var random = new Random(1);
        Fill(batch, 0, random, 20, 1);
        for (int i = 0; i < 50; i++) Step();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) Step();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Step()
        {
            state.Observe(batch);
            state.Learn(batch);
        }
    }

    private static WindowBatch Batch()
    {
        var batch = new WindowBatch();
        batch.EnsureCapacity(8);
        batch.Count = 1;
        batch.Slot[1] = 1;
        return batch;
    }

    /// <summary>A window of 60 readings with white noise.</summary>
    private static void Fill(WindowBatch batch, int row, Random random, double level, double noise)
    {
        double[] values = [.. Enumerable.Range(0, 60).Select(_ => level + noise * (random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2)];
        double mean = values.Average();
        batch.ReadingCount[row] = values.Length;
        batch.Mean[row] = mean;
        batch.StdDev[row] = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1));
        batch.Min[row] = values.Min();
        batch.Max[row] = values.Max();
        batch.Range[row] = values.Max() - values.Min();
        double[] differences = [.. values.Skip(1).Zip(values, (a, b) => Math.Abs(a - b))];
        batch.SumSqDiff[row] = (float)differences.Sum(d => d * d);
        batch.MaxDiff[row] = (float)differences.Max();
        batch.MaxHampel[row] = (float)(differences.Max() / 2);
        batch.ZeroDiffs[row] = differences.Count(d => d == 0);
    }

    private static void CopyRow(WindowBatch batch, int from, int to)
    {
        batch.ReadingCount[to] = batch.ReadingCount[from];
        batch.Mean[to] = batch.Mean[from];
        batch.StdDev[to] = batch.StdDev[from];
        batch.Min[to] = batch.Min[from];
        batch.Max[to] = batch.Max[from];
        batch.Range[to] = batch.Range[from];
        batch.SumSqDiff[to] = batch.SumSqDiff[from];
        batch.MaxDiff[to] = batch.MaxDiff[from];
        batch.MaxHampel[to] = batch.MaxHampel[from];
        batch.ZeroDiffs[to] = batch.ZeroDiffs[from];
    }

    /// <summary>The same formulas, one at a time, in double.</summary>
    private sealed class FeatureOracle
    {
        private readonly double[] _mu = new double[F], _spread = new double[F];
        private readonly FeatureSpec _spec = FeatureSpec.Default;
        private double _level30, _level120, _level5, _logScale, _logDiffScale;
        private int _n;

        public double[] Next(WindowBatch b, int r, bool alarm)
        {
            double rms = Math.Sqrt(b.SumSqDiff[r] / (double)b.ReadingCount[r]);
            if (_n++ == 0) (_level30, _level120, _level5, _logScale, _logDiffScale) = (b.Mean[r], b.Mean[r], b.Mean[r], Math.Log(b.StdDev[r]), Math.Log(rms));
            double scale = Math.Exp(_logScale), diffScale = Math.Exp(_logDiffScale);
            double[] phi =
            [
                (b.Mean[r] - _level30) / scale, Math.Log(b.StdDev[r] / scale + .02), (b.Mean[r] - b.Min[r]) / scale, (b.Max[r] - b.Mean[r]) / scale,
                b.ReadingCount[r], Math.Log(b.Range[r] / scale + .05), Math.Log(rms / diffScale + .02), Math.Log(b.MaxDiff[r] / diffScale + .05),
                (double)b.ZeroDiffs[r] / b.ReadingCount[r], Math.Log(b.MaxHampel[r] / diffScale + .05), (b.Mean[r] - _level120) / scale, (b.Mean[r] - _level5) / scale,
            ];
            double[] z = new double[F];
            double slow = alarm ? _spec.AlarmGain : 1;
            double[] moved = new double[F];
            for (int f = 0; f < F; f++)
            {
                double limit = 1.25 * _spread[f] + _spec.Floors[f];
                z[f] = _n == 1 ? 0 : (phi[f] - _mu[f]) / limit;
                double apart = phi[f] - _mu[f];
                if (_n > _spec.WinsoriseAfter) apart = Math.Clamp(apart, -3 * limit, 3 * limit);
                moved[f] = _mu[f] + apart;
                double gain = _n == 1 ? 1 : Gain(_spec.BaselineWindows) * slow;
                _mu[f] += gain * apart;
                if (_n > 1) _spread[f] += gain * (Math.Abs(apart) - _spread[f]);
            }

            _level30 += Gain(_spec.Level30Windows) * slow * scale * moved[0];
            _level120 += Gain(_spec.Level120Windows) * slow * scale * moved[10];
            _level5 += Gain(_spec.Level5Windows) * slow * scale * moved[11];
            Scale(ref _logScale, b.StdDev[r], slow);
            Scale(ref _logDiffScale, rms, slow);
            return z;
        }

        private void Scale(ref double logScale, double value, double slow)
        {
            double apart = Math.Log(value) - logScale;
            if (_n > _spec.WinsoriseAfter) apart = Math.Clamp(apart, -1, 1);
            logScale += (_n == 1 ? 1 : Gain(_spec.BaselineWindows) * slow) * apart;
        }

        private double Gain(int halfLife) => Math.Max(1 - Math.Pow(2, -1.0 / halfLife), 1.0 / _n);
    }
}
