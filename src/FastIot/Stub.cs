namespace FastIot.Decode
{
    public sealed record DecodeOptions;
    internal sealed unsafe class ReadingDecoder(DecodeOptions o) : IDisposable
    {
        public int Index; public ReadOnlySpan<byte> Current => default;
        public void Open(byte* p, int n) { _ = o; }
        public bool Next(out Reading r, out Rejection j) { r = default; j = default; return false; }
        public void Dispose() { }
    }
}
namespace FastIot.Emit
{
    public sealed class FeatureFileWriter
    {
        public bool TryEnqueue(FeatureRows r) => true; public FeatureRows Rent(int n) => new(n);
        public long StoredUpToUs(int p) => p; public void Flush(TimeSpan t) { } public Exception? Fault => null; public string Location => "";
    }
}
namespace FastIot.Scoring
{
    public sealed class ModelManifest { public IReadOnlyList<int> Lags = []; }
    public sealed class Model { public string Label = ""; public ModelManifest Manifest = new(); public ModelSession CreateSession() => new(); public AlarmThresholds Thresholds(double b) => new(); }
    public sealed unsafe class ModelSession : IDisposable { public float* Features, SensorType, Score, KindLogits, ReconstructionError; public void Run() { } public void Dispose() { } }
    public sealed class AlarmThresholds { public Verdict Judge(float s, float r, SensorType t) => default; }
    public readonly record struct Verdict(float AnomalyScore, float FalseAlarmsPerDay, bool IsAnomaly, bool ByHead);
}
namespace FastIot
{
    internal sealed class AnomalyComposer(int p, PipelineOptions o, Series.SeriesTable s, Features.FeatureState f, Windows.PaneRing r, string? model) : IDisposable
    {
        public bool HasModel => model != null; public string Model => model!;
        public ReadOnlySpan<byte> Compose(Windows.WindowBatch b, int row) { _ = p; _ = o; _ = s; _ = f; _ = r; return default; }
        public void Dispose() { }
    }
}
