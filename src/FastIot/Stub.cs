namespace FastIot.Scoring;

public sealed class ModelManifest { public IReadOnlyList<int> Lags = []; }
public sealed class Model { public string Label = ""; public ModelManifest Manifest = new(); public ModelSession CreateSession() => new(); public AlarmThresholds Thresholds(double b) => new(); }
public sealed unsafe class ModelSession : IDisposable { public float* Features, SensorType, Score, KindLogits, ReconstructionError; public void Run() { } public void Dispose() { } }
public sealed class AlarmThresholds { public Verdict Judge(float s, float r, SensorType t) => default; }
public readonly record struct Verdict(float AnomalyScore, float FalseAlarmsPerDay, bool IsAnomaly, bool ByHead);
