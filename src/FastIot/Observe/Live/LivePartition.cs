using System.Text;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Observe.Live;

/// <summary>The scores of one partition's last window, small enough to be shown: the worst of each cell, and how many lie where.</summary>
internal sealed class LivePartition
{
    /// <summary>Upper ends of the score's steps; warming series have none, and stand last.</summary>
    public static readonly float[] Steps = [.25f, .5f, .75f, 1, 1.5f, 2, 4, float.PositiveInfinity];

    public readonly float[] WorstScore = new float[LiveView.Cells];
    public readonly int[] WorstSlot = new int[LiveView.Cells];
    public readonly int[] CountByStep = new int[Steps.Length + 1];

    /// <summary>Window end that the figures are of.</summary>
    public long WindowEndUs { get; private set; } = long.MinValue;

    // Names are copied while the worker stands still: the table's own memory may move as soon as it goes on.
    private readonly (int At, int Sensor, int Metric)[] _names = new (int, int, int)[LiveView.Cells];
    private byte[] _nameBytes = new byte[LiveView.Cells * 32];

    public void Window(WindowBatch batch, SeriesTable series)
    {
        WindowEndUs = batch.WindowEndUs;
        Array.Fill(WorstScore, float.NaN);
        Array.Fill(WorstSlot, -1);
        Array.Clear(CountByStep);
        for (int row = 0; row < batch.Count; row++)
        {
            float score = batch.IsAnomaly[row] != 0 && !(batch.AnomalyScore[row] >= 1) ? 1 : batch.AnomalyScore[row];
            CountByStep[Step(score)]++;
            int slot = batch.Slot[row], cell = slot % LiveView.Cells;
            if (WorstSlot[cell] >= 0 && !(score > WorstScore[cell])) continue;
            WorstScore[cell] = score;
            WorstSlot[cell] = slot;
        }

        CopyNames(series);
    }

    public (string Sensor, string Metric) Name(int cell)
    {
        (int at, int sensor, int metric) = _names[cell];
        return (Encoding.UTF8.GetString(_nameBytes, at, sensor), Encoding.UTF8.GetString(_nameBytes, at + sensor, metric));
    }

    private void CopyNames(SeriesTable series)
    {
        int at = 0;
        for (int cell = 0; cell < LiveView.Cells; cell++)
        {
            if (WorstSlot[cell] < 0) continue;
            ReadOnlySpan<byte> sensor = series.SensorId(WorstSlot[cell]), metric = series.Metric(WorstSlot[cell]);
            if (at + sensor.Length + metric.Length > _nameBytes.Length) Array.Resize(ref _nameBytes, _nameBytes.Length * 2);
            sensor.CopyTo(_nameBytes.AsSpan(at));
            metric.CopyTo(_nameBytes.AsSpan(at + sensor.Length));
            _names[cell] = (at, sensor.Length, metric.Length);
            at += sensor.Length + metric.Length;
        }
    }

    private static int Step(float score)
    {
        if (float.IsNaN(score)) return Steps.Length;
        int step = 0;
        while (score >= Steps[step] && step < Steps.Length - 1) step++;
        return step;
    }
}
