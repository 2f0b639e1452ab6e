namespace FastIot.Tests.Cli;

[Collection(nameof(NativeBinary))]
public sealed class NativeBinaryTests
{
    [Fact]
    public async Task Version_says_that_it_is_native()
    {
        ProcessResult result = await NativeBinary.RunAsync("version");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains(" native, ", result.Out);
    }

    [Theory]
    [MemberData(nameof(CommandLineTests.Commands), MemberType = typeof(CommandLineTests))]
    public async Task Every_command_shows_its_help(string words)
    {
        ProcessResult result = await NativeBinary.RunAsync([.. words.Split(' '), "--help"]);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(CommandLineRun.Run([.. words.Split(' '), "--help"]).Out, result.Out);
    }

    [Fact]
    public async Task Config_prints_the_same_as_the_jit_build()
    {
        ProcessResult result = await NativeBinary.RunAsync([("FASTIOT_WINDOWS_SLIDE", "5s")], ["config", "--json", "--kafka-property", "linger.ms=5"]);
        Assert.Equal(CommandLineRun.Run([("FASTIOT_WINDOWS_SLIDE", "5s")], ["config", "--json", "--kafka-property", "linger.ms=5"]).Out, result.Out);
    }

    [Fact]
    public async Task Mistakes_end_with_2() => Assert.Equal(2, (await NativeBinary.RunAsync("config", "--slide", "5")).ExitCode);

    [Fact]
    public void Beside_it_are_only_libraries_of_this_platform_and_the_models()
    {
        string folder = Path.GetDirectoryName(NativeBinary.Path)!;
        Assert.Equal(
            ["ParquetSharpNative.so", "fastiot", "libonnxruntime.so", "libonnxruntime_providers_shared.so", "librdkafka.so"],
            Directory.GetFiles(folder).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));
    }
}
