using System.Diagnostics;
using FastIot.Features;
using FastIot.Scoring;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Scoring;

public sealed unsafe class ModelSessionTests
{
    private static readonly TinyModel s_tiny = new();

    [Fact]
    public void Every_row_is_scored_by_its_own_inputs()
    {
        using Model model = Load();
        using ModelSession session = model.CreateSession();
        int row = s_tiny.Lags.Length * FeatureNames.Count;
        for (int r = 0; r < Limits.ScoringChunk; r++)
        {
            new Span<float>(session.Features + r * row, row).Fill(r);
            session.SensorType[r * SensorTypes.Count + r % SensorTypes.Count] = 1;
        }

        session.Run();
        for (int r = 0; r < Limits.ScoringChunk; r++)
        {
            Assert.Equal((float)r * r, session.ReconstructionError[r], r * r * 1e-6f);
            Assert.True(float.IsFinite(session.Score[r]));
            for (int k = 0; k < AnomalyKinds.Modelled; k++)
                Assert.Equal(session.KindLogits[r % SensorTypes.Count * AnomalyKinds.Modelled + k], session.KindLogits[r * AnomalyKinds.Modelled + k]);
        }

        Assert.NotEqual(session.Score[0], session.Score[1]);
    }

    [Fact]
    public void A_series_scores_the_same_bits_in_any_place()
    {
        using Model model = Load();
        PlaceInChunk.DoesNotMatter(model);
    }

    [Fact]
    public void Buffers_start_at_cache_lines()
    {
        using Model model = Load();
        using ModelSession session = model.CreateSession();
        foreach (nint address in (nint[])[(nint)session.Features, (nint)session.SensorType, (nint)session.Score, (nint)session.KindLogits, (nint)session.ReconstructionError])
            Assert.Equal(0, address % 64);
    }

    [Fact]
    public void Running_allocates_nothing()
    {
        using Model model = Load();
        using ModelSession session = model.CreateSession();
        session.Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++) session.Run();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Sessions_of_one_model_run_side_by_side()
    {
        using Model model = Load();
        float[] scores = new float[4];
        Parallel.For(0, scores.Length, i =>
        {
            using ModelSession session = model.CreateSession();
            new Span<float>(session.Features, FeatureNames.Count).Fill(1);
            for (int k = 0; k < 20; k++) session.Run();
            scores[i] = session.Score[0];
        });
        Assert.All(scores, s => Assert.Equal(scores[0], s));
    }

    /// <summary>
    /// Windows hold what their readings say, subnormal numbers included, whether a model is loaded or not. ONNX Runtime would change the
    /// thread of a process's first session only, so this needs a process in which nothing else came before.
    /// </summary>
    [Fact]
    public void Loading_a_model_leaves_the_arithmetic_of_its_thread_and_of_threads_started_there_alone()
    {
        if (Environment.GetEnvironmentVariable(AloneVariable) == null)
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, Environment = { [AloneVariable] = "1" } };
            string method = $"{typeof(ModelSessionTests).FullName}.{nameof(Loading_a_model_leaves_the_arithmetic_of_its_thread_and_of_threads_started_there_alone)}";
            foreach (string argument in (string[])["-noColor", "-method", method]) start.ArgumentList.Add(argument);
            using Process alone = Process.Start(start)!;
            string output = alone.StandardOutput.ReadToEnd();
            alone.WaitForExit();
            Assert.True(alone.ExitCode == 0 && output.Contains("Total: 1,"), output);
            return;
        }

        bool here = false, child = false;
        var thread = new Thread(() =>
        {
            using Model model = Load();
            using ModelSession session = model.CreateSession();
            session.Run();
            here = KeepsSubnormals();
            var started = new Thread(() => child = KeepsSubnormals());
            started.Start();
            started.Join();
        });
        thread.Start();
        thread.Join();
        Assert.True(here && child, $"subnormal doubles are kept: on the loading thread {here}, on one started by it {child}");
    }

    private const string AloneVariable = "FASTIOT_TEST_ALONE";

    private static bool KeepsSubnormals() => s_tinyNumber / s_two > 0;

    // Not constants: the compiler would do the division.
    private static readonly double s_tinyNumber = double.Parse("3e-308");
    private static readonly double s_two = double.Parse("4");

    private static Model Load() => new(s_tiny.Onnx(), s_tiny.Manifest(), ExecutionProvider.Cpu, NullLogger.Instance);
}
