using System.Runtime.InteropServices;
using FastIot.Scoring;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace FastIot.Serving;

/// <summary>
/// An ONNX graph that is served: its inputs and outputs, and how rows of several requests are run together. Any number of threads may run it
/// at once; each has a <see cref="Lane"/> of its own.
/// </summary>
internal sealed class ServedGraph : IDisposable
{
    private readonly InferenceSession _session;
    private readonly string[] _inputNames;
    private readonly string[] _outputNames;

    /// <exception cref="ModelException">ONNX Runtime refuses the graph, or it has what cannot be served.</exception>
    public ServedGraph(ModelFiles files, SessionOptions options)
    {
        try
        {
            _session = files.Path != null ? new InferenceSession(files.Path, options) : new InferenceSession(files.Onnx, options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new ModelException($"{files}: ONNX Runtime refuses the graph: {e.Message}", e);
        }

        try
        {
            Inputs = GraphTensor.Of(_session.InputNames, _session.InputMetadata);
            Outputs = GraphTensor.Of(_session.OutputNames, _session.OutputMetadata);
        }
        catch (ModelException e)
        {
            _session.Dispose();
            throw new ModelException($"{files}: {e.Message}");
        }

        _inputNames = [.. Inputs.Select(i => i.Name)];
        _outputNames = [.. Outputs.Select(o => o.Name)];
        IsBatched = DeclaresBatch();
    }

    public GraphTensor[] Inputs { get; }

    public GraphTensor[] Outputs { get; }

    /// <summary>
    /// Whether rows of several requests may run together: the first dimension of every input and output is one and the same free one.
    /// Becomes false when a run shows that it is not.
    /// </summary>
    public bool IsBatched { get; private set; }

    /// <summary>Runs inputs as they are.</summary>
    /// <exception cref="OnnxRuntimeException"/>
    public Tensor[] Run(RunOptions run, Tensor[] inputs)
    {
        OrtValue[] values = [.. inputs.Select(t => t.ToOrtValue())];
        try
        {
            using IDisposableReadOnlyCollection<OrtValue> results = _session.Run(run, _inputNames, values, _outputNames);
            return [.. results.Select(r => Tensor.CopyOf(r, 0, -1))];
        }
        finally
        {
            foreach (OrtValue value in values) value.Dispose();
        }
    }

    /// <summary>Options of a run whose errors are told to the client only.</summary>
    public static RunOptions Quiet() => new() { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };

    /// <summary>One thread's memory for batches.</summary>
    public Lane CreateLane() => new(this);

    public void Dispose() => _session.Dispose();

    private bool DeclaresBatch()
    {
        string symbol = Inputs.Length > 0 && Inputs[0].HasFreeRows ? Inputs[0].Symbols[0] : "";
        // Dimensions without a name are not known to be the same one; by far most of them are, and the first batch shows it.
        return Inputs.Length > 0 && Outputs.Length > 0 && Inputs.Concat(Outputs).All(t => t.HasFreeRows && t.Symbols[0] == symbol);
    }

    internal sealed unsafe class Lane(ServedGraph graph) : IDisposable
    {
        private readonly RunOptions _run = Quiet();
        private readonly NativeArray<byte>[] _memory = [.. graph.Inputs.Select(_ => new NativeArray<byte>(0))];

        public ServedGraph Graph => graph;

        /// <summary>Runs the requests' rows as one batch and gives each its part of the outputs.</summary>
        /// <param name="jobs">Their inputs have the same shapes but for the rows.</param>
        /// <param name="rows">Rows to run; those behind the requests' own repeat the last one.</param>
        /// <exception cref="OnnxRuntimeException"/>
        public void Run(List<PredictJob> jobs, long rows)
        {
            if (jobs.Count == 1 && jobs[0].Rows == rows)
            {
                jobs[0].Outputs = graph.Run(_run, jobs[0].Inputs);
                return;
            }

            var values = new OrtValue[graph.Inputs.Length];
            try
            {
                for (int i = 0; i < values.Length; i++) values[i] = Concatenate(jobs, i, rows);
                using IDisposableReadOnlyCollection<OrtValue> results = graph._session.Run(_run, graph._inputNames, values, graph._outputNames);
                if (!Array.TrueForAll([.. results], r => r.GetTensorTypeAndShape().Shape is { Length: > 0 } shape && shape[0] == rows))
                {
                    graph.IsBatched = false;
                    RunApart(jobs);
                    return;
                }

                long first = 0;
                foreach (PredictJob job in jobs)
                {
                    job.Outputs = [.. results.Select(r => Tensor.CopyOf(r, first, job.Rows))];
                    first += job.Rows;
                }
            }
            finally
            {
                foreach (OrtValue? value in values) value?.Dispose();
            }
        }

        /// <summary>Each request by itself: what is wrong with one is not its neighbours' fault.</summary>
        public void RunApart(List<PredictJob> jobs)
        {
            foreach (PredictJob job in jobs)
            {
                try
                {
                    job.Outputs = graph.Run(_run, job.Inputs);
                }
                catch (OnnxRuntimeException e)
                {
                    job.Fault = new ServingException(ServingStatus.InvalidArgument, e.Message, e);
                }
            }
        }

        public void Dispose()
        {
            _run.Dispose();
            foreach (NativeArray<byte> memory in _memory) memory.Dispose();
        }

        private OrtValue Concatenate(List<PredictJob> jobs, int input, long rows)
        {
            Tensor head = jobs[0].Inputs[input];
            long[] shape = [rows, .. head.Shape.AsSpan(1)];
            if (head.Type == TensorElementType.String) return ConcatenateStrings(jobs, input, shape);
            long perRow = head.Bytes / head.Rows, at = 0;
            NativeArray<byte> memory = _memory[input];
            if (memory.Length < perRow * rows) memory.Grow(checked((int)Math.Max(perRow * rows, memory.Length * 2L)));
            foreach (PredictJob job in jobs)
            {
                Tensor part = job.Inputs[input];
                NativeMemory.Copy(part.Data, memory.Pointer + at, (nuint)part.Bytes);
                at += part.Bytes;
            }

            for (; at < perRow * rows; at += perRow) NativeMemory.Copy(memory.Pointer + at - perRow, memory.Pointer + at, (nuint)perRow);
            return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, head.Type, shape, (nint)memory.Pointer, perRow * rows);
        }

        private static OrtValue ConcatenateStrings(List<PredictJob> jobs, int input, long[] shape)
        {
            using Tensor all = Tensor.Allocate(TensorElementType.String, shape);
            int at = 0;
            foreach (PredictJob job in jobs)
            {
                job.Inputs[input].Strings.CopyTo(all.Strings.AsSpan(at));
                at += job.Inputs[input].Strings!.Length;
            }

            all.Strings.AsSpan(at).Fill([]);
            return all.ToOrtValue();
        }
    }
}
