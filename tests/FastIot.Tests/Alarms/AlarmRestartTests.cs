using System.Globalization;
using System.Text.Json;
using FastIot.Alarms;
using FastIot.Ingest;
using FastIot.Scoring;
using FastIot.Tests.DeterministicSimulation;
using FastIot.Tests.Recovery;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastIot.Tests.Alarms;

/// <summary>The shipped model, a real partition, its commits and its slow state: what people hear in two lives.</summary>
public sealed class AlarmRestartTests
{
    private readonly record struct Told(string Status, string Fingerprint, (string Sensor, DateTimeOffset Start)[] Episodes);

    [Fact]
    public async Task What_was_out_before_opens_nothing_and_what_goes_on_keeps_its_name()
    {
        using Model model = PartitionRig.Load();
        // A budget at which episodes also end: in the rig's own, every sensor alarms all the time.
        PipelineOptions options = PartitionRig.Options(model) with { AlarmBudget = 100 };
        SimStore store = PartitionRig.NewStore();
        (Told[] first, List<SimOutput> published, PartitionAssignment committed) = await LifeAsync(options, model, store, default, 60_000);
        HashSet<(string, DateTimeOffset)> known = [.. published.Where(o => o.Topic == "anomalies").Select(Episode)];
        HashSet<string> names = [.. first.Select(t => t.Fingerprint)];
        Assert.True(known.Count > 10, $"{known.Count} episodes before the restart");
        Assert.Superset(known, first.SelectMany(t => t.Episodes).ToHashSet());

        (Told[] second, published, _) = await LifeAsync(options, model, store, committed, int.MaxValue);
        HashSet<(string, DateTimeOffset)> later = [.. published.Where(o => o.Topic == "anomalies").Select(Episode)];
        Told[] opened = [.. second.Where(t => t.Status == "opened")], goingOn = [.. second.Where(t => t.Episodes.Any(known.Contains))];
        string heard = $"{known.Count} episodes, then {later.Count}; told: {string.Join(", ", first.Concat(second).CountBy(t => t.Status))}; in the second life {string.Join(", ", second.CountBy(t => t.Status))}";
        Assert.True(opened.Length > 0 && goingOn.Length > 0, heard);
        Assert.DoesNotContain(goingOn, t => t.Status == "opened");
        Assert.All(goingOn, t => Assert.Contains(t.Fingerprint, names));
        Assert.All(later.Except(known), e => Assert.Contains(second, t => t.Episodes.Contains(e)));
    }

    /// <summary>Everything that is told, and everything that is published, between taking the partition up and giving it up.</summary>
    private static async Task<(Told[], List<SimOutput>, PartitionAssignment)> LifeAsync(PipelineOptions options, Model model, SimStore store, PartitionAssignment from, int to)
    {
        using var receiver = new Receiver();
        var delivery = new AlarmDelivery
        {
            Url = new Uri(receiver.Url),
            Format = AlarmFormat.Webhook,
            GroupBy = [AlarmLabel.Location, AlarmLabel.Metric, AlarmLabel.Sensor],
            Wait = TimeSpan.Zero,
            CallsPerMinute = 6000,
        };
        PartitionRig life;
        await using (var notifier = new AlarmNotifier(delivery, options.Windows.WindowUs, NullLogger.Instance))
        {
            using (life = new PartitionRig(options, model, store, notifier))
            {
                life.Open(from);
                life.Play(life.Partition.Position, to);
                life.Leave();
            }
        }

        Told[] told = [.. receiver.Calls.SelectMany(c => JsonDocument.Parse(c.Body).RootElement.GetProperty("alarms").EnumerateArray()).Select(a => new Told(
            a.GetProperty("status").GetString()!, a.GetProperty("fingerprint").GetString()!,
            [.. a.GetProperty("listed").EnumerateArray().Select(e => (e.GetProperty("sensor_id").GetString()!, e.GetProperty("episode_start").GetDateTimeOffset()))]))];
        return (told, life.CommittedOutputs, life.Committed);
    }

    private static (string, DateTimeOffset) Episode(SimOutput anomaly)
    {
        JsonElement record = JsonDocument.Parse(anomaly.Text + "}").RootElement;
        return (record.GetProperty("sensor_id").GetString()!, DateTimeOffset.Parse(record.GetProperty("episode_start").GetString()!, CultureInfo.InvariantCulture));
    }
}
