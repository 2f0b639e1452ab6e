using System.Diagnostics;
using FastIot.Scoring;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Bench;

/// <summary>ONNX Runtime and nothing else: the shipped model on every core, in batches of 256 windows over fixed memory.</summary>
internal static class RawModel
{
    public static void Run(int seconds)
    {
        using Model model = ModelRepository.Load(Path.Combine(AppContext.BaseDirectory, "models"), "anomaly_detector", "latest", ExecutionProvider.Cpu, NullLogger.Instance, onnxRuntimeOnly: true);
        long batches = 0;
        long started = Stopwatch.GetTimestamp();
        var threads = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(() =>
        {
            using ModelSession session = model.CreateSession();
            while (Stopwatch.GetElapsedTime(started).TotalSeconds < seconds)
            {
                session.Run();
                Interlocked.Increment(ref batches);
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        double perSecond = batches / Stopwatch.GetElapsedTime(started).TotalSeconds;
        Console.WriteLine($"  {perSecond:0} batches of {Limits.ScoringChunk} a second ({perSecond * Limits.ScoringChunk:0} windows) on {threads.Count} threads");
    }
}
