using System.Runtime.InteropServices;
using FastIot.Emit;
using FastIot.Features;
using FastIot.Scoring;
using FastIot.Series;
using FastIot.Windows;

namespace FastIot.Tests.DeterministicSimulation;

/// <summary>
/// A score that depends on every bit of a series' slow state, its history, its window and the model's version: whatever is not as it was in
/// an uninterrupted run shows in an alarm or a row.
/// </summary>
internal sealed unsafe class SimScorer(int version, FeatureSpec spec) : IWindowScorer
{
    private readonly float[] _history = new float[spec.Lags.Length * FeatureNames.Count];

    public void Score(WindowBatch batch, FeatureState features, SeriesTable series)
    {
        batch.Scored = batch.Count;
        for (int row = 0; row < batch.Count; row++)
        {
            int slot = batch.Slot[row];
            fixed (float* history = _history) features.Gather(slot, history);
            ulong hash = Mix(0x9E3779B97F4A7C15UL * (ulong)(version + 1), MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref features[slot], 1)));
            hash = Mix(hash, MemoryMarshal.AsBytes(_history.AsSpan()));
            hash = Mix(hash, MemoryMarshal.AsBytes(batch.Phi.Span.Slice(row * FeatureNames.Count, FeatureNames.Count)));
            hash = Mix(hash, series.SensorId(slot));
            bool alarm = (hash >> 40) % 3 == 0;
            batch.AnomalyScore[row] = (uint)hash >> 8;
            batch.ReconstructionError[row] = (uint)(hash >> 32) >> 8;
            batch.FalseAlarmsPerDay[row] = (hash >> 20) & 1023;
            batch.IsAnomaly[row] = alarm ? (byte)1 : (byte)0;
            batch.Kind[row] = alarm ? (sbyte)AnomalyKind.Unknown : FeatureRows.NoKind;
            batch.KindScores.Span.Slice(row * AnomalyKinds.Modelled, AnomalyKinds.Modelled).Clear();
        }
    }

    public void Dispose()
    {
    }

    private static ulong Mix(ulong hash, ReadOnlySpan<byte> bytes)
    {
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes)) hash = (hash ^ word) * 0x100000001B3UL ^ hash >> 29;
        foreach (byte rest in bytes[(bytes.Length & ~7)..]) hash = (hash ^ rest) * 0x100000001B3UL;
        return hash ^ hash >> 31;
    }
}
