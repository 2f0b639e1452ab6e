namespace FastIot.Training;

/// <summary>One round of learning.</summary>
/// <param name="Epochs">Epochs of <see cref="TrainerOptions.SequencesPerEpoch"/>.</param>
/// <param name="LearningRate">Peak of the rate's one cycle.</param>
/// <param name="HardShares">
/// Hard negatives are mined before the round: the normal windows scored highest, in shares of all of them. Half of the round's normal
/// sequences come from there, in equal parts. Empty: all are drawn at random.
/// </param>
internal sealed record TrainingRound(int Epochs, double LearningRate, params double[] HardShares);

/// <summary>How large the network is, and how long and how fast it learns.</summary>
internal sealed record TrainerOptions
{
    public static readonly TrainerOptions Fast = new();

    public static readonly TrainerOptions Accurate = new() { Hidden = 64, HeadHidden = 96, Rounds = [new(8, 4e-3), new(6, 2.5e-3, .03, .003), new(6, 1.5e-3, .01, .001)] };

    public int Hidden { get; init; } = 32;

    public int HeadHidden { get; init; } = 64;

    public int Batch { get; init; } = 512;

    public int SequencesPerEpoch { get; init; } = 120_000;

    public IReadOnlyList<TrainingRound> Rounds { get; init; } = [new(8, 4e-3), new(5, 3e-3, .03, .003), new(4, 1.5e-3, .01, .001)];

    /// <summary>Share of sequences whose sensor type is hidden, so that unknown types are served too.</summary>
    public double TypeDropout { get; init; } = .2;

    /// <summary>Share of the normal windows that may be anomalies nobody has labelled: those scored highest are not mined.</summary>
    public double Contamination { get; init; }

    public ulong Seed { get; init; } = 1;

    /// <summary>Of simulation and scoring, whose results do not depend on it. Torch learns with one: more would give other last digits on other machines.</summary>
    public int Threads { get; init; } = 2;

    public int StepsPerEpoch => Math.Max(1, SequencesPerEpoch / Batch);
}
