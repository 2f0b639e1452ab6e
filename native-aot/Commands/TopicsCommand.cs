using System.CommandLine;
using FastIot.Configuration;
using FastIot.Kafka;

namespace FastIot.Cli.Commands;

/// <summary>Makes the topics.</summary>
internal static class TopicsCommand
{
    public static Command Create(Terminal terminal)
    {
        var partitions = new OptionWithDefault<int>("--partitions", 10) { Description = "Partitions of the readings' topic [10]", HelpName = "number" };
        var anomalies = new OptionWithDefault<int>("--anomaly-partitions", 3) { Description = "Partitions of the anomalies' topic [3]", HelpName = "number" };
        var replication = new OptionWithDefault<short>("--replication", 1) { Description = "Copies of each partition [1]", HelpName = "number" };
        var json = new Option<bool>("--json") { Description = "Print the topics as a JSON array" };
        var create = new Command("create", "Make the topics that are not there yet") { partitions, anomalies, replication, json };
        var flags = new SettingFlags(create, [SettingGroup.Kafka, SettingGroup.Log], ["kafka.group", "kafka.ingest"]);
        create.SetAction(async (parsed, _) =>
        {
            Kafka.KafkaOptions kafka = Composition.Kafka(flags.Load(parsed, terminal).Options.Kafka);
            short copies = replication.Of(parsed);
            List<TopicWish> wishes = [new(kafka.RawTopic, partitions.Of(parsed), copies), new(kafka.AnomalyTopic, anomalies.Of(parsed), copies), new(kafka.DeadLetterTopic, 1, copies)];
            if (kafka.LateTopic is { } late) wishes.Add(new TopicWish(late, 1, copies));
            IReadOnlyList<TopicResult> results = await TopicAdmin.CreateAsync(kafka, wishes, TimeSpan.FromSeconds(30)).ConfigureAwait(false);
            TopicSummary[] topics = [.. results.Zip(wishes, (result, wish) => new TopicSummary(result.Name, result.Created, result.Partitions, wish.Partitions))];
            if (parsed.GetValue(json)) terminal.Out.WriteLine(SummaryJson.Write(topics));
            else Print(terminal, topics);
            return ExitCode.Success;
        });
        return new Command("topics", "Topics of the pipeline") { create };
    }

    private static void Print(Terminal terminal, IEnumerable<TopicSummary> topics)
    {
        foreach (TopicSummary topic in topics)
        {
            string state = topic.Created ? "made" : topic.Partitions == topic.WantedPartitions ? "was there" : $"was there, with {topic.Partitions} partitions instead of {topic.WantedPartitions}";
            terminal.Out.WriteLine($"{topic.Name}: {state}");
        }
    }
}
