using System.Text.Json;
using System.Text.Json.Nodes;
using Confluent.Kafka;
using DuckDB.NET.Data;
using FastIot.Tests.Cli;

namespace FastIot.Tests.Verification;

/// <summary>verify says that a sound run is sound, and finds each kind of damage: with nothing planted it must be silent, with one thing planted name that one.</summary>
public sealed class VerifyTests(AuditedRun run) : IClassFixture<AuditedRun>
{
    [Fact]
    public void A_sound_run_is_found_sound_in_all_outputs()
    {
        ProcessResult result = run.Verify();
        Assert.True(result.ExitCode == 0, result.ToString());
        JsonElement report = Report(result);
        Assert.True(report.GetProperty("ok").GetBoolean());
        // All of it means something only if there was something of each.
        Assert.True(Checked(report, "rows") > 4000, result.Out);
        Assert.True(Checked(report, "anomalies") > 5, result.Out);
        Assert.True(Checked(report, "dead_letters") > 100, result.Out);
        Assert.True(Checked(report, "late_readings") >= 60, result.Out);
    }

    [Fact]
    public void A_file_that_is_gone_is_so_many_missing_rows()
    {
        string files = run.CopyFiles(), victim = Victim(files);
        long rows = Scalar($"select count(*) from read_parquet('{victim}')");
        File.Delete(victim);
        Finds("rows", "missing", rows, "--out", files);
    }

    [Fact]
    public void Rows_in_two_files_are_duplicates()
    {
        string files = run.CopyFiles(), victim = Victim(files);
        string first = Time($"select min(window_end) from read_parquet('{victim}')"), second = Time($"select max(window_end) from read_parquet('{victim}') where window_end < (select max(window_end) from read_parquet('{victim}'))");
        string name = Path.GetFileName(victim);
        long rows = Scalar($"select count(*) from read_parquet('{victim}')");
        File.Copy(victim, Path.Combine(Path.GetDirectoryName(victim)!, name.Replace(name.Split('-')[2], second, StringComparison.Ordinal)));
        Assert.True(rows > 0 && first != second);
        // By its name the copy holds the windows up to the last but one.
        Finds("rows", "duplicate", Scalar($"select count(*) from read_parquet('{victim}') where strftime(window_end, '%Y%m%dT%H%M%SZ') <= '{second}'"), "--out", files);
    }

    [Theory]
    [InlineData("count", "count + 1")]
    [InlineData("mean", "mean + 1e-9 * abs(mean)")]
    [InlineData("stddev", "stddev * (1 + 1e-9)")]
    [InlineData("min", "\"min\" - 1e-9")]
    [InlineData("max", "\"max\" + 1e-9")]
    [InlineData("range", "\"range\" * 2")]
    public void One_altered_value_is_one_different_row(string column, string altered)
    {
        string files = run.CopyFiles(), victim = Victim(files);
        // The first row: file_row_number is DuckDB's own count of a file's rows.
        Rewrite(victim, $"select * exclude (file_row_number) replace (case when file_row_number = 0 then {altered} else \"{column}\" end as \"{column}\") from read_parquet('{victim}', file_row_number = true)");
        JsonElement finding = Finds("rows", "different", 1, "--out", files);
        Assert.Contains($"{column} is ", finding.GetProperty("detail").GetString());
        Assert.Contains(Path.GetFileName(victim), finding.GetProperty("detail").GetString());
    }

    [Fact]
    public void A_row_too_many_is_unexpected_and_a_lost_one_missing()
    {
        string files = run.CopyFiles(), victim = Victim(files);
        Rewrite(victim, $"select * exclude (file_row_number) replace (case when file_row_number = 1 then 'nobody' else sensor_id end as sensor_id) from read_parquet('{victim}', file_row_number = true)");
        JsonElement report = Report(run.Verify("--out", files));
        Assert.Equal((1, 1), (Count(report, "rows", "missing"), Count(report, "rows", "unexpected")));
        Assert.False(report.GetProperty("ok").GetBoolean());
    }

    [Fact]
    public void A_file_that_is_none_is_reported_with_its_name()
    {
        string files = run.CopyFiles(), victim = Victim(files);
        File.WriteAllText(victim, "not a file of rows");
        Assert.Contains(Report(run.Verify("--out", files)).GetProperty("findings").EnumerateArray(), f => f.GetProperty("where").GetString()!.Contains(Path.GetFileName(victim)) && f.GetProperty("problem").GetString() == "different");
    }

    [Fact]
    public void An_anomaly_lost_doubled_or_altered_is_found()
    {
        string lost = run.CopyTopic(run.Options.AnomalyTopic, static (i, m) => i == 3 ? [] : [m]);
        Finds("anomalies", "missing", 1, "--anomaly-topic", lost);
        string doubled = run.CopyTopic(run.Options.AnomalyTopic, static (i, m) => i == 3 ? [m, m] : [m]);
        Finds("anomalies", "duplicate", 1, "--anomaly-topic", doubled);
        foreach ((string member, Func<JsonNode?, JsonNode?> change) in new (string, Func<JsonNode?, JsonNode?>)[]
        {
            ("mean", v => v!.GetValue<double>() + 1e-9), ("count", v => v!.GetValue<long>() - 1), ("anomaly_score", v => v!.GetValue<double>() * 1.001), ("offset", v => v!.GetValue<long>() + 1), ("kind", _ => "nothing"),
        })
        {
            string altered = run.CopyTopic(run.Options.AnomalyTopic, (i, m) => [i == 3 ? AuditedRun.With(m, member, change) : m]);
            Assert.Contains($"{member} is ", Finds("anomalies", "different", 1, "--anomaly-topic", altered).GetProperty("detail").GetString());
        }
    }

    [Fact]
    public void An_invented_anomaly_is_unexpected()
    {
        string elsewhere = run.CopyTopic(run.Options.AnomalyTopic, static (i, m) => i == 3 ? [m, AuditedRun.With(m, "sensor_id", static _ => "nobody")] : [m]);
        Finds("anomalies", "unexpected", 1, "--anomaly-topic", elsewhere);
        string healthy = run.CopyTopic(run.Options.AnomalyTopic, static (i, m) => i == 3 ? [m, AuditedRun.With(m, "window_end", static _ => "2026-11-20T00:10:05Z")] : [m]);
        Finds("anomalies", "unexpected", 1, "--anomaly-topic", healthy);
        string noise = run.CopyTopic(run.Options.AnomalyTopic, static (i, m) => i == 3 ? [m, new Message<byte[], byte[]> { Key = m.Key, Value = "{}"u8.ToArray() }] : [m]);
        Finds("anomalies", "unexpected", 1, "--anomaly-topic", noise);
    }

    [Fact]
    public void Dead_letters_and_late_readings_are_counted_one_by_one()
    {
        string lost = run.CopyTopic(run.Options.DeadLetterTopic, static (i, m) => i is 3 or 4 ? [] : [m]);
        Finds("dead_letters", "missing", 2, "--dead-letter-topic", lost);
        string doubled = run.CopyTopic(run.Options.DeadLetterTopic, static (i, m) => i == 3 ? [m, m] : [m]);
        Finds("dead_letters", "duplicate", 1, "--dead-letter-topic", doubled);
        string late = run.CopyTopic(run.Options.LateTopic!, static (i, m) => i == 3 ? [m, m] : i == 5 ? [] : [m]);
        JsonElement report = Report(run.Verify("--late-topic", late));
        Assert.Equal((1, 1), (Count(report, "late_readings", "missing"), Count(report, "late_readings", "duplicate")));
    }

    [Fact]
    public void A_range_of_offsets_or_windows_checks_its_windows_only()
    {
        JsonElement first = Report(run.Verify("--to", "2026-11-20T00:10:00Z"));
        Assert.True(first.GetProperty("ok").GetBoolean());
        Assert.InRange(Checked(first, "rows"), 59 * 40, 61 * 40);
        JsonElement middle = Report(run.Verify("--from-offset", "5000", "--to-offset", "20000"));
        Assert.True(middle.GetProperty("ok").GetBoolean(), middle.ToString());
        Assert.InRange(Checked(middle, "rows"), 500, 4000);
        Assert.Contains("middle of the log", middle.GetProperty("partitions")[0].GetProperty("note").GetString());
    }

    [Fact]
    public void Another_configuration_group_or_time_is_refused()
    {
        Assert.Contains("another configuration", run.Verify("--window", "30s").Error);
        JsonElement nobody = Report(run.Verify("--group", "nobody"));
        Assert.Equal("the group has committed nothing", nobody.GetProperty("partitions")[0].GetProperty("note").GetString());
        Assert.Equal(2, run.Verify("--from", "yesterday").ExitCode);
    }

    private JsonElement Finds(string output, string problem, long count, params string[] flags)
    {
        ProcessResult result = run.Verify(flags);
        JsonElement report = Report(result);
        Assert.True(Count(report, output, problem) == count, $"{count} {problem} expected: {result}");
        Assert.Equal(count, new[] { "rows", "anomalies", "dead_letters", "late_readings" }.Sum(o => new[] { "missing", "duplicate", "different", "unexpected" }.Sum(p => Count(report, o, p))));
        Assert.Equal(1, result.ExitCode);
        return report.GetProperty("findings").EnumerateArray().First();
    }

    private static JsonElement Report(ProcessResult result)
    {
        Assert.True(result.Out.StartsWith('{'), result.ToString());
        return JsonDocument.Parse(result.Out).RootElement;
    }

    private static long Checked(JsonElement report, string output) => Count(report, output, "checked");

    private static long Count(JsonElement report, string output, string what) => report.GetProperty(output).GetProperty(what).GetInt64();

    /// <summary>A file in the middle of the run.</summary>
    private static string Victim(string files) =>
        Directory.EnumerateFiles(files, "p00001-*.parquet", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ElementAt(9);

    private static void Rewrite(string file, string query)
    {
        string to = file + ".new";
        Scalar($"copy ({query}) to '{to}' (format parquet)");
        File.Move(to, file, overwrite: true);
    }

    private static string Time(string query) => Value($"select strftime(({query}), '%Y%m%dT%H%M%SZ')").ToString()!;

    private static long Scalar(string query) => Convert.ToInt64(Value(query), System.Globalization.CultureInfo.InvariantCulture);

    private static object Value(string query)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using DuckDBCommand command = connection.CreateCommand();
        command.CommandText = query;
        return command.ExecuteScalar()!;
    }
}
