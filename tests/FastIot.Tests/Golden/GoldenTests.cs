using FastIot.Tests.Cli;

namespace FastIot.Tests.Golden;

/// <summary>The windows of a real Spark job over the same readings, through the command <c>replay</c>: JIT build and native binary.</summary>
[Collection(nameof(NativeBinary))]
public sealed class GoldenTests
{
    [Theory]
    [InlineData("hard")]
    [InlineData("skab")]
    public void Jit_build_agrees_with_Spark(string set)
    {
        string golden = Path.Combine(TestEnvironment.Shared, "golden"), folder = Directory.CreateTempSubdirectory("fastiot-golden-").FullName;
        ProcessResult result = CommandLineRun.Run("replay", Path.Combine(golden, $"{set}.ndjson.gz"), "--out", folder, "--json", "--log-level", "warning");
        Assert.True(result.ExitCode == 0, result.ToString());
        GoldenWindows.Verify(Path.Combine(golden, $"{set}.features.csv.gz"), folder);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("hard")]
    [InlineData("skab")]
    public async Task Native_binary_agrees_with_Spark(string set)
    {
        string golden = Path.Combine(TestEnvironment.Shared, "golden"), folder = Directory.CreateTempSubdirectory("fastiot-golden-").FullName;
        ProcessResult result = await NativeBinary.RunAsync("replay", Path.Combine(golden, $"{set}.ndjson.gz"), "--out", folder, "--json", "--log-level", "warning");
        Assert.True(result.ExitCode == 0, result.ToString());
        GoldenWindows.Verify(Path.Combine(golden, $"{set}.features.csv.gz"), folder);
        Directory.Delete(folder, recursive: true);
    }
}
