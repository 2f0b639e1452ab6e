using System.Diagnostics;
using FastIot.Emit;
using FastIot.Kafka.Wire;
using Microsoft.Extensions.Logging;

namespace FastIot.Kafka;

/// <summary>
/// Produces to one topic without librdkafka: records are written straight into record batches, which a thread of its own compresses and
/// sends. Partitioned by murmur2 of the key as Java does, acknowledged by all replicas in sync, idempotent: what is sent again after a failure
/// is not there twice. One thread calls everything; nothing is allocated per record.
/// </summary>
public sealed class DirectProducer : IDisposable
{
    private readonly ProduceLoop _loop;
    private readonly DirectProducerOptions _options;
    private ProduceBatch?[] _open;
    private int _keyless;

    /// <exception cref="KafkaException">No broker answers within the time of a request, or the topic is not there.</exception>
    /// <exception cref="WireRefusedException">The brokers do not speak what this needs.</exception>
    internal DirectProducer(DirectProducerOptions options, string topic, ILogger log)
    {
        _options = options;
        _loop = new ProduceLoop(options, topic, log);
        _open = new ProduceBatch?[_loop.Partitions];
    }

    /// <summary>Records acknowledged by the brokers.</summary>
    public long Delivered => _loop.Delivered;

    /// <summary>Adds one record.</summary>
    /// <param name="key">Empty: none, then the partitions take turns by batches.</param>
    /// <param name="timestampMs">0 or less: now.</param>
    /// <returns>False while too much waits for the brokers.</returns>
    /// <exception cref="EmitException">Something could not be delivered; nothing more is taken.</exception>
    public bool TryProduce(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long timestampMs)
    {
        int partition = key.IsEmpty ? _keyless % _open.Length : Murmur2.Partition(key, _open.Length);
        if (timestampMs <= 0) timestampMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        ProduceBatch? batch = _open[partition];
        if (batch != null)
        {
            if (batch.Records.TryAppend(key, value, timestampMs)) return true;
            Close(partition);
        }

        if (_open.Length < _loop.Partitions)
        {
            // The topic has more partitions now: as with other clients, keys move.
            CloseAll();
            Array.Resize(ref _open, _loop.Partitions);
            return TryProduce(key, value, timestampMs);
        }

        if (!_loop.TryTake(out batch)) return false;
        batch.Partition = partition;
        batch.OpenedTicks = Stopwatch.GetTimestamp();
        _open[partition] = batch;
        if (!batch.Records.TryAppend(key, value, timestampMs)) throw new EmitException($"a record of {key.Length + value.Length:N0} bytes does not fit into a batch");
        return true;
    }

    /// <summary>Sends what has waited long enough; to be called every few milliseconds.</summary>
    /// <exception cref="EmitException">Something could not be delivered.</exception>
    public void Poll()
    {
        _loop.ThrowIfFailed();
        long due = Stopwatch.GetTimestamp() - (long)(_options.Linger.TotalSeconds * Stopwatch.Frequency);
        for (int partition = 0; partition < _open.Length; partition++)
        {
            if (_open[partition] is { } batch && batch.OpenedTicks <= due) Close(partition);
        }
    }

    /// <summary>Waits a little for room.</summary>
    public void WaitForRoom(TimeSpan timeout)
    {
        Poll();
        _loop.WaitForRoom(timeout);
    }

    /// <summary>Waits until everything is acknowledged.</summary>
    /// <exception cref="EmitException">Something was given up, or the time was not enough.</exception>
    public void Flush(TimeSpan timeout)
    {
        CloseAll();
        _loop.Flush(timeout);
    }

    /// <summary>What is not flushed is given up.</summary>
    public void Dispose() => _loop.Dispose();

    private void CloseAll()
    {
        for (int partition = 0; partition < _open.Length; partition++)
        {
            if (_open[partition] != null) Close(partition);
        }
    }

    private void Close(int partition)
    {
        _loop.Send(_open[partition]!);
        _open[partition] = null;
        if (partition == _keyless % _open.Length) _keyless = (partition + 1) % _open.Length;
    }
}
