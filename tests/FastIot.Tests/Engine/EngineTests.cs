using System.Globalization;
using System.Text;
using FastIot.Emit;
using FastIot.Tests.Golden;
using FastIot.Windows;

namespace FastIot.Tests.Engine;

/// <summary>The whole engine over logs in memory, against the slow oracle.</summary>
public sealed class EngineTests
{
    private const long Second = 1_000_000;
    private const long Origin = 1_793_577_600 * Second; // 2026-11-02T00:00:00Z

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Windows_equal_the_oracle_under_disorder_lateness_gaps_and_jumps(int seed)
    {
        var random = new Random(TestSeed.Or(seed));
        var log = new MemoryLog();
        var oracles = new Dictionary<int, WindowOracle>();
        for (int partition = 0; partition < 3; partition++)
        {
            WindowOracle oracle = oracles[partition] = new WindowOracle(WindowSpec.Default);
            long now = Origin + random.Next(1000) * Second;
            for (int i = 0; i < 4000; i++)
            {
                now += random.Next(1000) == 0 ? random.NextInt64(5000 * Second) : random.NextInt64(Second / 2);
                long time = now - random.Next(20) switch { 0 => random.NextInt64(100 * Second), < 8 => random.NextInt64(2 * Second), _ => 0 };
                if (random.Next(50) == 0) time = time / (10 * Second) * (10 * Second) - random.Next(2); // on, or 1 µs before, a boundary
                string sensor = $"p{partition}-s{random.Next(7)}", metric = random.Next(3) == 0 ? "" : "temperature";
                double value = 1e6 + 1e-3 * random.NextDouble();
                log.Add(Reading(partition, sensor, metric, time, value));
                oracle.Add(sensor, metric, time, value);
            }
        }

        using var run = new EngineRun();
        await run.RunAsync(log, new PipelineOptions(), seed);
        Compare([.. oracles.Values.SelectMany(o => o.Rows())], run.Rows());
        Assert.Equal(oracles.Values.Sum(o => o.Late), run.Statistics.Late);
        Assert.Equal(oracles.Values.Sum(o => o.Used), run.Statistics.Readings);
        Assert.Equal(12_000, run.Statistics.Readings + run.Statistics.Late + run.Statistics.Rejected);
        Assert.Equal(run.Statistics.Late, run.Sink.Readings.Count(r => r.Topic == OutputTopic.LateReadings));
    }

    [Theory]
    [InlineData(30, 10, 0, 10)]
    [InlineData(10, 10, 25, 60)]
    [InlineData(60, 5, 7, 15)]
    public async Task Other_windows_slides_and_latenesses(int window, int slide, int lateness, int flush)
    {
        var spec = new WindowSpec { WindowUs = window * Second, SlideUs = slide * Second, LatenessUs = lateness * Second, FlushUs = flush * Second };
        var random = new Random(TestSeed.Or(window + slide));
        var log = new MemoryLog();
        var oracle = new WindowOracle(spec);
        long now = Origin;
        for (int i = 0; i < 5000; i++)
        {
            now += random.NextInt64(Second);
            long time = now - (random.Next(5) == 0 ? random.NextInt64(2 * (lateness + window) * Second) : 0);
            log.Add(Reading(0, $"s{i % 5}", "m", time, i));
            oracle.Add($"s{i % 5}", "m", time, i);
        }

        using var run = new EngineRun();
        await run.RunAsync(log, new PipelineOptions { Windows = spec });
        Compare([.. oracle.Rows()], run.Rows());
    }

    [Fact]
    public async Task Results_do_not_depend_on_polls_or_workers()
    {
        MemoryLog log = Ordinary(sensors: 20, seconds: 400);
        using var one = new EngineRun();
        using var two = new EngineRun();
        await one.RunAsync(log, new PipelineOptions(), seed: 1);
        log.Committed.Clear();
        await two.RunAsync(log, new PipelineOptions(), seed: 2);
        Assert.Equal(Files(one.Folder), Files(two.Folder));
    }

    [Fact]
    public async Task A_clock_ahead_of_its_record_is_rejected_and_moves_nothing()
    {
        MemoryLog log = Ordinary(sensors: 3, seconds: 200);
        using var clean = new EngineRun();
        await clean.RunAsync(log, new PipelineOptions());
        log.Committed.Clear();
        List<LogRecord> records = log.Partitions[0];
        for (int i = records.Count - 1; i >= 0; i -= 50)
        {
            LogRecord at = records[i];
            records.Insert(i, Reading(0, "s1", "temperature", (at.TimestampMs + 60_001) * 1000, 5) with { TimestampMs = at.TimestampMs });
        }

        using var run = new EngineRun();
        await run.RunAsync(log, new PipelineOptions());
        Assert.Equal(12, run.Statistics.RejectedFor(Rejection.FutureTimestamp));
        Assert.Equal(12, run.Sink.Readings.Count(r => r.Reason == "future_timestamp"));
        Compare(clean.Rows(), run.Rows());
    }

    [Fact]
    public async Task Malformed_input_of_every_kind_is_a_dead_letter_and_disturbs_nothing()
    {
        MemoryLog log = Ordinary(sensors: 5, seconds: 200);
        using var clean = new EngineRun();
        await clean.RunAsync(log, new PipelineOptions());
        log.Committed.Clear();
        List<LogRecord> records = log.Partitions[0];
        (byte[]? Key, byte[]? Value, string Reason)[] bad = [.. Malformed()];
        var random = new Random(TestSeed.Or(9));
        foreach ((byte[]? key, byte[]? value, _) in bad) records.Insert(random.Next(records.Count), new LogRecord(0, key, value));

        using var run = new EngineRun();
        await run.RunAsync(log, new PipelineOptions());
        Compare(clean.Rows(), run.Rows());
        Assert.Equal(bad.Select(b => b.Reason).Order(), run.Sink.Readings.Select(r => r.Reason).Order());
        foreach ((byte[]? key, byte[]? value, string reason) in bad)
        {
            SunkReading letter = Assert.Single(run.Sink.Readings, r => r.Reason == reason && r.Value == Encoding.Latin1.GetString(value ?? []));
            Assert.Equal(OutputTopic.DeadLetters, letter.Topic);
            Assert.Equal(Encoding.UTF8.GetString(key ?? []), letter.Key);
            Assert.Equal(value, log.Partitions[0][(int)letter.Offset].Value);
        }

        foreach (IGrouping<string, (byte[]? Key, byte[]? Value, string Reason)> reason in bad.GroupBy(b => b.Reason))
            Assert.Equal(reason.Count(), run.Statistics.RejectedFor(Enum.GetValues<Rejection>().Single(r => Rejections.Name(r) == reason.Key)));
    }

    [Fact]
    public async Task Gateway_batches_count_reading_by_reading()
    {
        var log = new MemoryLog();
        string good = Json("s", "m", Origin, 1), other = Json("s", "m", Origin + Second, 3);
        log.Add(LogRecord.Of(0, "gateway", $"[{good},{{\"sensor_id\":\"s\"}},{other}]"));
        log.Add(LogRecord.Of(0, "gateway", $"{good}\n{{\"sensor_id\":\"s\",\"timestamp\":true}}\n{other}\n"));
        using var run = new EngineRun();
        await run.RunAsync(log, new PipelineOptions());
        Assert.Equal(4, run.Statistics.Readings);
        Assert.Equal([(0L, 1), (1L, 1)], run.Sink.Readings.Select(r => (r.Offset, r.Index)));
        Assert.Equal(["{\"sensor_id\":\"s\"}", "{\"sensor_id\":\"s\",\"timestamp\":true}"], run.Sink.Readings.Select(r => r.Value));
        Assert.All(run.Rows(), r => Assert.Equal((4L, 2.0), (r.Count, r.Mean)));
    }

    [Fact]
    public async Task Series_beyond_the_cap_are_refused_and_counted()
    {
        MemoryLog log = Ordinary(sensors: 10, seconds: 100);
        using var run = new EngineRun();
        await run.RunAsync(log, new PipelineOptions { MaxSeriesPerPartition = 6 });
        Assert.Equal(6, run.Statistics.SeriesSeen);
        Assert.Equal(400, run.Statistics.RejectedFor(Rejection.TooManySeries));
        Assert.Equal(6, run.Rows().Select(r => r.Sensor).Distinct().Count());
    }

    [Fact]
    public async Task A_restart_takes_up_where_the_commit_was_and_no_file_or_row_differs()
    {
        MemoryLog log = Ordinary(sensors: 8, seconds: 1000);
        using var straight = new EngineRun();
        await straight.RunAsync(log, new PipelineOptions());
        log.Committed.Clear();

        // The same log, in pieces: each run sees a little more of it, drains (commits, closes nothing by force), and ends.
        using var pieces = new EngineRun();
        List<LogRecord> all = log.Partitions[0];
        var options = new PipelineOptions { PollMs = 1 };
        for (int length = 700; ; length += 777)
        {
            var part = new MemoryLog();
            part.Partitions.Add(0, all.GetRange(0, Math.Min(length, all.Count)));
            if (log.Committed.TryGetValue(0, out (long, string) committed)) part.Committed[0] = committed;
            if (length >= all.Count)
            {
                await pieces.RunAsync(part, options);
                break;
            }

            await pieces.DrainAsync(part, options);
            log.Committed[0] = part.Committed[0];
            Assert.InRange(part.Committed[0].Metadata.Length, 1, CommitMetadata.MaxLength);
        }

        Assert.Equal(Files(straight.Folder).Keys, Files(pieces.Folder).Keys);
        Compare(straight.Rows(), pieces.Rows());
        Assert.True(pieces.Statistics.Replayed > 0);
    }

    private static void Compare(IReadOnlyCollection<ExpectedRow> expected, List<FeatureRow> actual)
    {
        var byKey = actual.ToDictionary(r => (r.Sensor, r.Metric, r.WindowEndUs));
        foreach (ExpectedRow row in expected)
        {
            Assert.True(byKey.Remove((row.Sensor, row.Metric, row.WindowEndUs), out FeatureRow? found), $"{row} is missing");
            Assert.Equal((row.Count, row.Min, row.Max, row.Max - row.Min), (found.Count, found.Min, found.Max, found.Range));
            Assert.True(Math.Abs(row.Mean - found.Mean) <= 1e-14 * Math.Abs(row.Mean), $"{row} against {found}");
            Assert.Equal(row.Count == 1, found.StdDev is null);
            if (row.Count > 1) Assert.True(Math.Abs(row.StdDev - found.StdDev!.Value) <= 1e-12 * row.StdDev, $"{row} against {found}");
        }

        Assert.True(byKey.Count == 0, $"{byKey.Count} rows too many, such as {byKey.Values.FirstOrDefault()}");
    }

    private static void Compare(List<FeatureRow> expected, List<FeatureRow> actual) =>
        Assert.Equal(expected.OrderBy(r => r.WindowEndUs).ThenBy(r => r.Sensor, StringComparer.Ordinal).ThenBy(r => r.Metric, StringComparer.Ordinal),
            actual.OrderBy(r => r.WindowEndUs).ThenBy(r => r.Sensor, StringComparer.Ordinal).ThenBy(r => r.Metric, StringComparer.Ordinal));

    private static SortedDictionary<string, string> Files(string folder) => new(Directory.EnumerateFiles(Path.Combine(folder, "features"), "*", SearchOption.AllDirectories)
        .ToDictionary(f => Path.GetRelativePath(folder, f), f => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f)))), StringComparer.Ordinal);

    private static MemoryLog Ordinary(int sensors, int seconds)
    {
        var log = new MemoryLog();
        var random = new Random(TestSeed.Or(77));
        for (int second = 0; second < seconds; second++)
        {
            for (int sensor = 0; sensor < sensors; sensor++)
            {
                long time = Origin + second * Second + random.NextInt64(Second);
                log.Add(Reading(0, $"s{sensor}", "temperature", time, Math.Round(20 + random.NextDouble(), 2)));
            }
        }

        return log;
    }

    private static LogRecord Reading(int partition, string sensor, string metric, long timeUs, double value) =>
        LogRecord.Of(partition, sensor, Json(sensor, metric, timeUs, value), timeUs / 1000);

    private static string Json(string sensor, string metric, long timeUs, double value)
    {
        string time = DateTime.UnixEpoch.AddMicroseconds(timeUs).ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        string member = metric.Length == 0 ? "" : $"\"metric\":\"{metric}\",";
        return string.Create(CultureInfo.InvariantCulture, $"{{\"sensor_id\":\"{sensor}\",\"timestamp\":\"{time}\",{member}\"value\":{value:R},\"meta\":{{\"unit\":\"u\"}}}}");
    }

    private static IEnumerable<(byte[]? Key, byte[]? Value, string Reason)> Malformed()
    {
        byte[] key = "s1"u8.ToArray();
        (string Value, string Reason)[] texts =
        [
            ("  ", "empty"), ("[]", "empty"), ("{", "malformed_json"), ("{\"sensor_id\":\"s1\",}", "malformed_json"), ("hello", "malformed_json"),
            ("42", "not_an_object"), ("\"s1\"", "not_an_object"),
            ("{\"timestamp\":1793577600,\"value\":1}", "missing_sensor_id"), ("{\"sensor_id\":7,\"timestamp\":1793577600,\"value\":1}", "invalid_sensor_id"),
            ("{\"sensor_id\":\"\",\"timestamp\":1793577600,\"value\":1}", "invalid_sensor_id"),
            ("{\"sensor_id\":\"" + new string('x', 300) + "\",\"timestamp\":1793577600,\"value\":1}", "invalid_sensor_id"),
            ("{\"sensor_id\":\"s1\",\"metric\":5,\"timestamp\":1793577600,\"value\":1}", "invalid_metric"),
            ("{\"sensor_id\":\"s1\",\"value\":1}", "missing_timestamp"), ("{\"sensor_id\":\"s1\",\"timestamp\":\"yesterday\",\"value\":1}", "invalid_timestamp"),
            ("{\"sensor_id\":\"s1\",\"timestamp\":\"2026-02-30T00:00:00Z\",\"value\":1}", "invalid_timestamp"),
            ("{\"sensor_id\":\"s1\",\"timestamp\":-5,\"value\":1}", "invalid_timestamp"), ("{\"sensor_id\":\"s1\",\"timestamp\":9223372036854775807,\"value\":1}", "invalid_timestamp"),
            ("{\"sensor_id\":\"s1\",\"timestamp\":1793577600}", "missing_value"), ("{\"sensor_id\":\"s1\",\"timestamp\":1793577600,\"value\":\"1\"}", "invalid_value"),
            ("{\"sensor_id\":\"s1\",\"timestamp\":1793577600,\"value\":1e999}", "invalid_value"), ("{\"sensor_id\":\"s1\",\"timestamp\":1793577600,\"value\":NaN}", "malformed_json"),
            ("{\"sensor_id\":\"s1\",\"timestamp\":1793577600,\"value\":1,\"x\":" + new string('[', 100) + new string(']', 100) + "}", "too_deep"),
        ];
        foreach ((string value, string reason) in texts) yield return (key, Encoding.UTF8.GetBytes(value), reason);
        yield return (key, null, "empty");
        yield return (key, [.. "{\"sensor_id\":\"s\xff\""u8], "malformed_json");
        yield return (key, [.. "{\"sensor_id\":\"s"u8, 0xFF, .. "\",\"timestamp\":1793577600,\"value\":1}"u8], "invalid_utf8");
        yield return (null, Encoding.UTF8.GetBytes(Json("s1", "temperature", Origin, 1)), "missing_key");
        byte[] large = new byte[Limits.MaxRecordBytes + 1];
        Array.Fill(large, (byte)' ');
        yield return (key, large, "too_large");
    }
}
