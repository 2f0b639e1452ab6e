using FastIot.Scoring;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Scoring;

public sealed class ModelRepositoryTests : IDisposable
{
    private readonly string _models = Directory.CreateTempSubdirectory("fastiot-models-").FullName;

    public void Dispose() => Directory.Delete(_models, recursive: true);

    [Fact]
    public void Latest_is_the_highest_number_not_the_last_name()
    {
        foreach (int version in (int[])[2, 10, 9]) new TinyModel { Version = version }.Save(_models);
        Directory.CreateDirectory(Path.Combine(_models, "tiny", "zz-not-a-version"));
        using Model latest = Load("latest"), nine = Load("9");
        Assert.Equal("tiny:10", latest.Label);
        Assert.Equal("tiny:9", nine.Label);
    }

    [Fact]
    public void A_model_or_version_that_is_not_there_is_said_with_what_there_is()
    {
        new TinyModel { Version = 3 }.Save(_models);
        Assert.Contains("3", Assert.Throws<ModelException>(() => Load("4")).Message);
        string message = Assert.Throws<ModelException>(() => ModelRepository.Load(_models, "other", "latest", ExecutionProvider.Cpu, NullLogger.Instance)).Message;
        Assert.Contains(_models, message);
        Assert.Contains("other", message);
    }

    [Fact]
    public void A_graph_that_is_not_the_described_one_is_refused()
    {
        string folder = new TinyModel().Save(_models);
        byte[] onnx = File.ReadAllBytes(Path.Combine(folder, "model.onnx"));
        onnx[^1] ^= 1;
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), onnx);
        Assert.Contains("SHA-256", Assert.Throws<ModelException>(() => Load("latest")).Message);
    }

    [Fact]
    public void A_manifest_under_another_name_or_version_is_refused()
    {
        string folder = new TinyModel { Version = 1 }.Save(_models);
        Directory.Move(folder, Path.Combine(_models, "tiny", "2"));
        Assert.Contains("tiny:1", Assert.Throws<ModelException>(() => Load("latest")).Message);
    }

    [Fact]
    public void Missing_files_are_named()
    {
        string folder = new TinyModel().Save(_models);
        File.Delete(Path.Combine(folder, "model.json"));
        Assert.Contains("model.json", Assert.Throws<ModelException>(() => Load("latest")).Message);
    }

    public static TheoryData<string> Misfits => ["features", "score", "columns", "rows", "extra input", "lags", "no graph"];

    [Theory]
    [MemberData(nameof(Misfits))]
    public void A_graph_that_does_not_fit_the_contract_is_refused_when_loaded(string misfit)
    {
        var tiny = new TinyModel();
        byte[] onnx = misfit switch
        {
            "features" => (tiny with { FeaturesInput = "x" }).Onnx(),
            "score" => (tiny with { ScoreOutput = "y" }).Onnx(),
            "columns" => (tiny with { Columns = 6 }).Onnx(),
            "rows" => (tiny with { FixedRows = 32 }).Onnx(),
            "extra input" => (tiny with { ExtraInput = true }).Onnx(),
            "lags" => (tiny with { Lags = [1, 0] }).Onnx(),
            _ => "not a graph"u8.ToArray(),
        };
        var e = Assert.Throws<ModelException>(() => new Model(onnx, tiny.Manifest(), ExecutionProvider.Cpu, NullLogger.Instance));
        Assert.Contains("tiny:1", e.Message);
    }

    [Fact]
    public void A_graph_of_exactly_one_chunk_fits()
    {
        var tiny = new TinyModel { FixedRows = Limits.ScoringChunk };
        using var model = new Model(tiny.Onnx(), tiny.Manifest(), ExecutionProvider.Cpu, NullLogger.Instance);
        using ModelSession session = model.CreateSession();
        session.Run();
    }

    [Theory]
    [InlineData(ExecutionProvider.Cuda)]
    [InlineData(ExecutionProvider.TensorRt)]
    public void A_provider_asked_for_that_is_not_there_is_an_error_that_says_what_is_missing(ExecutionProvider provider)
    {
        if (Microsoft.ML.OnnxRuntime.OrtEnv.Instance().GetAvailableProviders().Contains("CUDAExecutionProvider")) Assert.Skip("this is a GPU build");
        new TinyModel().Save(_models);
        var e = Assert.Throws<ModelException>(() => ModelRepository.Load(_models, "tiny", "latest", provider, NullLogger.Instance));
        Assert.Contains("OnnxRuntime=Gpu", e.Message);
    }

    [Fact]
    public void Auto_runs_where_it_can()
    {
        new TinyModel().Save(_models);
        using Model model = ModelRepository.Load(_models, "tiny", "latest", ExecutionProvider.Auto, NullLogger.Instance);
        Assert.NotEqual(ExecutionProvider.Auto, model.Provider);
    }

    [Fact]
    public void The_shipped_model_loads()
    {
        string shipped = Path.Combine(TestEnvironment.Root, "models");
        if (ModelRepository.Versions(Path.Combine(shipped, "anomaly_detector")).Length == 0)
            Assert.Skip("models/anomaly_detector holds no version yet: train one with fastiot-train");
        using Model model = ModelRepository.Load(shipped, "anomaly_detector", "latest", ExecutionProvider.Cpu, NullLogger.Instance);
        PlaceInChunk.DoesNotMatter(model);
    }

    private Model Load(string version) => ModelRepository.Load(_models, "tiny", version, ExecutionProvider.Cpu, NullLogger.Instance);
}
