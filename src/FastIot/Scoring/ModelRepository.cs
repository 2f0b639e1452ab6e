using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace FastIot.Scoring;

/// <summary>Models in a folder: NAME/VERSION/model.onnx with its model.json, versions whole numbers.</summary>
public static class ModelRepository
{
    /// <param name="version">A number, or "latest" for the highest there is.</param>
    /// <param name="onnxRuntimeOnly">See <see cref="Model"/>.</param>
    /// <exception cref="ModelException">No such model, or it cannot be used.</exception>
    public static Model Load(string folder, string name, string version, ExecutionProvider provider, ILogger log, bool onnxRuntimeOnly = false)
    {
        string path = Path.Combine(folder, name);
        int[] versions = Versions(path);
        if (versions.Length == 0) throw new ModelException($"there is no model \"{name}\" in {Path.GetFullPath(folder)}: it must have {name}/<number>/model.onnx. --models names another folder, --model none does without");
        int chosen = version == "latest" ? versions[^1] : Array.Find(versions, v => v.ToString(CultureInfo.InvariantCulture) == version);
        if (chosen == 0) throw new ModelException($"there is no version {version} of \"{name}\" in {Path.GetFullPath(folder)}; there are {string.Join(", ", versions)}");

        string at = Path.Combine(path, chosen.ToString(CultureInfo.InvariantCulture));
        byte[] onnx = Read(Path.Combine(at, "model.onnx"));
        string manifestPath = Path.Combine(at, "model.json");
        ModelManifest manifest = ModelManifest.Parse(Read(manifestPath), manifestPath);
        if (manifest.Name != name || manifest.Version != chosen) throw new ModelException($"{manifestPath} calls itself {manifest.Name}:{manifest.Version}, but lies under {name}/{chosen}");
        string hash = Convert.ToHexStringLower(SHA256.HashData(onnx));
        if (hash != manifest.OnnxSha256) throw new ModelException($"{at}/model.onnx is not the file that {manifestPath} describes: its SHA-256 is {hash}, not {manifest.OnnxSha256}");
        return new Model(onnx, manifest, provider, log, onnxRuntimeOnly);
    }

    /// <summary>Versions there are, rising.</summary>
    public static int[] Versions(string path)
    {
        if (!Directory.Exists(path)) return [];
        return [.. Directory.EnumerateDirectories(path)
            .Select(d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out int v) ? v : 0)
            .Where(v => v > 0).Order()];
    }

    private static byte[] Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelException($"{path} cannot be read: {e.Message}", e);
        }
    }
}
