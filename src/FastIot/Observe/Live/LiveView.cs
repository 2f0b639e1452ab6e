using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FastIot.Observe.Live;

/// <summary>
/// What the live page shows, at a bounded cost whatever the fleet: <see cref="Cells"/> cells, each the worst of its series; the newest
/// episodes; at most <see cref="MaxWatched"/> series in detail. One frame is made per second for all viewers together, none without one.
/// </summary>
public sealed class LiveView
{
    /// <summary>Cells of the fleet's picture. A fleet of no more series has one cell each.</summary>
    public const int Cells = 1024;

    public const int MaxWatched = 8;

    /// <summary>Episodes in one frame.</summary>
    private const int ShownEpisodes = 40;

    /// <summary>Series named in one frame.</summary>
    private const int ShownSeries = 20;

    private static readonly TimeSpan s_frame = TimeSpan.FromSeconds(1);
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.Default };

    private readonly Lock _lock = new();
    private readonly ArrayBufferWriter<byte> _buffer = new(64 << 10);
    private readonly TimeProvider _time;
    private readonly long _windowUs;
    private volatile LiveWorker[] _workers = [];
    private volatile LiveSeries[] _watched = [];
    private byte[] _frame = [];
    private long _frameTicks;
    private int _viewers;

    /// <param name="windowUs">Length of a window: an episode is over that long behind its last alarm.</param>
    public LiveView(long windowUs, TimeProvider? time = null) => (_windowUs, _time) = (windowUs, time ?? TimeProvider.System);

    /// <summary>Whether anybody looks.</summary>
    public bool IsWatched => Volatile.Read(ref _viewers) > 0;

    internal LiveSeries[] Watched => _watched;

    internal LiveWorker AddWorker()
    {
        var worker = new LiveWorker(this);
        _workers = [.. _workers, worker];
        return worker;
    }

    /// <summary>Somebody begins to look; dispose when they stop.</summary>
    public Viewer Look() => new(this);

    /// <summary>The newest frame, JSON in UTF-8; made anew once a second at most.</summary>
    /// <param name="figures">Writes the members that come from elsewhere: totals, partitions.</param>
    public byte[] Frame(Action<Utf8JsonWriter> figures)
    {
        lock (_lock)
        {
            if (_frame.Length > 0 && _time.GetElapsedTime(_frameTicks) < s_frame * .9) return _frame;
            _frameTicks = _time.GetTimestamp();
            _buffer.ResetWrittenCount();
            using (var json = new Utf8JsonWriter(_buffer, s_options)) Write(json, figures);
            return _frame = _buffer.WrittenSpan.ToArray();
        }
    }

    /// <summary>One series in detail. The first call begins to collect; who asks for a ninth series makes the oldest one be forgotten.</summary>
    /// <returns>JSON in UTF-8.</returns>
    public byte[] Series(string sensor, string metric)
    {
        LiveSeries? series;
        lock (_lock)
        {
            series = Array.Find(_watched, w => w.Sensor == sensor && w.Metric == metric);
            if (series == null)
            {
                series = new LiveSeries(sensor, metric);
                _watched = [.. _watched.TakeLast(MaxWatched - 1), series];
            }
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, s_options)) series.Write(json);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The series behind one cell of the picture: the worst of each partition that has one there.</summary>
    /// <returns>JSON in UTF-8.</returns>
    public byte[] Cell(int index)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, s_options))
        {
            json.WriteStartArray();
            foreach (LiveWorker worker in _workers)
            {
                worker.Read((_, partitions) =>
                {
                    foreach ((int number, LivePartition partition) in partitions)
                    {
                        int cell = (index - Shift(number) + Cells) % Cells;
                        if (partition.WorstSlot[cell] >= 0) WriteSeries(json, new LiveTop(partition.WorstScore[cell], partition.Name(cell), number));
                    }
                });
            }

            json.WriteEndArray();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private void Write(Utf8JsonWriter json, Action<Utf8JsonWriter> figures)
    {
        var picture = new LivePicture();
        json.WriteStartObject();
        figures(json);
        json.WriteStartArray("episodes");
        foreach (LiveWorker worker in _workers)
        {
            worker.Read((episodes, partitions) =>
            {
                long nowUs = partitions.Count > 0 ? partitions.Values.Max(p => p.WindowEndUs) : episodes.Select(e => e.LastUs).DefaultIfEmpty(0).Max();
                foreach (LiveEpisode episode in episodes.OrderByDescending(e => e.LastUs).Take(ShownEpisodes)) episode.Write(json, nowUs, _windowUs);
                foreach ((int number, LivePartition partition) in partitions) picture.Add(number, partition, Shift(number), ShownSeries);
            });
        }

        json.WriteEndArray();
        picture.WriteCells(json);
        json.WriteStartArray("top");
        foreach (LiveTop top in picture.Top.OrderByDescending(t => t.Score).Take(ShownSeries)) WriteSeries(json, top);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteSeries(Utf8JsonWriter json, LiveTop series)
    {
        json.WriteStartObject();
        json.WriteString("sensor", series.Name.Sensor);
        json.WriteString("metric", series.Name.Metric);
        json.WriteNumber("partition", series.Partition);
        LiveJson.Number(json, "score", series.Score);
        json.WriteEndObject();
    }

    /// <summary>Cells of different partitions lie over each other, each partition's shifted: a small fleet still has one each, mostly.</summary>
    private static int Shift(int partition) => (int)((uint)partition * 2654435769u % Cells);

    /// <summary>Somebody who looks.</summary>
    public sealed class Viewer : IDisposable
    {
        private LiveView? _view;

        internal Viewer(LiveView view)
        {
            _view = view;
            Interlocked.Increment(ref view._viewers);
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _view, null) is { } view) Interlocked.Decrement(ref view._viewers);
        }
    }
}
