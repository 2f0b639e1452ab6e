namespace FastIot.Scoring;

/// <summary>
/// What one worker's model says in service, by sensor type: windows scored, alarms, and scores by the bins of the reference. Plain longs,
/// written by the worker alone, read by anybody.
/// </summary>
public sealed class ModelDrift
{
    /// <summary>The five types and all others, which come last.</summary>
    public const int Types = SensorTypes.Count + 1;

    /// <summary>Scoring head and reconstruction error.</summary>
    public const int Channels = 2;

    public static readonly string[] TypeNames = [.. SensorTypes.Names, "other"];

    public static readonly string[] ChannelNames = ["head", "reconstruction"];

    private readonly ScoreReference?[] _references = new ScoreReference?[Channels * Types];
    private readonly long[] _bins = new long[Channels * Types * ScoreReference.Bins];
    private readonly long[] _scored = new long[Types];
    private readonly long[] _alarms = new long[Types];

    /// <param name="head">References by type, "*" for all others; empty = none.</param>
    public ModelDrift(IReadOnlyList<ScoreReference> head, IReadOnlyList<ScoreReference> reconstruction)
    {
        for (int type = 0; type < Types; type++)
        {
            _references[type] = Of(head, type);
            _references[Types + type] = Of(reconstruction, type);
        }
    }

    public long Scored(int type) => Volatile.Read(ref _scored[type]);

    public long Alarms(int type) => Volatile.Read(ref _alarms[type]);

    public ReadOnlySpan<long> Bins(int channel, int type) => _bins.AsSpan((channel * Types + type) * ScoreReference.Bins, ScoreReference.Bins);

    public void Add(SensorType sensorType, float score, float reconstructionError, bool isAlarm)
    {
        int type = Place(sensorType);
        _scored[type]++;
        if (isAlarm) _alarms[type]++;
        Count(type, score);
        Count(Types + type, reconstructionError);
    }

    /// <summary>A type's place in <see cref="TypeNames"/>.</summary>
    internal static int Place(SensorType type) => type == SensorType.Other ? Types - 1 : (int)type;

    private static ScoreReference? Of(IReadOnlyList<ScoreReference> references, int type) =>
        references.FirstOrDefault(r => r.Type == TypeNames[type]) ?? references.FirstOrDefault(r => r.Type == "*");

    private void Count(int place, float score)
    {
        if (_references[place] is { } reference && float.IsFinite(score)) _bins[place * ScoreReference.Bins + reference.Bin(score)]++;
    }
}
