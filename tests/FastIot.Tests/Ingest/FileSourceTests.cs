using System.IO.Compression;
using System.Text;
using FastIot.Decode;
using FastIot.Ingest;

namespace FastIot.Tests.Ingest;

public sealed class FileSourceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-files-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("readings.ndjson")]
    [InlineData("readings.ndjson.gz")]
    public void Lines_are_records_with_rising_offsets(string name)
    {
        string[] lines = [.. Enumerable.Range(0, 50_000).Select(i => $"{{\"n\":{i},\"x\":\"{new string('x', i % 97)}\"}}")];
        string path = Write(name, string.Join("\n", lines.Select((l, i) => i % 3 == 0 ? l + "\r" : l)));
        List<(long Offset, string Value)> read = Read(path);
        Assert.Equal(lines, read.Select(r => r.Value));
        Assert.Equal(Enumerable.Range(0, lines.Length).Select(i => (long)i), read.Select(r => r.Offset));
    }

    [Fact]
    public void Empty_lines_are_skipped_and_a_line_beyond_the_limit_is_too_large()
    {
        string path = Write("long.ndjson", "a\n\n\n" + new string('b', Limits.MaxRecordBytes + 5_000_000) + "\nc\n");
        List<(long Offset, string Value)> read = Read(path);
        Assert.Equal(["a", "c"], read.Where(r => r.Value.Length < 5).Select(r => r.Value));
        Assert.Equal(Limits.MaxRecordBytes + 1, Assert.Single(read, r => r.Value.Length > 5).Value.Length);
    }

    [Fact]
    public void Several_files_are_one_log()
    {
        string one = Write("1.ndjson", "a\nb"), two = Write("2.ndjson", "c\n");
        Assert.Equal([(0, "a"), (1, "b"), (2, "c")], Read(one, two));
    }

    [Fact]
    public void What_cannot_be_read_is_named()
    {
        Assert.Contains("nothing.ndjson does not exist", Assert.Throws<IngestException>(() => Read(Path.Combine(_folder, "nothing.ndjson"))).Message);
        string broken = Path.Combine(_folder, "broken.ndjson.gz");
        File.WriteAllText(broken, "not gzip at all");
        Assert.Contains(broken, Assert.Throws<IngestException>(() => Read(broken)).Message);
    }

    [Fact]
    public void Csv_with_sensor_metric_and_value_columns()
    {
        string path = Write("x.csv", "device_id,metric,timestamp,value\n\"a \"\"b\"\", c\",temperature,1793491200.5,+1.50\nd,,2026-11-01 00:00:00,-2e3\ne,m,1793491200,\nf,m,1793491200,high\n");
        Assert.Equal(
            ["a \"b\", c temperature 1793491200500000 1.5", "d  1793491200000000 -2000", "InvalidValue of {\"sensor_id\":\"f\",\"timestamp\":1793491200,\"metric\":\"m\",\"value\":\"high\"}"],
            Readings(new CsvOptions(), path));
    }

    [Fact]
    public void Wide_csv_has_a_metric_for_each_column_and_no_labels()
    {
        string path = Write("pump7.csv", "datetime;Pressure;Flow;anomaly\n2026-11-01 00:00:01;0.5;NaN;0.0\n2026-11-01 00:00:02;0.25;32;1.0\n2026-11-01 00:00:03;7\n");
        Assert.Equal(
            ["pump7 Pressure 1793491201000000 0.5", "pump7 Pressure 1793491202000000 0.25", "pump7 Flow 1793491202000000 32", "MalformedJson of 2026-11-01 00:00:03;7"],
            Readings(new CsvOptions(), path));
    }

    [Fact]
    public void A_missing_column_is_an_error_that_lists_those_there_are()
    {
        string path = Write("x.csv", "a,b\n1,2\n");
        Assert.Contains("its columns are a, b", Assert.Throws<IngestException>(() => Readings(new CsvOptions(), path)).Message);
        Assert.Contains("the column \"when\"", Assert.Throws<IngestException>(() => Readings(new CsvOptions { TimestampColumn = "when" }, path)).Message);
    }

    [Fact]
    public void Recordings_of_real_sensors_are_read_without_a_flag()
    {
        string data = Path.Combine(TestEnvironment.Shared, "data");
        foreach (string file in Directory.GetFiles(data, "*.csv", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Take(12))
        {
            string[] lines = [.. File.ReadAllLines(file).Where(l => l.Length > 0)];
            int values = lines[0].Split(';', ',').Count(c => c is not ("datetime" or "timestamp" or "anomaly" or "changepoint"));
            List<string> readings = Readings(new CsvOptions(), file);
            Assert.Equal((lines.Length - 1) * values, readings.Count);
            Assert.DoesNotContain(readings, r => r.Contains(" of "));
        }
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        using Stream stream = name.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(File.Create(path), CompressionLevel.Fastest) : File.Create(path);
        stream.Write(Encoding.UTF8.GetBytes(text));
        return path;
    }

    private static List<(long Offset, string Value)> Read(params string[] files)
    {
        var all = new List<(long, string)>();
        Each(new FileSourceOptions { Files = files }, (in Record r) => all.Add((r.Offset, Encoding.UTF8.GetString(r.ValueSpan))));
        return all;
    }

    private static unsafe List<string> Readings(CsvOptions csv, params string[] files)
    {
        using var decoder = new ReadingDecoder(new DecodeOptions());
        var all = new List<string>();
        Each(new FileSourceOptions { Files = files, Csv = csv }, (in Record r) => all.AddRange(Decode.Decoded.All(decoder, r.Value, r.ValueLength).Select(d => d.ToString())));
        return all;
    }

    private delegate void Take(in Record record);

    private static void Each(FileSourceOptions options, Take take)
    {
        using var source = new FileSource(options);
        var listener = new Listener();
        source.Start(listener);
        var records = new Record[100];
        while (!source.Completed)
        {
            int count = source.Poll(records, 10);
            for (int i = 0; i < count; i++) take(in records[i]);
        }

        Assert.Equal(1, listener.Assigned);
    }

    private sealed class Listener : IAssignmentListener
    {
        public int Assigned { get; private set; }

        public void OnAssigned(Span<PartitionAssignment> partitions) => Assigned += partitions.Length;

        public void OnRevoked(ReadOnlySpan<int> partitions, bool lost)
        {
        }
    }
}
