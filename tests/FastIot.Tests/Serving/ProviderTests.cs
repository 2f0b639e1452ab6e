using FastIot.Scoring;
using FastIot.Serving;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Tensor = FastIot.Serving.Tensor;

namespace FastIot.Tests.Serving;

/// <summary>Everything about devices that can be told without one.</summary>
public sealed class ProviderTests
{
    [Fact]
    public async Task Where_the_device_fails_and_the_cpu_does_not_the_cpu_goes_on()
    {
        // The "device" knows fewer indices than the CPU: what it refuses, the CPU can run.
        using var batcher = new Batcher("gather:1", Gather(3), ExecutionProvider.Cuda, degraded: false, () => Gather(50), new BatchOptions(), new ComputeSlots(1), new VersionMetrics(), NullLogger.Instance);
        Assert.Null(await RunAsync(batcher, 1));
        Assert.Equal((ExecutionProvider.Cuda, false), (batcher.Provider, batcher.IsDegraded));
        Assert.Null(await RunAsync(batcher, 40));
        Assert.Equal((ExecutionProvider.Cpu, true), (batcher.Provider, batcher.IsDegraded));
        Assert.Null(await RunAsync(batcher, 2));
    }

    [Fact]
    public async Task Inputs_that_the_cpu_refuses_too_are_the_clients_fault()
    {
        int loaded = 0;
        using var batcher = new Batcher("gather:1", Gather(3), ExecutionProvider.Cuda, degraded: false, () => Gather(3 + 0 * loaded++), new BatchOptions(), new ComputeSlots(1), new VersionMetrics(), NullLogger.Instance);
        for (int i = 0; i < 3; i++) Assert.Equal(ServingStatus.InvalidArgument, (await RunAsync(batcher, 40))!.Status);
        Assert.Equal((ExecutionProvider.Cuda, false, 1), (batcher.Provider, batcher.IsDegraded, loaded));
    }

    [Theory]
    [InlineData(1f, 1.0005f, true)]
    [InlineData(1f, 1.01f, false)]
    [InlineData(1000f, 1000.5f, true)]
    [InlineData(float.NaN, float.NaN, true)]
    [InlineData(float.NaN, 1f, false)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity, true)]
    public void A_provider_is_as_good_as_the_cpu_when_its_numbers_are_close(float onCpu, float there, bool good)
    {
        using ServedGraph graph = Gather(3);
        Assert.Equal(good, GraphLoader.Compare(graph.Outputs, [One(onCpu)], [One(there)]) == null);
    }

    [Fact]
    public void Device_memory_graphs_and_engines_become_options_of_the_provider()
    {
        var options = new ProviderOptions { Device = 2, MemoryLimitBytes = 1 << 30, CudaGraphs = true, EngineCache = "/engines" };
        Assert.Equal(("2", "1073741824", "1", "kSameAsRequested"), (options.Cuda()["device_id"], options.Cuda()["gpu_mem_limit"], options.Cuda()["enable_cuda_graph"], options.Cuda()["arena_extend_strategy"]));
        Assert.Equal(("2", "/engines", "1"), (options.TensorRt()["device_id"], options.TensorRt()["trt_engine_cache_path"], options.TensorRt()["trt_cuda_graph_enable"]));
        Assert.False(new ProviderOptions().Cuda().ContainsKey("gpu_mem_limit"));
    }

    private static unsafe Task<ServingException?> RunAsync(Batcher batcher, long index)
    {
        var input = Tensor.Allocate(TensorElementType.Int64, [1]);
        *(long*)input.Data = index;
        return RunAsync(batcher, input);
    }

    private static async Task<ServingException?> RunAsync(Batcher batcher, Tensor input)
    {
        using var job = new PredictJob([input], TimeSpan.FromSeconds(30), CancellationToken.None);
        Assert.True(batcher.TryEnqueue(job));
        await job.Completion;
        return job.Fault;
    }

    private static ServedGraph Gather(int size)
    {
        byte[] onnx = new GraphFile().Constant("table", [.. Enumerable.Range(0, size).Select(i => (float)i)]).Node("Gather", ["table", "i"], ["value"])
            .Input("i", GraphFile.Int64, "N").Output("value", GraphFile.Float, "N").ToArray();
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        return new ServedGraph(new ModelFiles { Name = "gather", Version = 1, Onnx = onnx, Sha256 = "" }, options);
    }

    private static unsafe Tensor One(float value)
    {
        var tensor = Tensor.Allocate(TensorElementType.Float, [1]);
        *(float*)tensor.Data = value;
        return tensor;
    }
}
