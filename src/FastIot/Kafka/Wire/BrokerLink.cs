using System.Diagnostics;

namespace FastIot.Kafka.Wire;

/// <summary>Whom a link tells of what becomes of its requests, on the link's own thread.</summary>
internal interface IProduceAnswers
{
    /// <param name="error">Of the partition's part of the request.</param>
    void OnAnswer(ProduceBatch batch, short error);

    /// <summary>The request's last batch has been answered.</summary>
    void OnAnswered(BrokerLink link);

    /// <summary>The connection is gone; the batches may have arrived or not.</summary>
    void OnBroken(BrokerLink link, IEnumerable<ProduceBatch> batches, WireException reason);
}

/// <summary>Produce requests to one broker: one thread sends, a thread of its own receives. At most <see cref="MostInFlight"/> are unanswered.</summary>
internal sealed class BrokerLink
{
    public const int MostInFlight = 5;

    private const short Unanswered = short.MinValue;

    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    private readonly BrokerConnection _connection;
    private readonly WireOptions _options;
    private readonly IProduceAnswers _answers;
    private readonly Queue<Sent> _sent = new();
    private readonly Thread _receiver;
    private readonly Lock _inUse = new();
    private volatile bool _closed;
    private bool _disposed;
    private bool _broken;

    public BrokerLink(int broker, BrokerAddress address, WireOptions options, IProduceAnswers answers)
    {
        Broker = broker;
        _options = options;
        _answers = answers;
        _connection = BrokerConnection.Open(address, options);
        _receiver = new Thread(ReceiveAll) { IsBackground = true, Name = $"produce {address}" };
        _receiver.Start();
    }

    public int Broker { get; }

    public int InFlight
    {
        get
        {
            lock (_sent) return _sent.Count;
        }
    }

    /// <summary>Sends one request with these batches, each of another partition.</summary>
    /// <exception cref="WireException">The connection is gone already; what fails later is told to <see cref="IProduceAnswers.OnBroken"/>.</exception>
    public void Send(string topic, List<ProduceBatch> batches)
    {
        WireRequest request = _connection.Request(ApiKey.Produce);
        request.String(null); // no transaction
        request.Int16(-1); // acknowledged by all replicas in sync
        request.Int32((int)_options.RequestTimeout.TotalMilliseconds);
        request.Int32(1);
        request.String(topic);
        request.Int32(batches.Count);
        int following = 0;
        foreach (ProduceBatch batch in batches) following += batch.Records.Sealed.Length;
        var sent = new Sent(_connection.Correlation, Stopwatch.GetTimestamp(), [.. batches]);
        lock (_sent)
        {
            if (_broken) throw new WireException($"{_connection.Address}: the connection is gone");
            _sent.Enqueue(sent);
        }

        lock (_inUse)
        {
            // The receiver has told what has become of it.
            if (_disposed) return;
            try
            {
                _connection.Send(request.End(following), _options.RequestTimeout);
                foreach (ProduceBatch batch in batches) _connection.Send(batch.Records.Sealed, _options.RequestTimeout);
            }
            catch (WireException)
            {
                // The receiver learns of it too, and tells.
                _connection.Abort();
            }
        }
    }

    public void Close()
    {
        _closed = true;
        lock (_inUse)
        {
            if (!_disposed) _connection.Abort();
        }

        _receiver.Join();
    }

    private void ReceiveAll()
    {
        using var answer = new ByteBuffer();
        try
        {
            while (!_closed)
            {
                if (!_connection.AwaitAnswer(s_look))
                {
                    CheckTimeout();
                    continue;
                }

                int length = _connection.Receive(answer, _options.RequestTimeout);
                unsafe
                {
                    Answer(new ReadOnlySpan<byte>(answer.Pointer, length));
                }
            }
        }
        catch (WireException e)
        {
            Sent[] left;
            lock (_sent)
            {
                _broken = true;
                left = [.. _sent];
                _sent.Clear();
            }

            _answers.OnBroken(this, left.SelectMany(s => s.Batches), e);
        }

        // A sender that waits for room gives up, before what it uses is gone.
        _connection.Abort();
        lock (_inUse)
        {
            _disposed = true;
            _connection.Dispose();
        }
    }

    private void Answer(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes, $"{_connection.Address}, Produce");
        int correlation = reader.Int32();
        Sent sent;
        lock (_sent)
        {
            if (_sent.Count == 0 || _sent.Peek().Correlation != correlation) throw new WireException($"{_connection.Address} answers request {correlation}, which was not the next one");
            sent = _sent.Peek();
        }

        if (reader.Count(2) != 1) throw new WireException($"{_connection.Address} answers for other topics");
        reader.SkipString();
        if (reader.Count(30) != sent.Batches.Length) throw new WireException($"{_connection.Address} answers for other partitions");
        // Read as a whole first: an answer that breaks off must not have been half believed.
        Span<short> errors = sent.Batches.Length <= 256 ? stackalloc short[sent.Batches.Length] : new short[sent.Batches.Length];
        errors.Fill(Unanswered);
        for (int i = 0; i < errors.Length; i++)
        {
            int partition = reader.Int32(), place = Array.FindIndex(sent.Batches, b => b.Partition == partition);
            if (place < 0 || errors[place] != Unanswered) throw new WireException($"{_connection.Address} answers for partition {partition}, which was not asked for");
            errors[place] = reader.Int16();
            reader.Take(3 * sizeof(long)); // base offset, append time, log start
        }

        lock (_sent) _sent.Dequeue();
        for (int i = 0; i < errors.Length; i++) _answers.OnAnswer(sent.Batches[i], errors[i]);
        _answers.OnAnswered(this);
    }

    private void CheckTimeout()
    {
        lock (_sent)
        {
            // The broker itself answers after the same time with an error: so a little more is waited for.
            if (_sent.Count > 0 && Stopwatch.GetElapsedTime(_sent.Peek().Ticks) > _options.RequestTimeout + s_look)
                throw new WireException($"{_connection.Address} does not answer for {_options.RequestTimeout.TotalSeconds:0.#} s");
        }
    }

    private sealed record Sent(int Correlation, long Ticks, ProduceBatch[] Batches);
}
