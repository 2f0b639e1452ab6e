using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;

namespace FastIot.Scoring;

/// <summary>Where the model runs.</summary>
public enum ExecutionProvider
{
    /// <summary>CUDA where there is one, else the CPU.</summary>
    Auto,
    Cpu,
    Cuda,
    TensorRt,
}

internal static partial class ExecutionProviders
{
    /// <summary>
    /// Adds the provider to a session's options. <see cref="ExecutionProvider.Auto"/> falls back to the CPU with one line in the log;
    /// what was asked for by name and is not there is an error.
    /// </summary>
    /// <returns>The provider in force.</returns>
    /// <exception cref="ModelException"/>
    public static ExecutionProvider Append(SessionOptions session, ExecutionProvider wanted, ILogger log) => Append(session, new ProviderOptions { Provider = wanted }, log);

    /// <inheritdoc cref="Append(SessionOptions, ExecutionProvider, ILogger)"/>
    public static ExecutionProvider Append(SessionOptions session, ProviderOptions options, ILogger log)
    {
        ExecutionProvider wanted = options.Provider;
        if (wanted == ExecutionProvider.Cpu) return wanted;
        string[] available = OrtEnv.Instance().GetAvailableProviders();
        string name = wanted == ExecutionProvider.TensorRt ? "TensorrtExecutionProvider" : "CUDAExecutionProvider";
        if (!available.Contains(name))
        {
            if (wanted == ExecutionProvider.Auto)
            {
                FellBack(log, $"this build of ONNX Runtime has {string.Join(", ", available)}");
                return ExecutionProvider.Cpu;
            }

            throw new ModelException($"the execution provider {wanted} is not in this build, which has {string.Join(", ", available)}: publish with -p:OnnxRuntime=Gpu, or choose --provider cpu");
        }

        try
        {
            if (wanted == ExecutionProvider.TensorRt) AppendTensorRt(session, options);
            AppendCuda(session, options);
            return wanted == ExecutionProvider.Auto ? ExecutionProvider.Cuda : wanted;
        }
        catch (OnnxRuntimeException e)
        {
            if (wanted != ExecutionProvider.Auto)
                throw new ModelException($"the execution provider {wanted} cannot be used: {e.Message} (are the driver, CUDA and cuDNN installed?)", e);
            FellBack(log, e.Message);
            return ExecutionProvider.Cpu;
        }
    }

    private static void AppendTensorRt(SessionOptions session, ProviderOptions options)
    {
        using var tensorRt = new OrtTensorRTProviderOptions();
        tensorRt.UpdateOptions(options.TensorRt());
        session.AppendExecutionProvider_Tensorrt(tensorRt);
    }

    /// <summary>Also behind TensorRT, for what it cannot run.</summary>
    private static void AppendCuda(SessionOptions session, ProviderOptions options)
    {
        using var cuda = new OrtCUDAProviderOptions();
        cuda.UpdateOptions(options.Cuda());
        session.AppendExecutionProvider_CUDA(cuda);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "scoring on the CPU: {why}")]
    private static partial void FellBack(ILogger log, string why);
}
