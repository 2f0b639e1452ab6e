namespace FastIot.Kafka.Wire;

/// <summary>Brokers, and the leaders of one topic's partitions, as some broker last said.</summary>
/// <param name="Brokers">By their ids.</param>
/// <param name="Leaders">By partition: the leader's id, −1 while there is none.</param>
/// <param name="LeaderEpochs">By partition; −1 where unknown.</param>
internal sealed record ClusterView(IReadOnlyDictionary<int, BrokerAddress> Brokers, int[] Leaders, int[] LeaderEpochs)
{
    /// <summary>Asks one broker.</summary>
    /// <exception cref="WireException">It does not answer, or does not know the topic (yet); <see cref="WireRefusedException"/> where it may not be read.</exception>
    public static ClusterView Ask(BrokerConnection connection, string topic, bool mayCreate, TimeSpan timeout)
    {
        WireRequest request = connection.Request(ApiKey.Metadata);
        request.Int32(1);
        request.String(topic);
        request.Int8(mayCreate ? (byte)1 : (byte)0);
        WireReader reader = connection.Call(request, "Metadata", timeout);
        reader.Int32(); // throttled, ms
        var brokers = new Dictionary<int, BrokerAddress>();
        for (int count = reader.Count(12); count > 0; count--)
        {
            int id = reader.Int32();
            brokers[id] = new BrokerAddress(reader.String() ?? "", reader.Int32());
            reader.SkipString(); // rack
        }

        reader.SkipString(); // cluster id
        reader.Int32(); // controller
        if (reader.Count(9) != 1) throw new WireException($"{connection.Address} says nothing about topic {topic}");
        short error = reader.Int16();
        reader.SkipString(); // the topic
        reader.Int8(); // internal
        if (error == BrokerError.None) return new ClusterView(brokers, Partitions(ref reader, out int[] epochs), epochs);
        string message = $"{connection.Address} has no topic {topic} to use: {BrokerError.Text(error)}";
        throw error is BrokerError.UnknownTopicOrPartition or BrokerError.LeaderNotAvailable ? new UnknownTopicException(message) : new WireRefusedException(message);
    }

    private static int[] Partitions(ref WireReader reader, out int[] epochs)
    {
        int count = reader.Count(26);
        int[] leaders = new int[count];
        epochs = new int[count];
        Array.Fill(leaders, -1);
        Array.Fill(epochs, -1);
        for (int i = 0; i < count; i++)
        {
            short error = reader.Int16();
            int partition = reader.Int32(), leader = reader.Int32(), epoch = reader.Int32();
            for (int list = 0; list < 3; list++) reader.Take(reader.Count(sizeof(int)) * sizeof(int)); // replicas, in sync, offline
            if ((uint)partition >= (uint)count) throw new WireException($"partition {partition} of {count}");
            if (error is BrokerError.None or BrokerError.ReplicaNotAvailable) (leaders[partition], epochs[partition]) = (leader, epoch);
        }

        return leaders;
    }
}

/// <summary>The topic is not there (yet).</summary>
internal sealed class UnknownTopicException(string message) : WireException(message);
