using System.Globalization;
using System.Text;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>One record of a simulated log: a reading, or something that is none.</summary>
internal readonly record struct SimRecord(long TimeUs, int Series, double Value, int At, int Length)
{
    public bool IsReading => Series >= 0;
}

/// <summary>
/// One partition's log, drawn at random: disorder, lateness to every degree, jumps and silences in event time, unusable records. Grows as
/// the simulation lets it.
/// </summary>
internal sealed unsafe class SimLog : IDisposable
{
    private const long Second = 1_000_000;
    private const long Origin = 1_793_577_600 * Second;

    private readonly List<SimRecord> _records = [];
    private readonly NativeArray<byte> _bytes;

    public SimLog(Random random, int most)
    {
        var text = new StringBuilder();
        long now = Origin + random.Next(100) * Second;
        int count = random.Next(20, most), series = random.Next(1, 6);
        for (int i = 0; i < count; i++)
        {
            now += random.NextDouble() < .97 ? Steps[random.Next(Steps.Length)] * Second / 10 : random.Next(70, 300) * Second;
            double kind = random.NextDouble();
            long time = kind < .15 ? now - random.NextInt64(3 * Second, 90 * Second) : kind < .5 ? now - random.NextInt64(1_900_000) : now;
            if (random.Next(20) == 0) time = time / (10 * Second) * (10 * Second) - random.Next(2);
            Add(text, time, random.NextDouble() < .05 ? -1 : random.Next(series), Math.Round(random.NextDouble() * 100, 3));
        }

        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        _bytes = new NativeArray<byte>(bytes.Length);
        bytes.CopyTo(_bytes.Span);
    }

    private static int[] Steps => [1, 5, 10, 30, 30, 80, 300];

    /// <summary>All records, those not yet visible included.</summary>
    public IReadOnlyList<SimRecord> All => _records;

    /// <summary>Offset behind the last record that is there by now.</summary>
    public int End { get; private set; }

    public bool IsComplete => End == _records.Count;

    public void Append(int count) => End = Math.Min(_records.Count, End + count);

    public Record this[long offset, int partition]
    {
        get
        {
            SimRecord record = _records[(int)offset];
            byte* value = _bytes.Pointer + record.At;
            return new Record { Key = value, KeyLength = 2, Value = value, ValueLength = record.Length, Offset = offset, TimestampMs = -1, Partition = partition };
        }
    }

    public static string Sensor(int series) => string.Create(CultureInfo.InvariantCulture, $"s{series}");

    public void Dispose() => _bytes.Dispose();

    private void Add(StringBuilder text, long timeUs, int series, double value)
    {
        int at = text.Length;
        if (series < 0) text.Append("{\"sensor_id\":");
        else text.Append(CultureInfo.InvariantCulture, $"{{\"sensor_id\":\"{Sensor(series)}\",\"timestamp\":{timeUs},\"metric\":\"{(series % 2 == 0 ? "temperature" : "m")}\",\"value\":{value:R}}}");
        _records.Add(new SimRecord(timeUs, series, value, at, text.Length - at));
    }
}
