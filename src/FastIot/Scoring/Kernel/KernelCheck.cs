using Microsoft.Extensions.Logging;

namespace FastIot.Scoring.Kernel;

/// <summary>
/// Decides at load whether the engine's own kernel may score a model: it knows the graph, and on a chunk of inputs of every size it says
/// what ONNX Runtime says. If not, ONNX Runtime scores, and the log says why.
/// </summary>
internal static unsafe partial class KernelCheck
{
    /// <summary>Difference allowed, relative to the output or, below one, absolute. Rounding alone makes a tenth of it.</summary>
    public const float Tolerance = 1e-5f;

    private const int N = Limits.ScoringChunk;

    /// <param name="reference">A session of ONNX Runtime; its inputs are overwritten.</param>
    /// <returns>Null where ONNX Runtime is to score.</returns>
    public static AutoencoderKernel? Take(byte[] onnx, GraphContract contract, ModelSession reference, string label, ILogger log)
    {
        string why = $"FASTIOT_SIMD or this machine has {Simd.Name} vectors without fused multiply-adds";
        if (Simd.Tier != SimdTier.Scalar && Lanes128.IsSupported)
        {
            if (contract != GraphContract.Full) why = "its inputs and outputs have names of their own";
            else if (AutoencoderGraph.TryRead(onnx, out AutoencoderGraph? graph, out why)) return Checked(graph, reference, label, log);
        }

        ByOnnxRuntime(log, label, why);
        return null;
    }

    /// <summary>Largest difference of any output, relative or, below one, absolute.</summary>
    internal static float Compare(AutoencoderKernel kernel, SimdTier tier, ModelSession reference)
    {
        Fill(reference);
        reference.Run();
        using var own = new ModelSession(kernel, tier);
        int features = kernel.Graph.Lags * AutoencoderGraph.Features;
        new Span<float>(reference.Features, N * features).CopyTo(new Span<float>(own.Features, N * features));
        new Span<float>(reference.SensorType, N * SensorTypes.Count).CopyTo(new Span<float>(own.SensorType, N * SensorTypes.Count));
        own.Run();
        float apart = 0;
        for (int row = 0; row < N; row++)
        {
            apart = Math.Max(apart, Apart(own.Score[row], reference.Score[row]));
            apart = Math.Max(apart, Apart(own.ReconstructionError[row], reference.ReconstructionError[row]));
            for (int kind = 0; kind < AnomalyKinds.Modelled; kind++) apart = Math.Max(apart, Apart(own.KindLogits[row * AnomalyKinds.Modelled + kind], reference.KindLogits[row * AnomalyKinds.Modelled + kind]));
        }

        return apart;

        void Fill(ModelSession session)
        {
            // The scale of a row, in the series' own scales: quiet, usual, anomalous, absurd.
            ReadOnlySpan<float> scales = [0, .1f, 1, 1, 3, 30];
            var random = new Random(1);
            int features = kernel.Graph.Lags * AutoencoderGraph.Features;
            new Span<float>(session.SensorType, N * SensorTypes.Count).Clear();
            for (int row = 0; row < N; row++)
            {
                int type = row % AutoencoderGraph.Groups;
                if (type < SensorTypes.Count) session.SensorType[row * SensorTypes.Count + type] = 1;
                float scale = scales[row % scales.Length];
                for (int i = 0; i < features; i++) session.Features[row * features + i] = scale * (float)(random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2;
            }
        }
    }

    private static AutoencoderKernel? Checked(AutoencoderGraph graph, ModelSession reference, string label, ILogger log)
    {
        var kernel = new AutoencoderKernel(graph);
        float apart = Compare(kernel, Simd.Tier, reference);
        if (apart <= Tolerance)
        {
            ByKernel(log, label, Simd.Name, apart);
            return kernel;
        }

        kernel.Dispose();
        ByOnnxRuntime(log, label, $"the own kernel's results differ from ONNX Runtime's by {apart:g2}");
        return null;
    }

    /// <summary>NaN, which no tolerance allows, where either is.</summary>
    private static float Apart(float own, float reference) => MathF.Abs(own - reference) / MathF.Max(1, MathF.Abs(reference));

    [LoggerMessage(EventName = "KernelScores", Level = LogLevel.Information, Message = "{Model}: scored by the engine's own kernel, {Bits}-bit vectors; largest difference from ONNX Runtime {Difference:g2}")]
    private static partial void ByKernel(ILogger log, string model, string bits, float difference);

    [LoggerMessage(EventName = "OnnxRuntimeScores", Level = LogLevel.Information, Message = "{Model}: scored by ONNX Runtime: {Why}")]
    private static partial void ByOnnxRuntime(ILogger log, string model, string why);
}
