using FastIot.Features;
using Microsoft.ML.OnnxRuntime;

namespace FastIot.Scoring;

/// <summary>
/// One thread's use of a model: inputs and outputs of one fixed chunk (<see cref="Limits.ScoringChunk"/> rows) in native memory, bound once.
/// The caller fills the inputs, calls <see cref="Run"/>, reads the outputs; nothing is allocated.
/// </summary>
public sealed unsafe class ModelSession : IDisposable
{
    private const int N = Limits.ScoringChunk;

    private readonly InferenceSession _session;
    private readonly OrtIoBinding _binding;
    private readonly RunOptions _run = new();
    private readonly List<OrtValue> _values = [];
    private readonly NativeArray<float> _features;
    private readonly NativeArray<float> _sensorType = new(N * SensorTypes.Count);
    private readonly NativeArray<float> _score = new(N);
    private readonly NativeArray<float> _kindLogits = new(N * AnomalyKinds.Modelled);
    private readonly NativeArray<float> _reconstructionError = new(N);

    internal ModelSession(byte[] onnx, int lags, SessionOptions options)
    {
        _session = new InferenceSession(onnx, options);
        _features = new NativeArray<float>(N * lags * FeatureNames.Count);
        _binding = _session.CreateIoBinding();
        _binding.BindInput("features", Value(_features, N, lags, FeatureNames.Count));
        _binding.BindInput("sensor_type", Value(_sensorType, N, SensorTypes.Count));
        _binding.BindOutput("score", Value(_score, N));
        _binding.BindOutput("kind_logits", Value(_kindLogits, N, AnomalyKinds.Modelled));
        _binding.BindOutput("reconstruction_error", Value(_reconstructionError, N));
    }

    /// <summary>Standardised features, [row][lag][feature], oldest lag first.</summary>
    public float* Features => _features.Pointer;

    /// <summary>One-hot sensor types, [row][type]; all zeros = other.</summary>
    public float* SensorType => _sensorType.Pointer;

    /// <summary>Raw scores of the head, [row].</summary>
    public float* Score => _score.Pointer;

    /// <summary>Logits of spike, drift, stuck, noise, [row][kind].</summary>
    public float* KindLogits => _kindLogits.Pointer;

    public float* ReconstructionError => _reconstructionError.Pointer;

    /// <summary>Scores the whole chunk; rows that nobody filled cost the same and mean nothing.</summary>
    public void Run() => _session.RunWithBinding(_run, _binding);

    public void Dispose()
    {
        _binding.Dispose();
        foreach (OrtValue value in _values) value.Dispose();
        _run.Dispose();
        _session.Dispose();
        _features.Dispose();
        _sensorType.Dispose();
        _score.Dispose();
        _kindLogits.Dispose();
        _reconstructionError.Dispose();
    }

    private OrtValue Value(NativeArray<float> memory, params long[] shape)
    {
        OrtValue value = OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float, shape, (nint)memory.Pointer, memory.Bytes);
        _values.Add(value);
        return value;
    }
}
