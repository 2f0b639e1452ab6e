using System.Text;
using System.Text.Json.Nodes;
using FastIot.Features;
using FastIot.Scoring;

namespace FastIot.Tests.Scoring;

public sealed class ModelManifestTests
{
    [Fact]
    public void What_is_written_is_read_back()
    {
        ModelManifest written = new TinyModel { Name = "it", Version = 12, AgesCalibrated = true }.Manifest(), read = Parse(Encoding.UTF8.GetString(written.ToJson()));
        Assert.Equal(("it", 12, written.OnnxSha256, written.HeadShare), (read.Name, read.Version, read.OnnxSha256, read.HeadShare));
        Assert.Equal(written.Features.Floors, read.Features.Floors);
        Assert.Equal(written.Lags, read.Lags);
        Assert.Equal(new FeatureSpec().Level5Windows, read.Features.Level5Windows);
        Assert.Equal(written.ToJson(), read.ToJson());
    }

    [Fact]
    public void Training_and_evaluation_are_free_form()
    {
        ModelManifest read = Parse(Edited(root =>
        {
            root["training"] = JsonNode.Parse("""{"anything":{"goes":[1,2]}}""");
            root["evaluation"] = JsonNode.Parse("""{"roc_auc":0.99}""");
        }));
        Assert.Contains("anything", read.Training);
        Assert.Contains("0.99", read.Evaluation);
    }

    [Theory]
    [InlineData("surprise", "1")]
    [InlineData("features.surprise", "1")]
    [InlineData("budget_split.surprise", "1")]
    [InlineData("calibration.surprise", "[]")]
    [InlineData("calibration.head[0].surprise", "1")]
    [InlineData("name", "null")]
    [InlineData("name", "\"../up\"")]
    [InlineData("name", "\"\"")]
    [InlineData("version", "0")]
    [InlineData("version", "1.5")]
    [InlineData("features", "[]")]
    [InlineData("features.names[3]", "\"median\"")]
    [InlineData("features.lags", "[]")]
    [InlineData("features.lags", "[3,2,1]")]
    [InlineData("features.lags", "[1,2,0]")]
    [InlineData("features.lags", "[1000,0]")]
    [InlineData("features.lags", "[2,0,-1]")]
    [InlineData("features.floors", "[1,2]")]
    [InlineData("features.floors[2]", "0")]
    [InlineData("features.baseline_windows", "0")]
    [InlineData("features.level_windows", "[180]")]
    [InlineData("features.level_windows", "[180,720,0]")]
    [InlineData("features.winsorise_after", "-1")]
    [InlineData("features.winsorise_at", "0")]
    [InlineData("features.alarm_gain", "2")]
    [InlineData("sensor_types[0]", "\"heat\"")]
    [InlineData("kinds[0]", "\"blip\"")]
    [InlineData("budget_split.head", "1")]
    [InlineData("budget_split.reconstruction", "0.5")]
    [InlineData("calibration.head", "[]")]
    [InlineData("calibration.head[0].type", "\"pressure\"")]
    [InlineData("calibration.head[0].score", "[0,1]")]
    [InlineData("calibration.head[0].score", "[0,2,1,4]")]
    [InlineData("calibration.head[0].false_alarms_per_day", "[100,10,11,0.01]")]
    [InlineData("calibration.head[0].false_alarms_per_day", "[1e999,10,1,0.01]")]
    [InlineData("calibration.head[0].false_alarms_per_day", "[100,10,1,0]")]
    [InlineData("calibration.reconstruction[0].type", "\"heat\"")]
    [InlineData("calibration.reconstruction[0].type", "\"*\"")]
    [InlineData("calibration.reconstruction[1].type", "\"current\"")]
    [InlineData("calibration.young", "[]")]
    [InlineData("calibration.young.windows", "[210,190,1440]")]
    [InlineData("calibration.young.windows", "[210,1440]")]
    [InlineData("calibration.young.factor", "[4,2,0.5]")]
    [InlineData("calibration.young.factor", "[2,4,1]")]
    [InlineData("calibration.combined", "[]")]
    [InlineData("calibration.combined[0].type", "\"pressure\"")]
    [InlineData("onnx_sha256", "\"abc\"")]
    [InlineData("training", "7")]
    public void Anything_out_of_line_is_refused_by_file_and_name(string member, string value)
    {
        var e = Assert.Throws<ModelException>(() => Parse(Edited(root => Set(root, member, value))));
        Assert.Contains("some/model.json", e.Message);
    }

    [Theory]
    [InlineData("calibration")]
    [InlineData("onnx_sha256")]
    [InlineData("budget_split")]
    public void A_missing_member_is_named(string member) =>
        Assert.Contains(member, Assert.Throws<ModelException>(() => Parse(Edited(root => root.Remove(member)))).Message);

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"name\":")]
    [InlineData("7")]
    public void What_is_no_manifest_is_refused(string json) => Assert.Throws<ModelException>(() => Parse(json));

    [Fact]
    public void A_member_given_twice_is_refused()
    {
        string json = Edited(_ => { });
        Assert.Throws<ModelException>(() => Parse(json[..^1] + ",\"version\":9}"));
    }

    private static ModelManifest Parse(string json) => ModelManifest.Parse(Encoding.UTF8.GetBytes(json), "some/model.json");

    private static string Edited(Action<JsonObject> edit)
    {
        var root = (JsonObject)JsonNode.Parse(new TinyModel { AgesCalibrated = true }.Manifest().ToJson())!;
        edit(root);
        return root.ToJsonString();
    }

    private static void Set(JsonNode node, string path, string value)
    {
        string[] steps = path.Replace("[", ".").Replace("]", "").Split('.');
        foreach (string step in steps[..^1]) node = int.TryParse(step, out int i) ? node[i]! : node[step]!;
        JsonNode? parsed = JsonNode.Parse(value);
        if (int.TryParse(steps[^1], out int last)) node[last] = parsed;
        else node[steps[^1]] = parsed;
    }
}
