namespace FastIot.Scoring;

/// <summary>The files of one model version, read whole and checked against what describes them.</summary>
public sealed record ModelFiles
{
    public required string Name { get; init; }

    public required long Version { get; init; }

    /// <summary>The graph.</summary>
    public required byte[] Onnx { get; init; }

    /// <summary>Path of the graph where it must be loaded from its folder, because its weights lie in files beside it; else null.</summary>
    public string? Path { get; init; }

    /// <summary>model.json; null for a graph that came without.</summary>
    public ModelManifest? Manifest { get; init; }

    /// <summary>SHA-256 of the graph, hex.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Whether model.json or model.onnx.sha256 vouches for the graph.</summary>
    public bool IsVerified { get; init; }

    /// <summary>"name:version".</summary>
    public override string ToString() => $"{Name}:{Version}";
}
