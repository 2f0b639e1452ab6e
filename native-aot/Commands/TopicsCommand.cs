using System.CommandLine;
using FastIot.Configuration;
using FastIot.Kafka;

namespace FastIot.Cli.Commands;

/// <summary>Makes the topics.</summary>
internal static class TopicsCommand
{
    public static Command Create(Terminal terminal)
    {
        var partitions = new Option<int>("--partitions") { Description = "Partitions of the readings' topic [10]", DefaultValueFactory = _ => 10 };
        var anomalies = new Option<int>("--anomaly-partitions") { Description = "Partitions of the anomalies' topic [3]", DefaultValueFactory = _ => 3 };
        var replication = new Option<short>("--replication") { Description = "Copies of each partition [1]", DefaultValueFactory = _ => 1 };
        var create = new Command("create", "Make the topics that are not there yet") { partitions, anomalies, replication };
        var flags = new SettingFlags(create, [SettingGroup.Kafka, SettingGroup.Log], ["kafka.group"]);
        create.SetAction(async (parsed, _) =>
        {
            Kafka.KafkaOptions kafka = Composition.Kafka(flags.Load(parsed, terminal).Options.Kafka);
            short copies = parsed.GetValue(replication);
            List<TopicWish> wishes = [new(kafka.RawTopic, parsed.GetValue(partitions), copies), new(kafka.AnomalyTopic, parsed.GetValue(anomalies), copies), new(kafka.DeadLetterTopic, 1, copies)];
            if (kafka.LateTopic is { } late) wishes.Add(new TopicWish(late, 1, copies));
            foreach ((TopicResult result, TopicWish wish) in (await TopicAdmin.CreateAsync(kafka, wishes, TimeSpan.FromSeconds(30)).ConfigureAwait(false)).Zip(wishes))
            {
                string state = result.Created ? "made" : result.Partitions == wish.Partitions ? "was there" : $"was there, with {result.Partitions} partitions instead of {wish.Partitions}";
                terminal.Out.WriteLine($"{result.Name}: {state}");
            }

            return ExitCode.Success;
        });
        return new Command("topics", "Topics of the pipeline") { create };
    }
}
