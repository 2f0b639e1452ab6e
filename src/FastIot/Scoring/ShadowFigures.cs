namespace FastIot.Scoring;

/// <summary>Which of two models alarms at a window that both have scored.</summary>
public enum ShadowOutcome
{
    Both,
    Live,
    Shadow,
    Neither,

    /// <summary>One of them gave no number, so there is nothing to compare.</summary>
    NoScore,
}

/// <summary>
/// What one worker found when it compared a shadow with the model in force: by sensor type (see <see cref="ModelDrift.TypeNames"/>) which of
/// the two alarmed, and how far their scores are apart. Plain numbers, written by the worker alone, read by anybody.
/// </summary>
public sealed class ShadowFigures
{
    /// <summary>The model in force and the shadow.</summary>
    public const int Models = 2;

    /// <summary>Upper bounds of all bins of differences but the last. Scores double with each tenth of false alarms, 1 is the threshold.</summary>
    internal static readonly double[] DifferenceBounds = [0, .001, .01, .05, .1, .25, .5, 1, 2, 5, 10];

    public static readonly string[] OutcomeNames = ["both", "live", "shadow", "neither", "no_score"];

    public static readonly string[] ModelNames = ["live", "shadow"];

    internal static readonly int DifferenceBins = DifferenceBounds.Length + 1;

    private const int Outcomes = 5;

    private readonly long[] _windows = new long[ModelDrift.Types * Outcomes];
    private readonly long[] _alarms = new long[Models * ModelDrift.Types];
    private readonly long[] _differences = new long[DifferenceBins];
    private readonly double[] _differenceSums = new double[DifferenceBins];

    /// <summary>Ticks spent in the shadow.</summary>
    internal long Ticks;

    public long Windows(int type, ShadowOutcome outcome) => Volatile.Read(ref _windows[type * Outcomes + (int)outcome]);

    /// <summary>Runs of alarming windows: what an operator would be told.</summary>
    /// <param name="model">Its place in <see cref="ModelNames"/>.</param>
    public long Alarms(int model, int type) => Volatile.Read(ref _alarms[model * ModelDrift.Types + type]);

    /// <summary>Windows whose scores are as far apart as the bin says, and their differences' sum.</summary>
    public (long Windows, double Sum) Differences(int bin) => (Volatile.Read(ref _differences[bin]), Volatile.Read(ref _differenceSums[bin]));

    internal void Add(int type, ShadowOutcome outcome) => _windows[type * Outcomes + (int)outcome]++;

    internal void AddAlarm(int model, int type) => _alarms[model * ModelDrift.Types + type]++;

    internal void AddDifference(double difference)
    {
        int bin = 0;
        while (bin < DifferenceBounds.Length && difference > DifferenceBounds[bin]) bin++;
        _differences[bin]++;
        _differenceSums[bin] += difference;
    }
}
