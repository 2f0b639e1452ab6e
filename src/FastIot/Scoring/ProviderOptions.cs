namespace FastIot.Scoring;

/// <summary>Where a model runs, and with what of it.</summary>
public sealed record ProviderOptions
{
    public ExecutionProvider Provider { get; init; } = ExecutionProvider.Auto;

    /// <summary>Number of the GPU.</summary>
    public int Device { get; init; }

    /// <summary>Bytes of GPU memory at most; 0 = no limit. The arena grows by what is asked for, and never shrinks.</summary>
    public long MemoryLimitBytes { get; init; }

    /// <summary>Capture the graph once per fixed batch size and replay it; for models without control flow, all of whose nodes run on the GPU.</summary>
    public bool CudaGraphs { get; init; }

    /// <summary>Folder for TensorRT's compiled engines, which take minutes to make; empty = compiled at each start.</summary>
    public string EngineCache { get; init; } = "";

    internal Dictionary<string, string> Cuda()
    {
        var options = new Dictionary<string, string> { ["device_id"] = $"{Device}", ["arena_extend_strategy"] = "kSameAsRequested" };
        if (MemoryLimitBytes > 0) options["gpu_mem_limit"] = $"{MemoryLimitBytes}";
        if (CudaGraphs) options["enable_cuda_graph"] = "1";
        return options;
    }

    internal Dictionary<string, string> TensorRt()
    {
        var options = new Dictionary<string, string> { ["device_id"] = $"{Device}" };
        if (MemoryLimitBytes > 0) options["trt_max_workspace_size"] = $"{MemoryLimitBytes}";
        if (CudaGraphs) options["trt_cuda_graph_enable"] = "1";
        if (EngineCache.Length == 0) return options;
        options["trt_engine_cache_enable"] = "1";
        options["trt_engine_cache_path"] = EngineCache;
        return options;
    }
}
