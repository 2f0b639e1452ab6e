using System.Diagnostics;

namespace FastIot.Kafka.Wire;

/// <summary>
/// Fetch requests to one broker, one at a time; the next one is sent before the answer to the last one is decoded, so that the broker works
/// meanwhile. Whole requests, not incremental sessions: a worker reads few partitions, and a request that says everything needs no state to
/// be lost with a connection, nor a place in the broker's bounded cache of sessions.
/// </summary>
internal sealed unsafe class FetchLink : IDisposable
{
    private readonly BrokerConnection _connection;
    private readonly FetchOptions _options;
    private readonly List<(FetchPartition Partition, long From)> _asked = [];
    private WireFrame _receiving = new();
    private WireFrame _received = new();
    private int _correlation;
    private long _sentTicks;
    private int _turn;
    private readonly string _what;

    public FetchLink(int broker, BrokerAddress address, FetchOptions options)
    {
        Broker = broker;
        _options = options;
        _connection = BrokerConnection.Open(address, options.Wire);
        _what = $"{address}, Fetch";
    }

    public int Broker { get; }

    public BrokerAddress Address => _connection.Address;

    public nint Handle => _connection.Handle;

    /// <summary>A request is under way.</summary>
    public bool IsAsking { get; private set; }

    /// <summary>What the request under way, or the one answered last until the next <see cref="Ask"/>, asked for.</summary>
    public List<(FetchPartition Partition, long From)> Asked => _asked;

    /// <summary>Asks for these partitions, each from where it goes on; nothing for none.</summary>
    /// <param name="epochs">Of the partitions' leaders, by partition.</param>
    public void Ask(string topic, List<FetchPartition> partitions, int[] epochs)
    {
        _asked.Clear();
        if (partitions.Count == 0) return;
        WireRequest request = _connection.Request(ApiKey.Fetch);
        request.Int32(-1); // a consumer, no replica
        request.Int32(_options.WaitMs);
        request.Int32(_options.LeastBytes);
        request.Int32(_options.MostBytes);
        request.Int8(_options.ReadCommitted ? (byte)1 : (byte)0);
        request.Int32(0); // no session,
        request.Int32(-1); // and none to be made
        request.Int32(1);
        request.String(topic);
        request.Int32(partitions.Count);
        // The broker fills its answer in this order, until it is full: each partition is first in turn.
        _turn++;
        for (int i = 0; i < partitions.Count; i++)
        {
            FetchPartition partition = partitions[(i + _turn) % partitions.Count];
            request.Int32(partition.Number);
            request.Int32(partition.Number < epochs.Length ? epochs[partition.Number] : -1);
            request.Int64(partition.FetchFrom);
            request.Int64(-1); // log start, of replicas only
            request.Int32(_options.MostPartitionBytes);
            _asked.Add((partition, partition.FetchFrom));
            partition.Asked = true;
        }

        request.Int32(0); // nothing to forget
        request.String(""); // no rack
        _correlation = _connection.Correlation;
        _sentTicks = Stopwatch.GetTimestamp();
        _receiving.Clear();
        IsAsking = true;
        _connection.Send(request.End(), _options.Wire.RequestTimeout);
    }

    /// <summary>Takes what has come, without waiting.</summary>
    /// <returns>True once the answer is whole; it is the caller's until the one after the next <see cref="Ask"/> is received.</returns>
    /// <exception cref="WireException">The connection is gone, or the broker is silent for longer than it may.</exception>
    public bool TryReceive(out WireReader answer)
    {
        answer = default;
        if (!_connection.TryReceive(_receiving))
        {
            if (Stopwatch.GetElapsedTime(_sentTicks) > _options.Wire.RequestTimeout + TimeSpan.FromMilliseconds(_options.WaitMs))
                throw new WireException($"{Address} does not answer for {_options.Wire.RequestTimeout.TotalSeconds:0.#} s");
            return false;
        }

        (_receiving, _received) = (_received, _receiving);
        IsAsking = false;
        foreach ((FetchPartition partition, _) in _asked) partition.Asked = false;
        answer = new WireReader(new ReadOnlySpan<byte>(_received.Pointer, _received.Length), _what);
        if (answer.Int32() is int correlation && correlation != _correlation) throw new WireException($"{Address} answers request {correlation} instead of {_correlation}");
        return true;
    }

    public void Dispose()
    {
        foreach ((FetchPartition partition, _) in _asked) partition.Asked = false;
        _connection.Dispose();
        _receiving.Dispose();
        _received.Dispose();
    }
}
