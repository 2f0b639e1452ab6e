using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace FastIot.Kafka;

/// <summary>A topic wanted, and one that is there.</summary>
public sealed record TopicWish(string Name, int Partitions, short Replication);

/// <param name="Created">False: it was there already.</param>
/// <param name="Partitions">As many as it has now.</param>
public sealed record TopicResult(string Name, bool Created, int Partitions);

/// <summary>Makes topics, by Confluent's admin client.</summary>
public static class TopicAdmin
{
    /// <exception cref="KafkaException">The brokers cannot be reached, or refuse.</exception>
    public static async Task<IReadOnlyList<TopicResult>> CreateAsync(KafkaOptions options, IReadOnlyList<TopicWish> topics, TimeSpan timeout)
    {
        var config = new AdminClientConfig { BootstrapServers = options.Bootstrap };
        foreach ((string name, string value) in options.Properties) config.Set(name, value);
        using IAdminClient admin = new AdminClientBuilder(config).SetLogHandler((_, _) => { }).Build();
        var results = new List<TopicResult>();
        foreach (TopicWish topic in topics) results.Add(await CreateAsync(admin, options, topic, timeout).ConfigureAwait(false));
        return results;
    }

    private static async Task<TopicResult> CreateAsync(IAdminClient admin, KafkaOptions options, TopicWish topic, TimeSpan timeout)
    {
        try
        {
            var specification = new TopicSpecification { Name = topic.Name, NumPartitions = topic.Partitions, ReplicationFactor = topic.Replication };
            await admin.CreateTopicsAsync([specification], new CreateTopicsOptions { RequestTimeout = timeout, OperationTimeout = timeout }).ConfigureAwait(false);
            return new TopicResult(topic.Name, true, topic.Partitions);
        }
        catch (CreateTopicsException e) when (e.Results.All(r => r.Error.Code == ErrorCode.TopicAlreadyExists))
        {
            TopicMetadata found = admin.GetMetadata(topic.Name, timeout).Topics.Single(t => t.Topic == topic.Name);
            return new TopicResult(topic.Name, false, found.Partitions.Count);
        }
        catch (CreateTopicsException e)
        {
            throw new KafkaException($"{options.Bootstrap} does not make topic {topic.Name}: {string.Join("; ", e.Results.Select(r => r.Error.Reason))}", e);
        }
        catch (Confluent.Kafka.KafkaException e)
        {
            throw new KafkaException($"{options.Bootstrap}: {e.Error.Reason}. Are the brokers up, and is the address right?", e);
        }
    }
}
