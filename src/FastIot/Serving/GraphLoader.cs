using System.Globalization;
using FastIot.Scoring;
using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace FastIot.Serving;

/// <summary>
/// Loads a graph on the provider that is wanted, tries it out, and compares it with the CPU. Inputs for that are made up: a model may refuse
/// them, which says nothing against it.
/// </summary>
internal sealed partial class GraphLoader(ProviderOptions provider, ILogger log)
{
    /// <summary>Two providers may differ by this much of a value's size, and as much in itself.</summary>
    private const double Tolerance = 1e-3;

    /// <summary>Loads and warms a graph.</summary>
    /// <param name="degraded">Why it runs on the CPU although something else was wanted; null where all is as wanted.</param>
    /// <exception cref="ModelException">The graph cannot be loaded.</exception>
    public ServedGraph Load(ModelFiles files, BatchOptions batch, out ExecutionProvider used, out string? degraded)
    {
        degraded = null;
        using SessionOptions options = Options(batch);
        used = ExecutionProviders.Append(options, provider, log);
        if (used == ExecutionProvider.Cpu) return Warm(new ServedGraph(files, options), batch);
        try
        {
            ServedGraph graph = Warm(new ServedGraph(files, options), batch);
            degraded = Differs(graph, files, batch);
            if (degraded == null) return graph;
            graph.Dispose();
        }
        catch (ModelException e)
        {
            degraded = e.Message;
        }

        Degraded(log, files.ToString(), degraded);
        used = ExecutionProvider.Cpu;
        return LoadOnCpu(files, batch);
    }

    /// <exception cref="ModelException">The graph cannot be loaded.</exception>
    public ServedGraph LoadOnCpu(ModelFiles files, BatchOptions batch)
    {
        using SessionOptions options = Options(batch);
        return Warm(new ServedGraph(files, options), batch);
    }

    private static SessionOptions Options(BatchOptions batch)
    {
        SessionOptions options = Model.Options();
        options.IntraOpNumThreads = batch.Threads;
        // What a client has sent wrong is the client's to know, and no line in the log.
        options.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;
        return options;
    }

    /// <summary>The first run of a shape allocates, and on a GPU compiles; clients should not wait for it.</summary>
    private ServedGraph Warm(ServedGraph graph, BatchOptions batch)
    {
        try
        {
            using RunOptions run = ServedGraph.Quiet();
            foreach (int rows in batch.Sizes.Length > 0 ? batch.Sizes : [1]) Free(RunMadeUp(graph, run, rows));
        }
        catch (OnnxRuntimeException e)
        {
            WarmUpRefused(log, e.Message);
        }

        return graph;
    }

    /// <summary>Runs the same inputs here and on the CPU.</summary>
    /// <returns>What differs; null where nothing does, or where the CPU refuses the inputs too.</returns>
    internal string? Differs(ServedGraph graph, ModelFiles files, BatchOptions batch)
    {
        using ServedGraph cpu = LoadOnCpu(files, batch);
        using RunOptions run = ServedGraph.Quiet();
        int rows = batch.Sizes.Length > 0 ? batch.Sizes[0] : 2;
        Tensor[] expected;
        try
        {
            expected = RunMadeUp(cpu, run, rows);
        }
        catch (OnnxRuntimeException)
        {
            return null;
        }

        try
        {
            return Compare(graph.Outputs, expected, RunMadeUp(graph, run, rows));
        }
        catch (OnnxRuntimeException e)
        {
            return e.Message;
        }
    }

    /// <returns>The first value that is not close; null where all are.</returns>
    internal static string? Compare(GraphTensor[] outputs, Tensor[] expected, Tensor[] actual)
    {
        try
        {
            for (int i = 0; i < outputs.Length; i++)
            {
                if (expected[i].Type != TensorElementType.Float) continue;
                ReadOnlySpan<float> e = expected[i].Values<float>(), a = actual[i].Values<float>();
                if (e.Length != a.Length) return $"output {outputs[i].Name} has {a.Length} values, on the CPU {e.Length}";
                for (int k = 0; k < e.Length; k++)
                {
                    bool close = Math.Abs(e[k] - a[k]) <= Tolerance * (1 + Math.Abs(e[k])) || e[k].Equals(a[k]);
                    if (!close) return string.Create(CultureInfo.InvariantCulture, $"output {outputs[i].Name}[{k}] is {a[k]}, on the CPU {e[k]}");
                }
            }

            return null;
        }
        finally
        {
            Free(expected);
            Free(actual);
        }
    }

    private static Tensor[] RunMadeUp(ServedGraph graph, RunOptions run, int rows)
    {
        Tensor[] inputs = MadeUp(graph, rows);
        try
        {
            return graph.Run(run, inputs);
        }
        finally
        {
            Free(inputs);
        }
    }

    /// <summary>Small numbers, the same ones each time; free dimensions are 1, rows as asked for.</summary>
    private static unsafe Tensor[] MadeUp(ServedGraph graph, int rows) => [.. graph.Inputs.Select(input =>
    {
        long[] shape = [.. input.Shape.Select((size, i) => size >= 0 ? size : i == 0 ? rows : 1)];
        Tensor tensor = Tensor.Allocate(input.Type, shape);
        var random = new Random(1);
        for (int i = 0; i < tensor.Elements; i++)
        {
            switch (input.Type)
            {
                case TensorElementType.Float: ((float*)tensor.Data)[i] = random.NextSingle(); break;
                case TensorElementType.Double: ((double*)tensor.Data)[i] = random.NextDouble(); break;
                case TensorElementType.String: tensor.Strings![i] = "0"u8.ToArray(); break;
                default: new Span<byte>(tensor.Data + i * TensorTypes.Size(input.Type), TensorTypes.Size(input.Type)).Clear(); break;
            }
        }

        return tensor;
    })];

    private static void Free(Tensor[] tensors)
    {
        foreach (Tensor tensor in tensors) tensor.Dispose();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{model} runs on the CPU: {why}")]
    internal static partial void Degraded(ILogger log, string model, string why);

    [LoggerMessage(Level = LogLevel.Debug, Message = "made-up inputs for warming up were refused: {why}")]
    private static partial void WarmUpRefused(ILogger log, string why);
}
