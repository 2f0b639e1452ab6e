using System.Text.Json;

namespace FastIot.Observe.Live;

/// <summary>A series that stands out.</summary>
internal readonly record struct LiveTop(float Score, (string Sensor, string Metric) Name, int Partition);

/// <summary>All partitions' cells laid over each other.</summary>
internal sealed class LivePicture
{
    private readonly float[] _worst = new float[LiveView.Cells];
    private readonly bool[] _known = new bool[LiveView.Cells];
    private readonly int[] _steps = new int[LivePartition.Steps.Length + 1];

    public List<LiveTop> Top { get; } = [];

    /// <param name="most">Series of the partition that may be named.</param>
    public void Add(int number, LivePartition partition, int shift, int most)
    {
        for (int i = 0; i < _steps.Length; i++) _steps[i] += partition.CountByStep[i];
        for (int cell = 0; cell < LiveView.Cells; cell++)
        {
            if (partition.WorstSlot[cell] < 0) continue;
            int shown = (cell + shift) % LiveView.Cells;
            float score = partition.WorstScore[cell];
            if (!_known[shown] || score > _worst[shown] || float.IsNaN(_worst[shown])) _worst[shown] = score;
            _known[shown] = true;
        }

        IEnumerable<int> scored = Enumerable.Range(0, LiveView.Cells).Where(c => partition.WorstSlot[c] >= 0 && !float.IsNaN(partition.WorstScore[c]));
        foreach (int cell in scored.OrderByDescending(c => partition.WorstScore[c]).Take(most)) Top.Add(new LiveTop(partition.WorstScore[cell], partition.Name(cell), number));
    }

    /// <summary>Writes the members <c>cells</c> (−1: no series; null: warming; else the score) and <c>score_steps</c> (series by score, warming last).</summary>
    public void WriteCells(Utf8JsonWriter json)
    {
        json.WriteStartArray("cells");
        for (int cell = 0; cell < LiveView.Cells; cell++)
        {
            if (!_known[cell]) json.WriteNumberValue(-1);
            else LiveJson.Value(json, MathF.Round(_worst[cell], 2));
        }

        json.WriteEndArray();
        json.WriteStartArray("score_steps");
        foreach (int count in _steps) json.WriteNumberValue(count);
        json.WriteEndArray();
    }
}
