namespace FastIot.Scoring;

/// <summary>
/// What a graph's inputs and outputs are called. Without a "graph" in its model.json a model has all of <see cref="Full"/>; with one, it
/// has what is named there: the features and at least one of score, reconstruction_error and reconstruction.
/// </summary>
public sealed record GraphContract
{
    public static readonly GraphContract Full = new()
    {
        SensorType = "sensor_type",
        Score = "score",
        KindLogits = "kind_logits",
        ReconstructionError = "reconstruction_error",
    };

    /// <summary>Input [batch, lags, features], oldest first.</summary>
    public string Features { get; init; } = "features";

    /// <summary>Input [batch, 5], one-hot.</summary>
    public string? SensorType { get; init; }

    /// <summary>Output [batch] or [batch, 1]: the higher, the more anomalous.</summary>
    public string? Score { get; init; }

    /// <summary>Output [batch, 4]; only beside a score.</summary>
    public string? KindLogits { get; init; }

    /// <summary>Output [batch] or [batch, 1].</summary>
    public string? ReconstructionError { get; init; }

    /// <summary>Output of the input's shape; the error is then the mean of its squared differences from the input, over all lags and features.</summary>
    public string? Reconstruction { get; init; }

    public bool HasHead => Score != null;

    public bool HasReconstruction => ReconstructionError != null || Reconstruction != null;
}
