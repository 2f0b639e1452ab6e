using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using FastIot.Emit;
using FastIot.Kafka.Wire.Compression;
using Microsoft.Extensions.Logging;

namespace FastIot.Kafka.Wire;

/// <summary>
/// The direct producer's own thread: compresses batches, sends them to the partitions' leaders, and sends again what failed until the
/// delivery time-out. Batches come from a bounded pool and return to it.
/// </summary>
internal sealed partial class ProduceLoop : IProduceAnswers, IDisposable
{
    /// <summary>While answers are awaited, requests smaller than this wait for company: the broker takes one after the other anyway.</summary>
    private const int WorthSending = 1 << 19;

    private static readonly TimeSpan s_idle = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_metadataAge = TimeSpan.FromMinutes(5);

    private readonly object _gate = new();
    private readonly DirectProducerOptions _options;
    private readonly string _topic;
    private readonly ILogger _log;
    private readonly Cluster _cluster;
    private readonly BatchCompressor _compressor;
    private readonly (long Id, short Epoch) _producer;
    private readonly Stack<ProduceBatch> _free = new();
    private readonly Queue<ProduceBatch> _closed = new();
    private readonly List<ProducePartition> _partitions = [];
    private readonly Dictionary<int, BrokerLink> _links = [];
    private readonly Dictionary<int, List<ProduceBatch>> _ready = [];
    private readonly Dictionary<int, long> _connectAgain = [];
    private readonly List<(int Broker, int Bytes)> _waiting = [];
    private readonly List<ProduceBatch> _all = [];
    private readonly Thread _thread;
    private long _metadataDue;
    private int _outstanding;
    private long _delivered;
    private string? _failure;
    private string? _trouble;
    private bool _stop;
    private long _events;
    private int _partitionCount;

    public ProduceLoop(DirectProducerOptions options, string topic, ILogger log)
    {
        _options = options;
        _topic = topic;
        _log = log;
        _cluster = new Cluster(options.Wire, topic, mayCreate: true);
        _producer = Begin();
        _compressor = new BatchCompressor(options.Codec, options.Level);
        Learn(_cluster.View);
        _metadataDue = Stopwatch.GetTimestamp() + Ticks(s_metadataAge);
        _thread = new Thread(Run) { IsBackground = true, Name = "produce" };
        _thread.Start();
    }

    /// <summary>Partitions of the topic; may grow.</summary>
    public int Partitions => Volatile.Read(ref _partitionCount);

    public long Delivered => Volatile.Read(ref _delivered);

    /// <returns>False while all batches are under way.</returns>
    public bool TryTake([NotNullWhen(true)] out ProduceBatch? batch)
    {
        lock (_gate)
        {
            ThrowIfFailed();
            if (_free.TryPop(out batch)) return true;
            if (_all.Count >= Math.Max(2 * _partitions.Count + 8, _options.BufferBytes / _options.BatchBytes)) return false;
            _all.Add(batch = new ProduceBatch(_options.BatchBytes));
            return true;
        }
    }

    public void Send(ProduceBatch batch)
    {
        lock (_gate)
        {
            _outstanding++;
            _closed.Enqueue(batch);
            Signal();
        }
    }

    public void ThrowIfFailed()
    {
        if (Volatile.Read(ref _failure) is { } failure) throw new EmitException(failure);
    }

    public void WaitForRoom(TimeSpan timeout)
    {
        lock (_gate)
        {
            if (_free.Count == 0 && _failure == null) Monitor.Wait(_gate, timeout);
        }
    }

    public void Flush(TimeSpan timeout)
    {
        long started = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            while (_outstanding > 0)
            {
                ThrowIfFailed();
                TimeSpan left = timeout - Stopwatch.GetElapsedTime(started);
                if (left <= TimeSpan.Zero) throw new EmitException($"{_outstanding} batches for {_topic} were not acknowledged within {timeout.TotalSeconds:0.#} s{(_trouble == null ? "" : ": " + _trouble)}");
                Monitor.Wait(_gate, left);
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stop = true;
            Signal();
        }

        _thread.Join();
        foreach (BrokerLink link in _links.Values.ToArray()) link.Close();
        foreach (ProduceBatch batch in _all) batch.Dispose();
        _compressor.Dispose();
        _cluster.Dispose();
    }

    public void OnAnswer(ProduceBatch batch, short error)
    {
        lock (_gate)
        {
            ProducePartition partition = _partitions[batch.Partition];
            if (error is BrokerError.None or BrokerError.DuplicateSequence)
            {
                partition.Acknowledge(batch);
                _delivered += batch.Records.Count;
                _outstanding--;
                batch.Records.Clear();
                _free.Push(batch);
                return;
            }

            string what = $"{_topic}[{batch.Partition}]: {BrokerError.Text(error)}";
            // Out of order behind one that failed: that one goes first again. Out of order and the oldest: acknowledged records are gone.
            bool again = BrokerError.IsRetriable(error) || error == BrokerError.OutOfOrderSequence && partition.Oldest != batch;
            if (again) Trouble(what);
            else _failure ??= $"a batch of {batch.Records.Count} records could not be delivered: {what}";
            partition.Fail(Stopwatch.GetTimestamp() + Ticks(_options.Wire.RetryBackoff));
            _metadataDue = 0;
        }
    }

    public void OnAnswered(BrokerLink link)
    {
        lock (_gate) Signal();
    }

    public void OnBroken(BrokerLink link, IEnumerable<ProduceBatch> batches, WireException reason)
    {
        lock (_gate)
        {
            if (!_stop) Trouble(reason.Message);
            long retry = Stopwatch.GetTimestamp() + Ticks(_options.Wire.RetryBackoff);
            foreach (ProduceBatch batch in batches) _partitions[batch.Partition].Fail(retry);
            _links.Remove(link.Broker);
            _connectAgain[link.Broker] = retry;
            _metadataDue = 0;
            Signal();
        }
    }

    /// <summary>A broker that is not up yet is waited for as long as for an answer.</summary>
    private (long Id, short Epoch) Begin()
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                _cluster.Refresh();
                return _cluster.InitProducerId();
            }
            catch (WireException e) when (e is not WireRefusedException)
            {
                TimeSpan patience = e is UnknownTopicException ? TimeSpan.FromSeconds(5) : _options.Wire.RequestTimeout;
                if (Stopwatch.GetElapsedTime(started) > patience)
                {
                    _cluster.Dispose();
                    throw new KafkaException(e is UnknownTopicException ? $"{e.Message}: fastiot topics create makes it" : $"{e.Message}. Are the brokers up, and is the address right?", e);
                }

                Trouble(e.Message);
                lock (_gate) Monitor.Wait(_gate, _options.Wire.RetryBackoff);
            }
        }
    }

    private void Run()
    {
        long seen = -1;
        try
        {
            while (true)
            {
                ProduceBatch? batch;
                lock (_gate)
                {
                    if (_stop) return;
                    if (!_closed.TryDequeue(out batch) && seen == _events) Monitor.Wait(_gate, s_idle);
                    seen = _events;
                }

                if (batch != null) Compress(batch);
                Maintain();
                SendReady();
            }
        }
        catch (Exception e)
        {
            lock (_gate)
            {
                _failure ??= $"producing to {_topic} has failed: {e.Message}";
                Signal();
            }

            if (e is not WireException) throw;
        }
    }

    private void Compress(ProduceBatch batch)
    {
        ProducePartition partition = _partitions[batch.Partition];
        batch.Records.Seal(_compressor, batch.Partition, _producer.Id, _producer.Epoch, partition.TakeSequence(batch.Records.Count));
        lock (_gate) partition.Add(batch);
    }

    private void Maintain()
    {
        long now = Stopwatch.GetTimestamp();
        if (now >= _metadataDue) RefreshMetadata(now);
        lock (_gate)
        {
            foreach (ProducePartition partition in _partitions)
            {
                partition.Recover(now);
                if (partition.Oldest is not { } oldest || now - oldest.OpenedTicks < Ticks(_options.DeliveryTimeout + _options.Linger)) continue;
                _failure ??= $"{_topic}[{oldest.Partition}]: {oldest.Records.Count} records could not be delivered within {_options.DeliveryTimeout.TotalSeconds:0} s: {_trouble ?? "the brokers are too slow"}";
                Signal();
            }
        }
    }

    private void RefreshMetadata(long now)
    {
        _metadataDue = now + Ticks(s_metadataAge);
        try
        {
            Learn(_cluster.Refresh());
        }
        catch (WireException e) when (e is not WireRefusedException)
        {
            Trouble(e.Message);
            _metadataDue = now + Ticks(_options.Wire.RetryBackoff);
        }
    }

    private void Learn(ClusterView view)
    {
        lock (_gate)
        {
            while (_partitions.Count < view.Leaders.Length) _partitions.Add(new ProducePartition());
            Volatile.Write(ref _partitionCount, _partitions.Count);
        }
    }

    private void SendReady()
    {
        foreach (List<ProduceBatch> list in _ready.Values) list.Clear();
        long now = Stopwatch.GetTimestamp();
        int[] leaders = _cluster.View.Leaders;
        lock (_gate)
        {
            foreach ((int broker, int bytes) in Waiting(leaders))
            {
                BrokerLink? link = _links.GetValueOrDefault(broker);
                int inFlight = link?.InFlight ?? 0;
                if (link == null && _connectAgain.GetValueOrDefault(broker) > now) continue;
                if (inFlight >= BrokerLink.MostInFlight || inFlight > 0 && bytes < WorthSending) continue;
                if (!_ready.TryGetValue(broker, out List<ProduceBatch>? list)) _ready.Add(broker, list = []);
                for (int i = 0; i < leaders.Length; i++)
                {
                    if (leaders[i] == broker && _partitions[i].HasUnsent) list.Add(_partitions[i].TakeNext());
                }
            }
        }

        foreach ((int broker, List<ProduceBatch> batches) in _ready)
        {
            if (batches.Count > 0) SendTo(broker, batches);
        }
    }

    /// <summary>Brokers with something to send, and how much that is.</summary>
    private List<(int Broker, int Bytes)> Waiting(int[] leaders)
    {
        _waiting.Clear();
        for (int i = 0; i < leaders.Length; i++)
        {
            if (!_partitions[i].HasUnsent) continue;
            if (leaders[i] < 0)
            {
                // Nobody leads it at the moment: ask again soon.
                _metadataDue = Math.Min(_metadataDue, Stopwatch.GetTimestamp() + Ticks(_options.Wire.RetryBackoff));
                continue;
            }

            int broker = leaders[i], place = _waiting.FindIndex(w => w.Broker == broker), bytes = _partitions[i].Peek().Records.Sealed.Length;
            if (place < 0) _waiting.Add((broker, bytes));
            else _waiting[place] = (broker, _waiting[place].Bytes + bytes);
        }

        return _waiting;
    }

    private void SendTo(int broker, List<ProduceBatch> batches)
    {
        try
        {
            BrokerLink link;
            lock (_gate) link = _links.GetValueOrDefault(broker)!;
            if (link == null)
            {
                link = new BrokerLink(broker, _cluster.View.Brokers[broker], _options.Wire, this);
                lock (_gate) _links[broker] = link;
            }

            link.Send(_topic, batches);
        }
        catch (WireException e) when (e is not WireRefusedException)
        {
            lock (_gate)
            {
                Trouble(e.Message);
                long retry = Stopwatch.GetTimestamp() + Ticks(_options.Wire.RetryBackoff);
                foreach (ProduceBatch batch in batches) _partitions[batch.Partition].Fail(retry);
                _links.Remove(broker);
                _connectAgain[broker] = retry;
                _metadataDue = 0;
            }
        }
    }

    private void Trouble(string text)
    {
        if (text == _trouble) return;
        _trouble = text;
        LogTrouble(_log, text);
    }

    /// <summary>Something has changed that somebody may wait for; within the gate.</summary>
    private void Signal()
    {
        _events++;
        Monitor.PulseAll(_gate);
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    [LoggerMessage(Level = LogLevel.Warning, Message = "producing: {text}; trying again")]
    private static partial void LogTrouble(ILogger log, string text);
}
