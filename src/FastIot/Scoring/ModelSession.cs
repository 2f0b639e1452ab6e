using FastIot.Features;
using FastIot.Scoring.Kernel;
using Microsoft.ML.OnnxRuntime;

namespace FastIot.Scoring;

/// <summary>
/// One thread's use of a model: inputs and outputs of one fixed chunk (<see cref="Limits.ScoringChunk"/> rows) in native memory, bound once.
/// The caller fills the inputs, calls <see cref="Run"/>, reads the outputs; nothing is allocated. Runs in ONNX Runtime, or in the engine's own
/// kernel where the model has one.
/// </summary>
public sealed unsafe class ModelSession : IDisposable
{
    private const int N = Limits.ScoringChunk;

    private readonly InferenceSession? _session;
    private readonly OrtIoBinding? _binding;
    private readonly RunOptions? _run;
    private readonly AutoencoderPass? _pass;
    private readonly List<OrtValue> _values = [];
    private readonly NativeArray<float> _features;
    private readonly NativeArray<float> _sensorType = new(N * SensorTypes.Count);
    private readonly NativeArray<float> _score = new(N);
    private readonly NativeArray<float> _kindLogits = new(N * AnomalyKinds.Modelled);
    private readonly NativeArray<float> _reconstructionError = new(N);
    private readonly NativeArray<float>? _reconstruction;
    private readonly int _rowFloats;

    internal ModelSession(byte[] onnx, GraphContract graph, FeatureSpec spec, SessionOptions options)
    {
        _session = new InferenceSession(onnx, options);
        _run = new RunOptions();
        _rowFloats = spec.Lags.Length * spec.Names.Length;
        _features = new NativeArray<float>(N * _rowFloats);
        _score.Span.Fill(float.NaN);
        _reconstructionError.Span.Fill(float.NaN);
        _binding = _session.CreateIoBinding();
        _binding.BindInput(graph.Features, Value(_features, N, spec.Lags.Length, spec.Names.Length));
        if (graph.SensorType != null) _binding.BindInput(graph.SensorType, Value(_sensorType, N, SensorTypes.Count));
        if (graph.Score != null) _binding.BindOutput(graph.Score, PerRow(graph.Score, _score));
        if (graph.KindLogits != null) _binding.BindOutput(graph.KindLogits, Value(_kindLogits, N, AnomalyKinds.Modelled));
        if (graph.ReconstructionError != null) _binding.BindOutput(graph.ReconstructionError, PerRow(graph.ReconstructionError, _reconstructionError));
        if (graph.Reconstruction == null) return;
        _reconstruction = new NativeArray<float>(N * _rowFloats);
        _binding.BindOutput(graph.Reconstruction, Value(_reconstruction, N, spec.Lags.Length, spec.Names.Length));
    }

    /// <summary>A session of the engine's own kernel.</summary>
    internal ModelSession(AutoencoderKernel kernel, SimdTier tier)
    {
        _pass = new AutoencoderPass(kernel, tier);
        _rowFloats = kernel.Graph.Lags * AutoencoderGraph.Features;
        _features = new NativeArray<float>(N * _rowFloats);
    }

    /// <summary>The model's columns, [row][lag][feature], oldest lag first.</summary>
    public float* Features => _features.Pointer;

    /// <summary>One-hot sensor types, [row][type]; all zeros = other.</summary>
    public float* SensorType => _sensorType.Pointer;

    /// <summary>Raw scores of the head, [row]; NaN where the model has none.</summary>
    public float* Score => _score.Pointer;

    /// <summary>Logits of spike, drift, stuck, noise, [row][kind]; zeros where the model has none.</summary>
    public float* KindLogits => _kindLogits.Pointer;

    /// <summary>[row]; NaN where the model has none.</summary>
    public float* ReconstructionError => _reconstructionError.Pointer;

    /// <summary>Fills one row with what the model sees of a series now.</summary>
    internal void Fill(int row, FeatureState features, int slot, SensorType type)
    {
        features.Gather(slot, _features.Pointer + row * _rowFloats);
        var oneHot = new Span<float>(_sensorType.Pointer + row * SensorTypes.Count, SensorTypes.Count);
        oneHot.Clear();
        if (type != Scoring.SensorType.Other) oneHot[(int)type] = 1;
    }

    /// <summary>Scores the first rows of the chunk. ONNX Runtime always takes the whole chunk: what nobody filled costs the same and means nothing.</summary>
    public void Run(int rows = N)
    {
        if (_pass != null)
        {
            _pass.Run(rows, Features, SensorType, Score, KindLogits, ReconstructionError);
            return;
        }

        _session!.RunWithBinding(_run, _binding);
        if (_reconstruction == null) return;
        for (int row = 0; row < rows; row++) _reconstructionError[row] = MeanSquare(_features.Pointer + row * _rowFloats, _reconstruction.Pointer + row * _rowFloats, _rowFloats);
    }

    public void Dispose()
    {
        _binding?.Dispose();
        foreach (OrtValue value in _values) value.Dispose();
        _run?.Dispose();
        _session?.Dispose();
        _pass?.Dispose();
        _features.Dispose();
        _sensorType.Dispose();
        _score.Dispose();
        _kindLogits.Dispose();
        _reconstructionError.Dispose();
        _reconstruction?.Dispose();
    }

    private static float MeanSquare(float* input, float* output, int count)
    {
        double sum = 0;
        for (int i = 0; i < count; i++)
        {
            double apart = (double)input[i] - output[i];
            sum += apart * apart;
        }

        return (float)(sum / count);
    }

    /// <summary>[N] or [N, 1], as the graph has it.</summary>
    private OrtValue PerRow(string output, NativeArray<float> memory) => _session!.OutputMetadata[output].Dimensions.Length == 2 ? Value(memory, N, 1) : Value(memory, N);

    private OrtValue Value(NativeArray<float> memory, params long[] shape)
    {
        OrtValue value = OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float, shape, (nint)memory.Pointer, memory.Bytes);
        _values.Add(value);
        return value;
    }
}
