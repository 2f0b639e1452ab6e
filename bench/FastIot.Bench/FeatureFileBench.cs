using System.Text;
using BenchmarkDotNet.Attributes;
using FastIot.Emit;
using FastIot.Series;

namespace FastIot.Bench;

/// <summary>Rows of closed windows to the bytes of one Parquet file, sorted and compressed; time per row.</summary>
[MemoryDiagnoser]
public class FeatureFileBench
{
    private const int Series = 1_000;
    private const int Windows = 6;

    private readonly FeatureRows _rows = new(Series * Windows);
    private readonly SeriesTable _series = new(Series);
    private readonly FeatureFileEncoder _encoder = new(60_000_000);

    [GlobalSetup]
    public unsafe void Setup()
    {
        byte[] metric = "temperature"u8.ToArray();
        var random = new Random(1);
        for (int i = 0; i < Series; i++)
        {
            byte[] id = Encoding.ASCII.GetBytes($"sensor_{i:D6}");
            fixed (byte* sensor = id, name = metric)
            {
                var reading = new Reading { SensorId = sensor, SensorIdLength = id.Length, Metric = name, MetricLength = metric.Length };
                _series.FindOrAdd(in reading);
            }
        }

        _rows.Names = _series.Names();
        _rows.Models.Add("anomaly_detector:1");
        _rows.Count = Series * Windows;
        for (int row = 0; row < _rows.Count; row++)
        {
            _rows.Slot[row] = row % Series;
            _rows.WindowEndUs[row] = (row / Series + 1) * 10_000_000L;
            _rows.Mean[row] = 20 + random.NextDouble();
            _rows.StdDev[row] = random.NextDouble();
            _rows.Min[row] = 19 + random.NextDouble();
            _rows.Max[row] = 21 + random.NextDouble();
            _rows.Range[row] = _rows.Max[row] - _rows.Min[row];
            _rows.ReadingCount[row] = 60;
            _rows.AnomalyScore[row] = random.NextSingle();
            _rows.ReconstructionError[row] = random.NextSingle();
            _rows.Kind[row] = FeatureRows.NoKind;
        }
    }

    [Benchmark(OperationsPerInvoke = Series * Windows)]
    public int Encode() => _encoder.Encode(_rows).Length;

    [GlobalCleanup]
    public void Cleanup()
    {
        _encoder.Dispose();
        _rows.Dispose();
        _series.Dispose();
    }
}
