using FastIot.Features;
using FastIot.Scoring;

namespace FastIot.Training;

/// <summary>A graph's raw outputs for sequences, by ONNX Runtime as the pipeline has it.</summary>
internal sealed record SequenceScores(float[] Score, float[] Error)
{
    public static SequenceScores Of(byte[] onnx, Sequences sequences, int[] rows, int threads)
    {
        float[] scores = new float[rows.Length], errors = new float[rows.Length];
        int part = (rows.Length + threads - 1) / threads;
        Parallel.For(0, threads, t =>
        {
            using ModelSession session = Session(onnx, sequences.Spec);
            Run(session, sequences, rows, Math.Min(t * part, rows.Length), Math.Min((t + 1) * part, rows.Length), scores, errors);
        });
        return new SequenceScores(scores, errors);
    }

    /// <summary>A session of a graph that <see cref="OnnxExport"/> wrote.</summary>
    public static ModelSession Session(byte[] onnx, FeatureSpec spec)
    {
        using Microsoft.ML.OnnxRuntime.SessionOptions options = Model.Options();
        return new ModelSession(onnx, GraphContract.Full, spec, options);
    }

    private static unsafe void Run(ModelSession session, Sequences sequences, int[] rows, int from, int to, float[] scores, float[] errors)
    {
        for (int first = from; first < to; first += Limits.ScoringChunk)
        {
            int count = Math.Min(Limits.ScoringChunk, to - first);
            new Span<float>(session.SensorType, Limits.ScoringChunk * SensorTypes.Count).Clear();
            for (int i = 0; i < count; i++)
            {
                sequences.Gather(rows[first + i], new Span<float>(session.Features + i * sequences.RowFloats, sequences.RowFloats));
                session.SensorType[i * SensorTypes.Count + sequences.Type(rows[first + i])] = 1;
            }

            session.Run();
            new Span<float>(session.Score, count).CopyTo(scores.AsSpan(first));
            new Span<float>(session.ReconstructionError, count).CopyTo(errors.AsSpan(first));
        }
    }
}
