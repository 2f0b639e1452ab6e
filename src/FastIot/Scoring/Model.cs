using FastIot.Features;
using FastIot.Scoring.Kernel;
using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;

namespace FastIot.Scoring;

/// <summary>A model as it is used: its graph checked against the contract (DESIGN section 5), its manifest, and where it runs.</summary>
public sealed class Model : IDisposable
{
    private readonly byte[] _onnx;
    private readonly SessionOptions _options;
    private readonly AutoencoderKernel? _kernel;

    /// <param name="onnxRuntimeOnly">False: graphs that the engine's own kernel knows run there, on the CPU.</param>
    /// <exception cref="ModelException">The graph does not fit the contract, or the provider cannot be used.</exception>
    public Model(byte[] onnx, ModelManifest manifest, ExecutionProvider provider, ILogger log, bool onnxRuntimeOnly = false)
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
            if (!onnxRuntimeOnly && Provider == ExecutionProvider.Cpu) _kernel = KernelCheck.Take(onnx, manifest.Graph, trial, Label, log);
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

    /// <summary>Whether the engine's own kernel scores; else ONNX Runtime does.</summary>
    public bool HasKernel => _kernel != null;

    /// <summary>"name:version".</summary>
    public string Label => $"{Manifest.Name}:{Manifest.Version}";

    /// <summary>A session of one thread.</summary>
    public ModelSession CreateSession() => _kernel != null ? new ModelSession(_kernel, Simd.Tier) : new ModelSession(_onnx, Manifest.Graph, Manifest.Features, _options);

    public AlarmThresholds Thresholds(double alarmBudget) => new(Manifest, alarmBudget);

    public void Dispose()
    {
        _options.Dispose();
        _kernel?.Dispose();
    }

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
        GraphContract graph = Manifest.Graph;
        string[] wanted = graph.SensorType == null ? [graph.Features] : [graph.Features, graph.SensorType];
        if (session.InputMetadata.Keys.FirstOrDefault(k => !wanted.Contains(k)) is { } other)
            throw new ModelException($"{Label}: the graph wants an input \"{other}\"; the engine gives it {string.Join(" and ", wanted)} only. Inputs of other names are named in model.json, under graph.inputs");
        int lags = Manifest.Lags.Count, features = Manifest.Features.Names.Length;
        Expect(session.InputMetadata, graph.Features, [lags, features]);
        Expect(session.InputMetadata, graph.SensorType, [SensorTypes.Count]);
        Expect(session.OutputMetadata, graph.Score, [], [1]);
        Expect(session.OutputMetadata, graph.KindLogits, [AnomalyKinds.Modelled]);
        Expect(session.OutputMetadata, graph.ReconstructionError, [], [1]);
        Expect(session.OutputMetadata, graph.Reconstruction, [lags, features]);
    }

    /// <param name="nodes">Inputs or outputs.</param>
    /// <param name="name">Null where the model has none.</param>
    /// <param name="shapes">Behind the batch, any of them will do.</param>
    private void Expect(IReadOnlyDictionary<string, NodeMetadata> nodes, string? name, params int[][] shapes)
    {
        if (name == null) return;
        if (!nodes.TryGetValue(name, out NodeMetadata? node)) throw new ModelException($"{Label}: the graph has no \"{name}\"; it has {string.Join(", ", nodes.Keys)}");
        bool fits = node.ElementType == typeof(float) && node.Dimensions.Length > 0 && node.Dimensions[0] is -1 or Limits.ScoringChunk
            && shapes.Any(shape => Fits(node.Dimensions.AsSpan(1), shape));
        if (!fits) throw new ModelException($"{Label}: \"{name}\" is {node.ElementType.Name}[{string.Join(", ", node.Dimensions)}], it must be Single[{string.Join(", ", [-1, .. shapes[0]])}]");
    }

    /// <summary>A dimension that the graph leaves open (−1) is found out by the trial run.</summary>
    private static bool Fits(ReadOnlySpan<int> dimensions, int[] shape)
    {
        if (dimensions.Length != shape.Length) return false;
        for (int i = 0; i < shape.Length; i++)
        {
            if (dimensions[i] != shape[i] && dimensions[i] != -1) return false;
        }

        return true;
    }
}
