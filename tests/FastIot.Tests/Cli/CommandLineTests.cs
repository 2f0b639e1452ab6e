using System.CommandLine;
using System.Text.Json;
using FastIot.Cli;

namespace FastIot.Tests.Cli;

public sealed class CommandLineTests
{
    /// <summary>Every command with its words: "topics create".</summary>
    public static TheoryData<string> Commands
    {
        get
        {
            var data = new TheoryData<string>();
            RootCommand root = FastIot.Cli.CommandLine.Create(new Terminal(TextWriter.Null, TextWriter.Null, false, new Dictionary<string, string>()));
            foreach (string words in Leaves(root, "")) data.Add(words);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Help_shows_usage_flags_and_exit_codes(string words)
    {
        ProcessResult result = CommandLineRun.Run([.. words.Split(' '), "--help"]);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains($"fastiot {words}", result.Out);
        Assert.Contains("Exit codes:", result.Out);
        Assert.True(words == "version" || result.Out.Contains("Examples:"), $"no examples for {words}");
    }

    [Fact]
    public void Examples_name_only_flags_that_their_command_has()
    {
        RootCommand root = FastIot.Cli.CommandLine.Create(new Terminal(TextWriter.Null, TextWriter.Null, false, new Dictionary<string, string>()));
        foreach (Command command in Everything(root))
        {
            foreach (string line in (Examples.Of(command) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                string[] call = line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[0].Split(" > ")[0].Split(' ');
                ParseResult parsed = root.Parse(call[1..].Select(t => t.Trim('\'')).ToArray());
                Assert.True(parsed.Errors.Count == 0, $"{line}: {string.Join(" ", parsed.Errors)}");
            }
        }
    }

    [Theory]
    [InlineData("confg")]
    [InlineData("config", "--slid", "5s")]
    [InlineData("config", "--slide", "5")]
    [InlineData("config", "--slide", "5s", "--slide", "6s")]
    [InlineData("config", "--config", "/nowhere/fastiot.json")]
    [InlineData("")]
    public void What_cannot_be_used_ends_with_2_and_a_message(params string[] arguments)
    {
        ProcessResult result = CommandLineRun.Run(arguments.Where(a => a.Length > 0).ToArray());
        Assert.Equal(2, result.ExitCode);
        Assert.NotEqual("", result.Error);
    }

    [Fact]
    public void A_misspelt_flag_is_answered_with_the_right_one()
    {
        ProcessResult result = CommandLineRun.Run("config", "--latenes", "5s");
        Assert.Contains("--lateness", result.Out + result.Error);
    }

    [Fact]
    public void Config_prints_values_with_sources()
    {
        ProcessResult result = CommandLineRun.Run([("SLIDE_DURATION", "20 seconds")], ["config", "--window", "40s"]);
        Assert.Matches(@"(?m)^windows\.length +=\ 40s +# flag --window$", result.Out);
        Assert.Matches(@"(?m)^windows\.slide +=\ 20 seconds +# environment SLIDE_DURATION$", result.Out);
    }

    [Fact]
    public void Config_prints_json()
    {
        ProcessResult result = CommandLineRun.Run([("MINIO_SECRET_KEY", "hidden"), ("ANOMALY_THRESHOLD", "95")], ["config", "--json"]);
        JsonElement root = JsonDocument.Parse(result.Out).RootElement;
        JsonElement secret = root.GetProperty("settings").EnumerateArray().Single(s => s.GetProperty("key").GetString() == "store.minio.secret-key");
        Assert.Equal("********", secret.GetProperty("value").GetString());
        Assert.True(secret.GetProperty("secret").GetBoolean());
        Assert.Contains("--alarm-budget", root.GetProperty("warnings")[0].GetString());
        Assert.DoesNotContain("hidden", result.Out);
    }

    [Fact]
    public void Version_names_version_and_vectors()
    {
        ProcessResult result = CommandLineRun.Run("version");
        Assert.Equal(0, result.ExitCode);
        Assert.Matches(@"^fastiot \d+\.\d+\.\d+.*vectors (512|256|128|scalar)\)", result.Out);
    }

    [Fact]
    public void Version_prints_json()
    {
        JsonElement root = JsonDocument.Parse(CommandLineRun.Run("version", "--json").Out).RootElement;
        Assert.Matches(@"^\d+\.\d+\.\d+", root.GetProperty("version").GetString());
        Assert.Contains(root.GetProperty("vectors").GetString(), new[] { "512", "256", "128", "scalar" });
    }

    [Fact]
    public void Simulate_prints_json()
    {
        string file = Path.Combine(Directory.CreateTempSubdirectory("fastiot-").FullName, "readings.ndjson");
        ProcessResult result = CommandLineRun.Run("simulate", "--to", file, "--sensors", "3", "--duration", "10s", "--malformed-share", "0.1", "--json");
        JsonElement root = JsonDocument.Parse(result.Out).RootElement;
        Assert.Equal(File.ReadLines(file).Count(), root.GetProperty("readings").GetInt64());
        Assert.Equal(new FileInfo(file).Length, root.GetProperty("bytes").GetInt64() + root.GetProperty("readings").GetInt64());
        Assert.True(root.GetProperty("malformed").GetInt64() > 0);
    }

    [Fact]
    public void Help_shows_each_default_once_and_in_the_readers_units()
    {
        RootCommand root = FastIot.Cli.CommandLine.Create(new Terminal(TextWriter.Null, TextWriter.Null, false, new Dictionary<string, string>()));
        foreach (string words in Leaves(root, "")) Assert.DoesNotContain("[default:", CommandLineRun.Run([.. words.Split(' '), "--help"]).Out);
    }

    private static IEnumerable<Command> Everything(Command command) => command.Subcommands.SelectMany(Everything).Prepend(command);

    private static IEnumerable<string> Leaves(Command command, string words) => command.Subcommands.Count == 0
        ? [words]
        : command.Subcommands.SelectMany(c => Leaves(c, words.Length == 0 ? c.Name : words + " " + c.Name));
}
