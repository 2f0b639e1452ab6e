using FastIot.Alarms;
using FastIot.Configuration;

namespace FastIot.Tests.Alarms;

/// <summary>What whoever is told of alarms is configured with.</summary>
public sealed class AlarmSettingsTests
{
    [Fact]
    public void Nobody_is_told_unless_a_receiver_is_named() => Assert.Null(Load([]).Options.AlarmDelivery.Url);

    [Fact]
    public void Receiver_grouping_and_labels()
    {
        AlarmDeliveryOptions alarms = Load([new("alarms-url", "https://hooks.example.com/a?b=c"), new("alarms-format", "webhook"), new("alarms-group-by", "sensor, metric"),
            new("alarms-labels", "severity=page,team=plant 1")]).Options.AlarmDelivery;
        Assert.Equal(("https://hooks.example.com/a?b=c", AlarmFormat.Webhook), (alarms.Url!.ToString(), alarms.Format));
        Assert.Equal([AlarmLabel.Sensor, AlarmLabel.Metric], alarms.GroupBy);
        Assert.Equal([new("severity", "page"), new("team", "plant 1")], alarms.Labels);
    }

    [Theory]
    [InlineData("alarms-url", "alertmanager:9093", "is not a URL")]
    [InlineData("alarms-url", "ftp://host/", "is not a URL")]
    [InlineData("alarms-url", "http://me:secret@host/", "without user and password")]
    [InlineData("alarms-group-by", "plant", "none of location, metric, sensor, partition")]
    [InlineData("alarms-labels", "severity", "name=value")]
    [InlineData("alarms-labels", "9a=b", "name=value")]
    [InlineData("alarms-labels", "metric=b", "an alarm's own")]
    [InlineData("alarms-labels", "a=b,a=c", "twice")]
    [InlineData("alarms-interval", "0", "more than nothing")]
    [InlineData("alarms-attempts", "0", "from 1 to 100")]
    public void What_cannot_be_used_is_refused_and_a_secret_not_repeated(string flag, string value, string says)
    {
        string message = Assert.Throws<ConfigurationException>(() => Load([new(flag, value)])).Message;
        Assert.Contains(says, message);
        Assert.DoesNotContain("secret", message);
    }

    [Fact]
    public void Credentials_come_from_environment_or_file_one_kind_of_them_and_are_masked()
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, "t0ken\n");
        EffectiveConfiguration configuration = Load([new("alarms-url", "http://far.example.com/")], ("FASTIOT_ALARMS_TOKEN_FILE", file));
        File.Delete(file);
        Assert.Equal("t0ken", configuration.Options.AlarmDelivery.Token);
        Assert.DoesNotContain("t0ken", ConfigurationPrinter.Json(configuration));
        Assert.Contains(configuration.Warnings, w => w.Contains("far.example.com", StringComparison.Ordinal) && w.Contains("https", StringComparison.Ordinal));
        Assert.Contains("a token and a user", Assert.Throws<ConfigurationException>(() => Load([new("alarms-user", "me")], ("FASTIOT_ALARMS_TOKEN", "t"), ("FASTIOT_ALARMS_PASSWORD", "p"))).Message);
        Assert.Contains("needs a password", Assert.Throws<ConfigurationException>(() => Load([new("alarms-user", "me")])).Message);
    }

    private static EffectiveConfiguration Load(FlagValue[] flags, params (string Name, string Value)[] environment) =>
        ConfigurationLoader.Load(null, environment.ToDictionary(e => e.Name, e => e.Value), flags);
}
