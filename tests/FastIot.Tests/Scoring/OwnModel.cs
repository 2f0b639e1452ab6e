using System.Globalization;
using FastIot.Training;

namespace FastIot.Tests.Scoring;

/// <summary>
/// A model as a user brings it along: an LSTM autoencoder on the six plain statistics of the last six windows, [batch, 6, 6] in and out,
/// standardised by constants, with names that some other framework gave; and its model.json, written by hand.
/// </summary>
internal static class OwnModel
{
    public const int Lags = 6;
    public static readonly double[] Mean = [30, 1, 28, 32, 58, 4];
    public static readonly double[] Scale = [20, 2, 20, 20, 5, 6];
    private const int F = 6, Hidden = 12;

    public static byte[] Autoencoder()
    {
        var random = new Random(5);
        var g = new OnnxGraph("keras_model");
        string input = g.Node("Transpose", [g.Input("lstm_input", Lags, F)], ("perm", new long[] { 1, 0, 2 }));
        string state = Lstm(g, random, input, F)[1];
        string repeated = g.Node("Expand", [state, g.Constant(Lags, 1L, 1L)]);
        string decoded = g.Node("Squeeze", [Lstm(g, random, repeated, Hidden)[0], g.Constant(1L)]);
        string output = g.Node("MatMul", [decoded, Weights(g, random, Hidden, F)]);
        g.Node("Transpose", [output], ["time_distributed"], ("perm", new long[] { 1, 0, 2 }));
        g.Output("time_distributed", Lags, F);
        return g.ToArray();
    }

    /// <summary>A score [batch, 1] on two transformed features and a plain one: the largest of the newest window.</summary>
    public static byte[] Scorer()
    {
        var g = new OnnxGraph("scorer");
        string newest = g.Node("Gather", [g.Input("features", 1, 3), g.ScalarIndex(0)], ("axis", 1L));
        g.Node("ReduceMax", [newest], ["y"], ("axes", new long[] { 1 }), ("keepdims", 1L));
        g.Output("y", 1);
        return g.ToArray();
    }

    /// <returns>The folder of the version.</returns>
    public static string Save(string models, string name, byte[] onnx, string manifest)
    {
        string folder = Path.Combine(models, name, "1");
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), onnx);
        File.WriteAllText(Path.Combine(folder, "model.json"), manifest);
        return folder;
    }

    public static string AutoencoderManifest(string name) => $$"""
        {
          "name": "{{name}}", "version": 1,
          "features": {
            "names": ["raw_mean", "raw_stddev", "raw_min", "raw_max", "raw_count", "raw_range"],
            "raw_mean": [{{Join(Mean)}}], "raw_scale": [{{Join(Scale)}}],
            "lags": [5, 4, 3, 2, 1, 0]
          },
          "graph": { "inputs": { "features": "lstm_input" }, "outputs": { "reconstruction": "time_distributed" } }
        }
        """;

    public const string ScorerManifest = """
        {
          "name": "scorer", "version": 1,
          "features": {
            "names": ["log_range", "raw_stddev", "level_5min"], "raw_mean": [0], "raw_scale": [4], "lags": [0],
            "floors": [0.25, 0.06, 0.25, 0.25, 0.8, 0.06, 0.06, 0.08, 0.05, 0.08, 0.25, 0.25],
            "baseline_windows": 360, "level_windows": [180, 720, 30], "winsorise_after": 30, "winsorise_at": 3, "alarm_gain": 0.1
          },
          "graph": { "inputs": { "features": "features" }, "outputs": { "score": "y" } }
        }
        """;

    private static string Join(double[] values) => string.Join(", ", values.Select(v => v.ToString(CultureInfo.InvariantCulture)));

    private static string[] Lstm(OnnxGraph g, Random random, string input, int inputs) =>
        g.Node("LSTM", [input, Weights(g, random, 1, 4 * Hidden, inputs), Weights(g, random, 1, 4 * Hidden, Hidden)], [g.Next("all"), g.Next("last")], ("hidden_size", (long)Hidden));

    private static string Weights(OnnxGraph g, Random random, params int[] shape) =>
        g.Constant([.. Enumerable.Range(0, shape.Aggregate((a, b) => a * b)).Select(_ => random.NextSingle() - .5f)], shape);
}
