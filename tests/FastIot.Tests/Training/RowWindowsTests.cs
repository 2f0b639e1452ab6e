using FastIot.Training;

namespace FastIot.Tests.Training;

public sealed class RowWindowsTests
{
    [Fact]
    public void Windows_of_rows_hold_the_six_statistics_in_scales_of_the_training_rows()
    {
        var random = new Random(1);
        double[] values = [.. Enumerable.Range(0, 200).Select(i => random.NextDouble() + (i >= 150 ? 5 : 0))];
        var windows = new RowWindows(values, 100);
        Assert.Equal((200 - 12) / 2 + 1, windows.Count);
        Assert.Equal((100 - 12) / 2 + 1, windows.TrainingWindows);
        Assert.Equal(14, RowWindows.EndRow(1));
        double[] means = [.. Enumerable.Range(0, windows.TrainingWindows).Select(w => values.Skip(2 * w).Take(12).Average())];
        double mean = means.Average(), scale = Math.Sqrt(means.Average(m => (m - mean) * (m - mean))) + 1e-3 * Math.Abs(mean) + 1e-9;
        for (int w = 0; w < windows.Count; w++) Assert.Equal((values.Skip(2 * w).Take(12).Average() - mean) / scale, windows.Z(w)[0], 1e-4);
        Assert.Equal(0, windows.Z(7)[4]);
        Assert.Equal([.. Enumerable.Range(9, 12).SelectMany(w => windows.Z(w).ToArray())], windows.Sequence(20));
        Assert.Equal([.. windows.Z(0), .. windows.Z(0)], windows.Sequence(0)[..12]);
    }
}
