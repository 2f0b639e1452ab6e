using FastIot.Features;
using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;

namespace FastIot.Scoring;

/// <summary>A model as it is used: its graph checked against the contract (DESIGN section 5), its manifest, and where it runs.</summary>
public sealed class Model : IDisposable
{
    private readonly byte[] _onnx;
    private readonly SessionOptions _options;

    /// <exception cref="ModelException">The graph does not fit the contract, or the provider cannot be used.</exception>
    public Model(byte[] onnx, ModelManifest manifest, ExecutionProvider provider, ILogger log)
    {
        _onnx = onnx;
        Manifest = manifest;
        _options = Options();
        Provider = ExecutionProviders.Append(_options, provider, log);
        try
        {
            using (var session = new InferenceSession(onnx, _options)) Check(session);
            // Declared shapes may not be what comes out; better found here than at the first window.
            using ModelSession trial = CreateSession();
            trial.Run();
        }
        catch (Exception e) when (e is OnnxRuntimeException or ModelException)
        {
            _options.Dispose();
            if (e is ModelException) throw;
            throw new ModelException($"{Label}: ONNX Runtime refuses the graph: {e.Message}", e);
        }
    }

    public ModelManifest Manifest { get; }

    public ExecutionProvider Provider { get; }

    /// <summary>"name:version".</summary>
    public string Label => $"{Manifest.Name}:{Manifest.Version}";

    /// <summary>A session of one thread.</summary>
    public ModelSession CreateSession() => new(_onnx, Manifest.Lags.Count, _options);

    public AlarmThresholds Thresholds(double alarmBudget) => new(Manifest, alarmBudget);

    public void Dispose() => _options.Dispose();

    /// <summary>Workers are the threads; a session adds none of its own.</summary>
    internal static SessionOptions Options()
    {
        var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1, ExecutionMode = ExecutionMode.ORT_SEQUENTIAL, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        // Not session.set_denormal_as_zero: it changes the arithmetic of the thread that makes the process's first session, and of all threads
        // started from there, for good: our sums of doubles would lose subnormal numbers. Threads made before never get it. Measured
        // at scores' usual inputs it saves nothing.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        return options;
    }

    private void Check(InferenceSession session)
    {
        if (session.InputMetadata.Keys.FirstOrDefault(k => k is not ("features" or "sensor_type")) is { } other)
            throw new ModelException($"{Label}: the graph wants an input \"{other}\"; the engine has features and sensor_type only");
        Expect(session.InputMetadata, "features", Manifest.Lags.Count, FeatureNames.Count);
        Expect(session.InputMetadata, "sensor_type", SensorTypes.Count);
        Expect(session.OutputMetadata, "score");
        Expect(session.OutputMetadata, "kind_logits", AnomalyKinds.Modelled);
        Expect(session.OutputMetadata, "reconstruction_error");
    }

    private void Expect(IReadOnlyDictionary<string, NodeMetadata> nodes, string name, params int[] shape)
    {
        if (!nodes.TryGetValue(name, out NodeMetadata? node)) throw new ModelException($"{Label}: the graph has no \"{name}\"; it has {string.Join(", ", nodes.Keys)}");
        int[] wanted = [-1, .. shape];
        bool fits = node.ElementType == typeof(float) && node.Dimensions.Length == wanted.Length && node.Dimensions.AsSpan(1).SequenceEqual(shape)
            && node.Dimensions[0] is -1 or Limits.ScoringChunk;
        if (!fits) throw new ModelException($"{Label}: \"{name}\" is {node.ElementType.Name}[{string.Join(", ", node.Dimensions)}], it must be Single[{string.Join(", ", wanted)}]");
    }
}
