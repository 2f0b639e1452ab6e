namespace FastIot.Kafka;

/// <summary>
/// librdkafka's own broker in this process: speaks Kafka's protocol on the loopback, so that any client can join. For the demo and for
/// tests: keeps about 5 MB per partition, in memory, and knows no transactions.
/// </summary>
public sealed class MockCluster : IDisposable
{
    private readonly nint _client;
    private readonly nint _cluster;

    private readonly int _brokers;

    public MockCluster(int brokers = 1)
    {
        _brokers = brokers;
        _client = KafkaClient.Create(NativeKafka.Producer, KafkaClient.Configuration(NativeKafka.Producer, [new("client.id", "mock")]));
        _cluster = NativeKafka.rd_kafka_mock_cluster_new(_client, brokers);
        if (_cluster == 0) throw new KafkaException("librdkafka could not start its mock cluster");
        // Nobody else is going to join within the first seconds.
        NativeKafka.rd_kafka_mock_group_initial_rebalance_delay_ms(_cluster, 0);
    }

    /// <summary>host:port[,…] for clients.</summary>
    public string Bootstrap => KafkaClient.Text(NativeKafka.rd_kafka_mock_cluster_bootstraps(_cluster));

    public void CreateTopic(string name, int partitions)
    {
        int error = NativeKafka.rd_kafka_mock_topic_create(_cluster, name, partitions, 1);
        if (error != 0) throw new KafkaException($"topic {name}: {KafkaClient.ErrorText(error)}");
    }

    /// <summary>The next requests of this kind (by the protocol's number) fail with these errors, one after the other.</summary>
    internal unsafe void FailNext(short apiKey, params ReadOnlySpan<short> errors)
    {
        int* codes = stackalloc int[errors.Length];
        for (int i = 0; i < errors.Length; i++) codes[i] = errors[i];
        NativeKafka.rd_kafka_mock_push_request_errors_array(_cluster, apiKey, (nuint)errors.Length, codes);
    }

    /// <summary>Makes a broker (numbered from 1) lead a partition.</summary>
    internal void MoveLeader(string topic, int partition, int broker)
    {
        int error = NativeKafka.rd_kafka_mock_partition_set_leader(_cluster, topic, partition, broker);
        if (error != 0) throw new KafkaException($"{topic}[{partition}]: {KafkaClient.ErrorText(error)}");
    }

    /// <summary>Takes all brokers down, or up again; what they hold stays.</summary>
    public void SetDown(bool down)
    {
        for (int broker = 1; broker <= _brokers; broker++)
        {
            int error = down ? NativeKafka.rd_kafka_mock_broker_set_down(_cluster, broker) : NativeKafka.rd_kafka_mock_broker_set_up(_cluster, broker);
            if (error != 0) throw new KafkaException($"mock broker {broker}: {KafkaClient.ErrorText(error)}");
        }
    }

    public void Dispose()
    {
        NativeKafka.rd_kafka_mock_cluster_destroy(_cluster);
        NativeKafka.rd_kafka_destroy(_client);
    }
}
