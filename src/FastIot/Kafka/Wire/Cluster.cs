namespace FastIot.Kafka.Wire;

/// <summary>Who leads a topic's partitions: asks whichever broker answers, over a connection of its own. One thread.</summary>
/// <param name="mayCreate">A broker that makes topics by itself may do so, as for all producers.</param>
internal sealed class Cluster(WireOptions options, string topic, bool mayCreate) : IDisposable
{
    private BrokerConnection? _connection;
    private ClusterView? _view;

    /// <summary>Whether a broker has answered yet.</summary>
    public bool Known => _view != null;

    /// <summary>What was last learnt.</summary>
    /// <exception cref="InvalidOperationException">Nothing was, yet.</exception>
    public ClusterView View => _view ?? throw new InvalidOperationException("not asked yet");

    /// <summary>Asks anew.</summary>
    /// <exception cref="WireException">No broker answers; the message has each one's trouble. A topic that is not there is one too.</exception>
    public ClusterView Refresh() => _view = With(connection => ClusterView.Ask(connection, topic, mayCreate, options.RequestTimeout));

    /// <summary>An id for a producer whose repetitions the brokers recognise.</summary>
    public (long Id, short Epoch) InitProducerId() => With(connection =>
    {
        WireRequest request = connection.Request(ApiKey.InitProducerId);
        request.String(null); // no transactions
        request.Int32(-1);
        WireReader reader = connection.Call(request, "InitProducerId", options.RequestTimeout);
        reader.Int32(); // throttled, ms
        short error = reader.Int16();
        if (error == BrokerError.None) return (reader.Int64(), reader.Int16());
        string message = $"{connection.Address} gives no producer id: {BrokerError.Text(error)}";
        throw BrokerError.IsRetriable(error) ? new WireException(message) : new WireRefusedException(message);
    });

    public void Dispose() => _connection?.Dispose();

    /// <summary>By the connection that is there, else by the first broker that answers; those known from the cluster come before those to ask first.</summary>
    private T With<T>(Func<BrokerConnection, T> ask)
    {
        List<string> failures = [];
        if (_connection != null && Try(ask, failures, out T? result)) return result!;
        foreach (BrokerAddress address in (_view?.Brokers.Values ?? []).Concat(options.Bootstrap).Distinct())
        {
            try
            {
                _connection = BrokerConnection.Open(address, options);
            }
            catch (WireException e) when (e is not WireRefusedException)
            {
                failures.Add(e.Message);
                continue;
            }

            if (Try(ask, failures, out result)) return result!;
        }

        throw new WireException(string.Join("; ", failures.Distinct()));
    }

    private bool Try<T>(Func<BrokerConnection, T> ask, List<string> failures, out T? result)
    {
        try
        {
            result = ask(_connection!);
            return true;
        }
        catch (WireException e) when (e is not (WireRefusedException or UnknownTopicException))
        {
            failures.Add(e.Message);
            _connection!.Dispose();
            _connection = null;
            result = default;
            return false;
        }
    }
}
