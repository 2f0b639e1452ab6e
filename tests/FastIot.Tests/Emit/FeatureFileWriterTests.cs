using System.Collections.Concurrent;
using FastIot.Emit;
using FastIot.Series;
using FastIot.Tests.Golden;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Emit;

public sealed class FeatureFileWriterTests
{
    private const long Minute = 60_000_000;
    private const long Day = 1_793_577_600_000_000; // 2026-11-02T00:00:00Z

    [Fact]
    public void A_store_that_fails_delays_files_and_loses_none()
    {
        using var store = new FlakyStore { Failures = 3 };
        using var writer = new FeatureFileWriter(store, Minute, "cafe", NullLogger.Instance);
        FileProgress five = new(5), six = new(6);
        Assert.True(writer.TryEnqueue(new RowsJob(five, Rows(writer, 5, Day + Minute, 10))));
        Assert.True(writer.TryEnqueue(new RowsJob(five, Rows(writer, 5, Day + 2 * Minute, 10))));
        writer.Flush(TimeSpan.FromSeconds(30));
        Assert.Equal(3, writer.Retries);
        Assert.Equal(["features/date=2026-11-02/hour=00/p00005-20261102T000100Z-20261102T000100Z-cafe.parquet", "features/date=2026-11-02/hour=00/p00005-20261102T000200Z-20261102T000200Z-cafe.parquet"], store.Puts);
        Assert.Equal(Day + 2 * Minute, five.StoredUs);
        Assert.Equal(long.MinValue, six.StoredUs);
    }

    [Fact]
    public void The_queue_is_bounded_in_bytes()
    {
        using var store = new FlakyStore { Closed = true };
        using var writer = new FeatureFileWriter(store, Minute, "cafe", NullLogger.Instance, queueBytes: 200_000);
        int taken = 0;
        var zero = new FileProgress(0);
        FeatureRows rows = Rows(writer, 0, Day + Minute, 500);
        while (writer.TryEnqueue(new RowsJob(zero, rows)))
        {
            taken++;
            Assert.True(writer.QueuedBytes <= 200_000);
            rows = Rows(writer, 0, Day + (taken + 1) * Minute, 500);
        }

        rows.Dispose();
        Assert.InRange(taken, 1, 10);
        Assert.Contains("did not take the feature files", Assert.Throws<EmitException>(() => writer.Flush(TimeSpan.FromMilliseconds(100))).Message);
        store.Closed = false;
        writer.Flush(TimeSpan.FromSeconds(30));
        Assert.Equal(taken, store.Puts.Count);
    }

    [Fact]
    public void A_file_without_rows_moves_the_bound_and_stores_nothing()
    {
        using var store = new FlakyStore();
        using var writer = new FeatureFileWriter(store, Minute, "cafe", NullLogger.Instance);
        FeatureRows rows = writer.Rent(0);
        (rows.Partition, rows.UpToUs) = (1, Day);
        var one = new FileProgress(1);
        Assert.True(writer.TryEnqueue(new RowsJob(one, rows)));
        writer.Flush(TimeSpan.FromSeconds(30));
        Assert.Equal(Day, one.StoredUs);
        Assert.Empty(store.Puts);
    }

    [Fact]
    public async Task Nulls_order_and_dictionaries_read_back()
    {
        string folder = Directory.CreateTempSubdirectory("fastiot-rows-").FullName;
        using (var store = new LocalFolderStore(folder))
        {
            await store.PrepareAsync(TestContext.Current.CancellationToken);
            using var writer = new FeatureFileWriter(store, Minute, "cafe", NullLogger.Instance);
            FeatureRows rows = Rows(writer, 0, Day + Minute, 4);
            rows.StdDev[1] = double.NaN;
            rows.AnomalyScore[2] = 1.5f;
            rows.IsAnomaly[2] = 1;
            rows.Kind[2] = 2;
            Assert.True(writer.TryEnqueue(new RowsJob(new FileProgress(0), rows)));
            writer.Flush(TimeSpan.FromSeconds(30));
            Assert.Single(await store.ListAsync("features/", TestContext.Current.CancellationToken));
        }

        using var connection = new DuckDB.NET.Data.DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using DuckDB.NET.Data.DuckDBCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT string_agg(concat_ws('|', sensor_id, metric, coalesce(stddev::VARCHAR, 'null'), coalesce(anomaly_score::VARCHAR, 'null'), is_anomaly, coalesce(kind, 'null'), coalesce(model, 'null'), window_start), ' ') FROM read_parquet('{folder}/features/*/*/*.parquet', hive_partitioning = false)";
        // Slots were taken as s3, s2, s1, s0; the file has them by name.
        Assert.Equal(
            "s0|m|1.0|null|false|null|m:1|2026-11-02 00:00:00+00 s1|m|1.0|1.5|true|stuck|m:1|2026-11-02 00:00:00+00 s2|m|null|null|false|null|m:1|2026-11-02 00:00:00+00 s3|m|1.0|null|false|null|m:1|2026-11-02 00:00:00+00",
            (string)command.ExecuteScalar()!);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData(0f, 0d, 0)]
    [InlineData(0.5e-4f, 0d, 0)]
    [InlineData(2e-4f, 0d, 1)]
    [InlineData(0f, 1e-12, 1)]
    public void What_is_rewritten_is_compared_with_what_is_there(float otherScore, double otherMean, long differences)
    {
        string folder = Directory.CreateTempSubdirectory("fastiot-rewrites-").FullName;
        using var store = new LocalFolderStore(folder);
        byte[] first = [];
        foreach (bool again in (bool[])[false, true])
        {
            using var writer = new FeatureFileWriter(store, Minute, "cafe", NullLogger.Instance);
            FeatureRows rows = Rows(writer, 0, Day + Minute, 4);
            (rows.AnomalyScore[2], rows.ReconstructionError[2], rows.Mean[1]) = (0.25f, 0.5f, 1);
            if (again)
            {
                rows.AnomalyScore[2] += otherScore;
                rows.Mean[1] += otherMean;
            }

            Assert.True(writer.TryEnqueue(new RowsJob(new FileProgress(0), rows)));
            writer.Flush(TimeSpan.FromSeconds(30));
            byte[] stored = File.ReadAllBytes(Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Single());
            if (!again) first = stored;
            Assert.Equal(first, stored);
            Assert.Equal(again ? (1, differences) : (0, 0), (writer.Rewrites, writer.Differences));
        }

        Directory.Delete(folder, recursive: true);
    }

    /// <summary>One window of this many series; those with higher numbers have the lower slots.</summary>
    private static unsafe FeatureRows Rows(FeatureFileWriter writer, int partition, long endUs, int count)
    {
        FeatureRows rows = writer.Rent(count);
        using var series = new SeriesTable(count);
        for (int i = 0; i < count; i++)
        {
            byte[] sensor = System.Text.Encoding.UTF8.GetBytes($"s{count - 1 - i}"), metric = "m"u8.ToArray();
            fixed (byte* s = sensor, m = metric)
            {
                rows.Slot[i] = series.FindOrAdd(new Reading { SensorId = s, SensorIdLength = sensor.Length, Metric = m, MetricLength = 1 });
            }

            rows.WindowEndUs[i] = endUs;
            rows.StdDev[i] = 1;
            rows.AnomalyScore[i] = rows.ReconstructionError[i] = float.NaN;
            rows.IsAnomaly[i] = 0;
            rows.Kind[i] = FeatureRows.NoKind;
            rows.Model[i] = 0;
        }

        rows.Count = count;
        rows.Partition = partition;
        rows.UpToUs = endUs;
        rows.Names = series.Names();
        rows.Models.Add("m:1");
        return rows;
    }

    private sealed class FlakyStore : IObjectStore
    {
        private readonly ConcurrentQueue<string> _puts = new();
        private int _failures;

        public int Failures { init => _failures = value; }

        public volatile bool Closed;

        public IReadOnlyCollection<string> Puts => _puts;

        public string Location => "memory";

        public Task PrepareAsync(CancellationToken cancellation) => Task.CompletedTask;

        public Task PutAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation)
        {
            if (Closed || Interlocked.Decrement(ref _failures) >= 0) throw new ObjectStoreException("the store is away");
            Assert.True(content.Span.StartsWith("PAR1"u8) && content.Span.EndsWith("PAR1"u8));
            _puts.Enqueue(name);
            return Task.CompletedTask;
        }

        public async Task<StoredObject?> PutIfAbsentAsync(string name, ReadOnlyMemory<byte> content, string sha256, CancellationToken cancellation)
        {
            await PutAsync(name, content, cancellation);
            return null;
        }

        public Task<StoredObject?> HeadAsync(string name, CancellationToken cancellation) => Task.FromResult<StoredObject?>(null);

        public Task<byte[]?> GetAsync(string name, CancellationToken cancellation) => Task.FromResult<byte[]?>(null);

        public Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellation) => Task.FromResult<IReadOnlyList<string>>([.. _puts]);

        public Task DeleteAsync(string name, CancellationToken cancellation) => Task.CompletedTask;

        public void Dispose()
        {
        }
    }
}
