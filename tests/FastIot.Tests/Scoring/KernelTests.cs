using System.Runtime.Intrinsics;
using System.Text;
using FastIot.Features;
using FastIot.Scoring;
using FastIot.Scoring.Kernel;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Scoring;

/// <summary>The engine's own kernel: what ONNX Runtime says, at every width the same bits; and it keeps off other people's graphs.</summary>
public sealed unsafe class KernelTests
{
    private static readonly byte[] s_onnx = ShippedModel.Onnx;

    public static TheoryData<SimdTier> Tiers => [.. Enum.GetValues<SimdTier>().Where(Runs)];

    [Fact]
    public void The_shipped_model_is_scored_by_it()
    {
        using Model model = ShippedModel.Load();
        Assert.Equal(Simd.Tier != SimdTier.Scalar, model.HasKernel);
        using Model other = ModelRepository.Load(Path.Combine(TestEnvironment.Root, "models"), "predecessor", "latest", ExecutionProvider.Cpu, NullLogger.Instance);
        Assert.False(other.HasKernel);
    }

    [Theory]
    [MemberData(nameof(Tiers))]
    public void It_says_what_onnx_runtime_says(SimdTier tier)
    {
        using Model reference = ShippedModel.Load(onnxRuntimeOnly: true);
        Assert.False(reference.HasKernel);
        using ModelSession session = reference.CreateSession();
        using var kernel = new AutoencoderKernel(Graph(s_onnx));
        float apart = KernelCheck.Compare(kernel, tier, session);
        Assert.True(apart <= KernelCheck.Tolerance, $"{apart:g3} apart");
    }

    [Fact]
    public void A_single_weight_that_is_otherwise_is_noticed()
    {
        using Model reference = ShippedModel.Load(onnxRuntimeOnly: true);
        using ModelSession session = reference.CreateSession();
        AutoencoderGraph graph = Graph(s_onnx);
        foreach (float[] weights in (float[][])[graph.Encoder.Input, graph.Encoder.State, graph.Encoder.Bias, graph.ToLatent.Weight, graph.Decoder.Input, graph.Decoder.State, graph.ToFeatures.Bias, graph.Head1.Weight, graph.Head2.Bias, graph.Whitening.Weight, graph.Caps])
        {
            float kept = weights[^1];
            weights[^1] += .5f;
            using var kernel = new AutoencoderKernel(graph);
            Assert.False(KernelCheck.Compare(kernel, Simd.Tier, session) <= KernelCheck.Tolerance);
            weights[^1] = kept;
        }
    }

    [Fact]
    public void All_widths_and_all_numbers_of_rows_give_the_same_bits()
    {
        using var kernel = new AutoencoderKernel(Graph(s_onnx));
        float[]? expected = null;
        foreach (SimdTier tier in Enum.GetValues<SimdTier>().Where(Runs))
        {
            foreach (int rows in (int[])[Limits.ScoringChunk, 1, 2, 7, 8, 15, 16, 17, 31, 33, 100])
            {
                float[] outputs = Outputs(kernel, tier, rows);
                expected ??= outputs;
                Assert.Equal(expected.Take(outputs.Length).Select(BitConverter.SingleToInt32Bits), outputs.Select(BitConverter.SingleToInt32Bits));
            }
        }
    }

    [Fact]
    public void A_series_scores_the_same_bits_in_any_place()
    {
        using Model model = ShippedModel.Load();
        PlaceInChunk.DoesNotMatter(model);
    }

    [Fact]
    public void Running_allocates_nothing()
    {
        using Model model = ShippedModel.Load();
        using ModelSession session = model.CreateSession();
        session.Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 5; i++) session.Run();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData("Abs", "Exp", "Exp where Abs should be")]
    [InlineData("transB", "transA", "Gemm with \"transA=1\"")]
    [InlineData("Relu", "Tanh", "Tanh where Relu should be")]
    [InlineData("reconstruction_error", "reconstruction_noise", "reconstruction_noise instead of reconstruction_error")]
    public void Graphs_of_other_operations_are_left_to_onnx_runtime(string what, string by, string why)
    {
        // Of the same length, so that the file stays whole.
        byte[] changed = Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(s_onnx).Replace(what, by, StringComparison.Ordinal));
        Assert.False(AutoencoderGraph.TryRead(changed, out _, out string said));
        Assert.Contains(why, said);
    }

    [Fact]
    public void Files_cut_anywhere_and_files_with_any_byte_changed_are_never_a_surprise()
    {
        byte[] onnx = s_onnx;
        var random = new Random(TestSeed.Or(5));
        for (int i = 0; i < 300; i++)
        {
            Assert.False(AutoencoderGraph.TryRead(onnx.AsSpan(0, random.Next(onnx.Length)), out _, out string why));
            Assert.NotEmpty(why);
            byte[] changed = [.. onnx];
            changed[random.Next(onnx.Length)] ^= (byte)(1 << random.Next(8));
            AutoencoderGraph.TryRead(changed, out _, out _);
        }
    }

    [Fact]
    public void A_graph_that_only_looks_alike_is_left_to_onnx_runtime()
    {
        var tiny = new TinyModel();
        Assert.False(AutoencoderGraph.TryRead(tiny.Onnx(), out _, out string why));
        Assert.Contains("Transpose where Abs should be", why);
    }

    private static bool Runs(SimdTier tier) => tier switch
    {
        SimdTier.Vector512 => Vector512.IsHardwareAccelerated,
        SimdTier.Vector256 => Vector256.IsHardwareAccelerated,
        SimdTier.Vector128 => Lanes128.IsSupported,
        _ => false,
    };

    private static AutoencoderGraph Graph(byte[] onnx)
    {
        Assert.True(AutoencoderGraph.TryRead(onnx, out AutoencoderGraph? graph, out string why), why);
        return graph;
    }

    private static float[] Outputs(AutoencoderKernel kernel, SimdTier tier, int rows)
    {
        using var session = new ModelSession(kernel, tier);
        var random = new Random(3);
        for (int i = 0; i < Limits.ScoringChunk * kernel.Graph.Lags * FeatureNames.Count; i++) session.Features[i] = random.NextSingle() * 12 - 6;
        for (int row = 0; row < Limits.ScoringChunk; row++) session.SensorType[row * SensorTypes.Count + row % SensorTypes.Count] = 1;
        session.Run(rows);
        return [.. Enumerable.Range(0, rows).SelectMany(r => (float[])[session.Score[r], session.ReconstructionError[r], session.KindLogits[r * AnomalyKinds.Modelled]])];
    }
}
