using FastIot.Scoring;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Scoring;

/// <summary>The shipped model, and versions that differ from it in number and calibration only.</summary>
internal static class ShippedModel
{
    private static readonly string s_folder = Path.Combine(TestEnvironment.Root, "models", "anomaly_detector");

    public static int Version { get; } = ModelRepository.Versions(s_folder)[^1];

    public static byte[] Onnx => Read().Onnx;

    public static Model Load(Func<ModelManifest, ModelManifest>? change = null, bool onnxRuntimeOnly = false)
    {
        (ModelManifest manifest, byte[] onnx) = Read();
        return new Model(onnx, change == null ? manifest : change(manifest), ExecutionProvider.Cpu, NullLogger.Instance, onnxRuntimeOnly);
    }

    /// <summary>Puts it under another number into a repository, as a copy of its folder would come to be there: file by file.</summary>
    public static void Save(string models, int number, Func<ModelManifest, ModelManifest>? change = null)
    {
        (ModelManifest manifest, byte[] onnx) = Read();
        manifest = manifest with { Version = number };
        string folder = Directory.CreateDirectory(Path.Combine(models, manifest.Name, $"{number}")).FullName;
        File.WriteAllBytes(Path.Combine(folder, "model.json"), (change == null ? manifest : change(manifest)).ToJson());
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), onnx);
    }

    /// <summary>As if healthy sensors raised so many times the false alarms: it alarms at less, or at more.</summary>
    public static ModelManifest Recalibrated(ModelManifest manifest, double times) =>
        manifest with { Combined = new CalibrationTable("*", manifest.Combined!.Scores, [.. manifest.Combined.RatesPerDay.Select(rate => rate * times)]) };

    private static (ModelManifest Manifest, byte[] Onnx) Read()
    {
        string folder = Path.Combine(s_folder, $"{Version}"), manifest = Path.Combine(folder, "model.json");
        return (ModelManifest.Parse(File.ReadAllBytes(manifest), manifest), File.ReadAllBytes(Path.Combine(folder, "model.onnx")));
    }
}
