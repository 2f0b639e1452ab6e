using System.Text;
using System.Text.Json;
using FastIot.Observe;
using FastIot.Scoring;
using FastIot.Simulation;

namespace FastIot.Tests.Simulation;

public sealed class SimulatorTests
{
    private static readonly FleetOptions s_fleet = new() { Sensors = 50, AnomalyFreeUs = 0, AnomalySpacingUs = 60_000_000, AnomalyRate = 0.1 };

    [Fact]
    public void Records_are_the_readings_bit_for_bit()
    {
        var target = new ListTarget();
        var expected = new List<SimulatedReading>();
        using (var fleet = new Fleet(s_fleet))
        {
            var readings = new SimulatedReading[977];
            for (int count; (count = fleet.Fill(readings, s_fleet.StartUs + 1_200_000_000)) > 0;) expected.AddRange(readings[..count]);
        }

        using var simulator = new Simulator(s_fleet, new DisorderOptions(), target);
        simulator.Run(s_fleet.StartUs + 1_200_000_000, null, null, CancellationToken.None);
        Assert.Equal(expected.Count, target.Records.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            SimulatedReading reading = expected[i];
            JsonElement json = JsonDocument.Parse(target.Records[i].Value).RootElement;
            Assert.Equal(Fleet.SensorId(reading.Sensor), json.GetProperty("sensor_id").GetString());
            Assert.Equal(Fleet.SensorId(reading.Sensor), target.Records[i].Key);
            Assert.Equal(BitConverter.DoubleToInt64Bits(reading.Value), BitConverter.DoubleToInt64Bits(json.GetProperty("value").GetDouble()));
            Assert.Equal(DateTime.UnixEpoch.AddMicroseconds(reading.TimeUs), json.GetProperty("timestamp").GetDateTime());
            Assert.Equal(Fleet.Metric(reading.Sensor), json.GetProperty("metric").GetString());
            Assert.Equal(reading.IsAnomaly, json.GetProperty("meta").GetProperty("is_anomaly").GetBoolean());
            Assert.Equal(reading.IsAnomaly ? AnomalyKinds.Name((AnomalyKind)reading.Label) : null, json.GetProperty("meta").GetProperty("anomaly_type").GetString());
            Assert.Equal(reading.TimeUs / 1000, target.Records[i].TimestampMs);
        }
    }

    [Fact]
    public void Disorder_is_as_much_as_was_asked_for_and_the_same_each_time()
    {
        var disorder = new DisorderOptions { LateShare = .02, DuplicateShare = .03, SkewedShare = .1, FutureShare = .001, MalformedShare = .01 };
        ListTarget Run(out Disorder made)
        {
            var target = new ListTarget();
            using var simulator = new Simulator(s_fleet, disorder, target);
            simulator.Run(s_fleet.StartUs + 1_000_000_000, null, null, CancellationToken.None);
            made = simulator.Disorder!;
            return target;
        }

        ListTarget one = Run(out Disorder d), two = Run(out _);
        Assert.Equal(one.Records.Select(r => Convert.ToHexString(r.Value)), two.Records.Select(r => Convert.ToHexString(r.Value)));
        double n = one.Records.Count - d.Duplicates;
        Assert.InRange(d.Late / n, .015, .025);
        Assert.InRange(d.Duplicates / n, .025, .035);
        Assert.InRange(d.Malformed / n, .008, .012);
        Assert.InRange(d.Future / n, .0005, .0015);
        int broken = one.Records.Count(r => !Usable(r.Value));
        // A malformed reading may also be sent twice.
        Assert.InRange(broken, d.Malformed, (long)(d.Malformed * 1.1));
    }

    [Fact]
    public void A_target_that_is_full_is_waited_for()
    {
        var target = new ListTarget { RefuseEvery = 3 };
        using var simulator = new Simulator(s_fleet, new DisorderOptions(), target);
        simulator.Run(s_fleet.StartUs + 10_000_000, null, null, CancellationToken.None);
        Assert.Equal(simulator.Produced, target.Records.Count);
        Assert.True(target.Waits > 100);
    }

    [Fact]
    public void Alarms_are_matched_with_events()
    {
        const long second = 1_000_000;
        var truth = new TruthMatch(60 * second);
        truth.Add(new AnomalyEvent(1, SensorType.Humidity, AnomalyKind.Spike, AnomalyTier.Easy, 1000 * second, 1003 * second, 9));
        truth.Add(new AnomalyEvent(2, SensorType.Humidity, AnomalyKind.Drift, AnomalyTier.Easy, 1000 * second, 1300 * second, 9));
        truth.AddAlarm(1, 1000 * second); // ends as the event begins: does not touch it
        truth.AddAlarm(1, 1010 * second);
        truth.AddAlarm(2, 1370 * second); // begins behind the event, within two minutes: neither
        truth.AddAlarm(3, 1000 * second);
        truth.AddAlarm(3, 1060 * second); // the same run
        truth.AddAlarm(3, 1121 * second); // another one
        Assert.Equal(3, truth.FalseAlarms);
        (long Events, long Found)[] kinds = truth.ByKind(2000 * second);
        Assert.Equal((1, 1), kinds[(int)AnomalyKind.Spike]);
        Assert.Equal((1, 0), kinds[(int)AnomalyKind.Drift]);
        Assert.Equal((0, 0), truth.ByKind(1000 * second)[(int)AnomalyKind.Drift]);
    }

    [Fact]
    public void Latency_quantiles_are_within_a_hundredth()
    {
        var histogram = new LatencyHistogram();
        var random = new Random(3);
        double[] ms = [.. Enumerable.Range(0, 20_000).Select(_ => Math.Exp(random.NextDouble() * 12) / 100)];
        foreach (double m in ms) histogram.Record((long)(m / 1e3 * System.Diagnostics.Stopwatch.Frequency));
        Array.Sort(ms);
        foreach (double share in new[] { .01, .5, .95, .99, 1 })
        {
            double exact = ms[(int)Math.Ceiling(share * ms.Length) - 1];
            Assert.InRange(histogram.QuantileMs(share), exact * .99 - .002, exact * 1.01 + .002);
        }
    }

    private static bool Usable(byte[] value)
    {
        try
        {
            return System.Text.Unicode.Utf8.IsValid(value) && JsonDocument.Parse(value).RootElement.TryGetProperty("value", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private sealed class ListTarget : IReadingTarget
    {
        private int _calls;

        public List<(string Key, byte[] Value, long TimestampMs)> Records { get; } = [];

        public int RefuseEvery { get; init; } = int.MaxValue;

        public int Waits { get; private set; }

        public bool TryWrite(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long timestampMs)
        {
            if (++_calls % RefuseEvery == 0) return false;
            Records.Add((Encoding.UTF8.GetString(key), value.ToArray(), timestampMs));
            return true;
        }

        public void Poll()
        {
        }

        public void Wait() => Waits++;

        public void Flush(TimeSpan timeout)
        {
        }

        public void Dispose()
        {
        }
    }
}
