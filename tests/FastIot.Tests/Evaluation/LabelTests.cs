using System.Text;
using FastIot.Decode;
using FastIot.Evaluation;
using FastIot.Ingest;
using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Tests.Evaluation;

public sealed class LabelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fastiot-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("""{"value":1}""", ReadingLabel.None)]
    [InlineData("""{"value":1,"meta":{"is_anomaly":false,"anomaly_type":null}}""", ReadingLabel.Normal)]
    [InlineData("""{"meta":{"anomaly_type":"noise","is_anomaly":true},"value":1}""", (sbyte)AnomalyKind.Noise)]
    [InlineData("""{"meta":{"is_anomaly":true,"anomaly_type":"melted"},"value":1}""", (sbyte)AnomalyKind.Unknown)]
    [InlineData("""{"is_anomaly":true,"value":1}""", (sbyte)AnomalyKind.Unknown)]
    [InlineData("""{"note":"\"is_anomaly\"","value":1}""", ReadingLabel.None)]
    [InlineData("""{"meta":{"is_anomaly":"yes"},"value":1}""", ReadingLabel.None)]
    [InlineData("""{"meta":{"is_anomaly":tr""", ReadingLabel.None)]
    public void A_reading_s_label_is_found_wherever_it_stands(string reading, sbyte expected) => Assert.Equal(expected, ReadingLabel.Of(Encoding.UTF8.GetBytes(reading)));

    [Fact]
    public void The_truth_file_of_the_simulator_comes_back_as_its_events()
    {
        AnomalyEvent[] events =
        [
            new(5, SensorType.Temperature, AnomalyKind.Drift, AnomalyTier.Hard, 1_793_491_300_123_456, 1_793_491_900_000_000, 2.5),
            new(5, SensorType.Temperature, AnomalyKind.Spike, AnomalyTier.Easy, 1_793_499_300_000_000, 1_793_499_301_000_000, -14),
            new(6, SensorType.Humidity, AnomalyKind.Noise, AnomalyTier.Medium, 1_793_491_300_000_000, 1_793_491_400_000_000, 3),
        ];
        string path = Path.Combine(_folder, "truth.ndjson");
        using (var file = new TruthFile(File.Create(path)))
        {
            foreach (AnomalyEvent e in events) file.Write(e);
        }

        EventLog log = TruthReader.Read(path);
        Assert.Equal(3, log.Count);
        Assert.Equal(events.Take(2).Select(e => new TruthEvent(e.Kind, e.Tier, e.StartUs, e.EndUs)), log.Of("sensor_000005 temperature"));
        Assert.Equal(new TruthEvent(AnomalyKind.Noise, AnomalyTier.Medium, events[2].StartUs, events[2].EndUs), Assert.Single(log.Of("sensor_000006 humidity")));
    }

    [Theory]
    [InlineData("nonsense", "line 2")]
    [InlineData("""{"sensor_id":"a","start":"2026-11-01T00:00:00Z"}""", "line 2")]
    [InlineData("""{"sensor_id":"a","start":"2026-11-01T00:00:00Z","end":"2026-11-01T00:00:00Z"}""", "not behind its start")]
    [InlineData("""{"sensor_id":"a","start":"soon","end":"2026-11-01T00:00:00Z"}""", "\"soon\" is no time")]
    [InlineData("""{"sensor_id":"a","tier":"mild","start":"2026-11-01T00:00:00Z","end":"2026-11-01T00:01:00Z"}""", "\"mild\" is no tier")]
    public void A_line_that_is_no_event_is_named(string line, string expected)
    {
        string path = Path.Combine(_folder, "truth.ndjson");
        File.WriteAllText(path, """{"sensor_id":"a","start":"2026-11-01T00:00:00Z","end":"2026-11-01T00:01:00Z"}""" + "\n" + line + "\n");
        Assert.Contains(expected, Assert.Throws<IngestException>(() => TruthReader.Read(path)).Message);
    }

    [Fact]
    public void Runs_of_labelled_readings_become_events_and_a_csv_label_column_is_a_label()
    {
        string path = Path.Combine(_folder, "pump.csv");
        string[] labels = ["0", "0.0", "1", "1", "1.0", "0", "", "drift", "drift", "False", "stuck"];
        File.WriteAllLines(path, ["time;flow;state", .. labels.Select((l, i) => $"2026-11-01 00:00:{i:00};{i};{l}")]);
        var files = new FileSourceOptions { Files = [path], Csv = new CsvOptions { LabelColumn = "state" } };
        var events = new EventLog();
        using var tap = new LabelTap(new FileSource(files), files.Decode, events);
        tap.Start(new Listener());
        var records = new Record[64];
        int read = 0;
        while (!tap.Completed) read += tap.Poll(records, 10);
        Assert.Equal(labels.Length, read);
        Assert.Equal(labels.Length, tap.Labelled);
        long start = 1_793_491_200_000_000;
        Assert.Equal(
            [
                new TruthEvent(AnomalyKind.Unknown, null, start + 2_000_000, start + 5_000_000),
                new TruthEvent(AnomalyKind.Drift, null, start + 7_000_000, start + 9_000_000),
                new TruthEvent(AnomalyKind.Stuck, null, start + 10_000_000, start + 10_000_001),
            ],
            events.Of("pump flow"));
    }

    private sealed class Listener : IAssignmentListener
    {
        public void OnAssigned(Span<PartitionAssignment> partitions)
        {
        }

        public void OnRevoked(ReadOnlySpan<int> partitions, bool lost)
        {
        }
    }
}
