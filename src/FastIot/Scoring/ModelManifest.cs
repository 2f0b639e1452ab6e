using System.Text.Json;
using FastIot.Features;

namespace FastIot.Scoring;

/// <summary>What stands beside a model's graph in model.json: its inputs, its calibration, where it comes from.</summary>
public sealed record ModelManifest
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    /// <summary>The head's share of the budget unless somebody says otherwise.</summary>
    internal const double UsualHeadShare = .9;

    public required string Name { get; init; }

    public required int Version { get; init; }

    /// <summary>Half-lives, floors and lags that the model was trained with.</summary>
    public required FeatureSpec Features { get; init; }

    /// <summary>Rows of the model's input, as windows back, oldest first.</summary>
    public IReadOnlyList<int> Lags => Features.Lags;

    /// <summary>What the graph's inputs and outputs are called, and which there are.</summary>
    public GraphContract Graph { get; init; } = GraphContract.Full;

    /// <summary>Share of the alarm budget that the scoring head has; the reconstruction error has the rest. 1 and 0 where there is only one of them.</summary>
    public required double HeadShare { get; init; }

    /// <summary>Null where the graph has no score.</summary>
    public required CalibrationTable? HeadCalibration { get; init; }

    /// <summary>By sensor type; "*" for all others. None where the graph has no reconstruction.</summary>
    public required IReadOnlyList<CalibrationTable> Reconstruction { get; init; }

    /// <summary>Null where nobody has measured it.</summary>
    public YoungSeries? Young { get; init; }

    /// <summary>Of all channels and ages together, by <see cref="AlarmThresholds.Nominal"/>; null where nobody has measured it.</summary>
    public CalibrationTable? Combined { get; init; }

    /// <summary>How healthy raw scores are distributed, by sensor type, for comparison in service; empty where nobody has measured it.</summary>
    public IReadOnlyList<ScoreReference> HeadReference { get; init; } = [];

    public IReadOnlyList<ScoreReference> ReconstructionReference { get; init; } = [];

    /// <summary>SHA-256 of model.onnx, hex.</summary>
    public required string OnnxSha256 { get; init; }

    /// <summary>How it was trained, and what it scored: free JSON objects.</summary>
    public string Training { get; init; } = "{}";

    public string Evaluation { get; init; } = "{}";

    public CalibrationTable ReconstructionCalibration(SensorType type) => CalibrationTable.Of(type, Reconstruction);

    /// <param name="json">The file's content.</param>
    /// <param name="path">Of the file, for error messages.</param>
    /// <param name="draft">Whether calibration, budget_split and onnx_sha256 may be missing, as in a model.json written by hand that is yet to be calibrated.</param>
    /// <exception cref="ModelException">Not JSON, a member missing, unknown, twice or out of its range.</exception>
    public static ModelManifest Parse(ReadOnlyMemory<byte> json, string path, bool draft = false)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, s_strict);
            return ManifestReader.Read(new ManifestElement(document.RootElement, path, ""), draft);
        }
        catch (JsonException e)
        {
            throw new ModelException($"{path} cannot be used: {e.Message}", e);
        }
    }

    public byte[] ToJson() => ManifestWriter.Write(this);
}
