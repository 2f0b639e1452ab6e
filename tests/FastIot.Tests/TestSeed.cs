namespace FastIot.Tests;

/// <summary>Seeds of random tests: FASTIOT_SEED repeats a failure; without it each test has its own fixed one.</summary>
public static class TestSeed
{
    public static int Or(int seed) => Environment.GetEnvironmentVariable("FASTIOT_SEED") is { Length: > 0 } text ? int.Parse(text) : seed;
}
