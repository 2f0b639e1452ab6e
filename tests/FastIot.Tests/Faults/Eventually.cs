using System.Diagnostics;

namespace FastIot.Tests.Faults;

/// <summary>Waits for a condition of another process, looking a few times a second.</summary>
internal static class Eventually
{
    private const int LookMs = 100;

    /// <summary>Fails the test when it is not so within the time.</summary>
    /// <param name="otherwise">Says what is the matter.</param>
    public static void Until(Func<bool> condition, TimeSpan patience, Func<string> otherwise)
    {
        using var pace = new ManualResetEventSlim();
        var waited = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(waited.Elapsed < patience, waited.Elapsed < patience ? "" : $"not within {patience.TotalSeconds:0} s: {otherwise()}");
            pace.Wait(LookMs, TestContext.Current.CancellationToken);
        }
    }
}
