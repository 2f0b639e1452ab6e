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
        PipelineOptions options = PartitionRig.Options(model);
        SimStore store = PartitionRig.NewStore();
        (Told[] first, List<SimOutput> published, PartitionAssignment committed) = await LifeAsync(options, model, store, default, 60_000);
        HashSet<(string, DateTimeOffset)> known = [.. published.Where(o => o.Topic == "anomalies").Select(Episode)];
        HashSet<string> names = [.. first.Select(t => t.Fingerprint)];
        Assert.True(known.Count > 10, $"{known.Count} episodes before the restart");
        Assert.Superset(known, first.SelectMany(t => t.Episodes).ToHashSet());

        // At this budget nearly every sensor is in alarm all the time: hundreds of windows in alarm are replayed, and as many are new.
        (Told[] second, _, _) = await LifeAsync(options, model, store, committed, int.MaxValue, untilTold: true);
        Told[] goingOn = [.. second.Where(t => t.Episodes.Any(known.Contains))];
        Assert.NotEmpty(goingOn);
        Assert.DoesNotContain(goingOn, t => t.Status == "opened");
        Assert.All(goingOn, t => Assert.Contains(t.Fingerprint, names));
    }

    /// <summary>Everything that is told, and everything that is published, between taking the partition up and giving it up.</summary>
    /// <param name="untilTold">Whether to wait for a message: what opens is told at the end at the latest, what goes on is not.</param>
    private static async Task<(Told[], List<SimOutput>, PartitionAssignment)> LifeAsync(PipelineOptions options, Model model, SimStore store, PartitionAssignment from, int to, bool untilTold = false)
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
                if (untilTold) receiver.Await(r => r.Calls.Length > 0);
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
