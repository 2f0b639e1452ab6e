using BenchmarkDotNet.Attributes;
using FastIot.Scoring;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Bench;

/// <summary>The shipped model, a whole chunk of windows: ONNX Runtime and the engine's own kernel; time per window.</summary>
[MemoryDiagnoser]
public class ScoringBench
{
    private Model _model = null!;
    private ModelSession _session = null!;

    [Params(true, false)]
    public bool OnnxRuntime { get; set; }

    [GlobalSetup]
    public unsafe void Setup()
    {
        _model = ModelRepository.Load(Path.Combine(AppContext.BaseDirectory, "models"), "anomaly_detector", "latest", ExecutionProvider.Cpu, NullLogger.Instance, OnnxRuntime);
        if (_model.HasKernel == OnnxRuntime) throw new InvalidOperationException("the other one would be measured");
        _session = _model.CreateSession();
        var random = new Random(1);
        int floats = Limits.ScoringChunk * _model.Manifest.Lags.Count * _model.Manifest.Features.Names.Length;
        for (int i = 0; i < floats; i++) _session.Features[i] = random.NextSingle() * 4 - 2;
    }

    [Benchmark(OperationsPerInvoke = Limits.ScoringChunk)]
    public unsafe float Score()
    {
        _session.Run();
        return _session.Score[0];
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _session.Dispose();
        _model.Dispose();
    }
}
