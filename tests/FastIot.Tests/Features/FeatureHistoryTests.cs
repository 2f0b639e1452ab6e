using FastIot.Features;

namespace FastIot.Tests.Features;

public sealed unsafe class FeatureHistoryTests
{
    [Fact]
    public void Recent_lags_are_exact_and_old_ones_the_nearest_kept_before()
    {
        int[] lags = FeatureSpec.Default.Lags;
        using var history = new FeatureHistory(3, lags);
        float* row = stackalloc float[FeatureNames.Count];
        float[] input = new float[lags.Length * FeatureNames.Count];
        for (int window = 0; window < 500; window++)
        {
            for (int f = 0; f < FeatureNames.Count; f++) row[f] = window * 100 + f + 1;
            history.Append(1, window, row);
            fixed (float* destination = input) history.Gather(1, window + 1, destination);
            for (int i = 0; i < lags.Length; i++)
            {
                int wanted = window - lags[i];
                int kept = lags[i] < FeatureHistory.RecentRows ? wanted : wanted / 6 * 6;
                for (int f = 0; f < FeatureNames.Count; f++)
                    Assert.Equal(wanted < 0 ? 0 : kept * 100 + f + 1, input[i * FeatureNames.Count + f]);
            }
        }
    }

    [Fact]
    public void A_lag_beyond_what_is_kept_is_refused() =>
        Assert.Throws<ArgumentException>(() => new FeatureHistory(1, [FeatureHistory.MaxLag + 1]));
}
