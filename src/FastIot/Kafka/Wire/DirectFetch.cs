using System.Diagnostics;
using System.Runtime.InteropServices;
using FastIot.Ingest;
using Microsoft.Extensions.Logging;

namespace FastIot.Kafka.Wire;

/// <summary>
/// The data plane of a consumer: fetches the partitions it is told to, from their leaders, and gives out their records in place. Who owns
/// which partition is not its business: librdkafka's group membership says so, through <see cref="KafkaSource"/>. One thread calls everything
/// and does everything; nothing is allocated per record or answer in the steady state.
/// </summary>
internal sealed unsafe partial class DirectFetch : IDisposable
{
    private static readonly TimeSpan s_metadataAge = TimeSpan.FromMinutes(5);

    private readonly FetchOptions _options;
    private readonly string _topic;
    private readonly ILogger _log;
    private readonly Cluster _cluster;
    private readonly List<FetchPartition> _partitions = [];
    private readonly List<FetchLink> _links = [];
    private readonly Dictionary<int, long> _connectAgain = [];
    private readonly List<FetchPartition> _wanted = [];
    private readonly RecordReader _reader = new();
    private readonly AnswerParts _parts = new();
    private FetchPartition? _current;
    private long _metadataDue;
    private long _unknownSince;
    private string? _trouble;

    /// <exception cref="WireRefusedException">The brokers do not speak what this needs.</exception>
    public DirectFetch(FetchOptions options, string topic, ILogger log)
    {
        _options = options;
        _topic = topic;
        _log = log;
        _cluster = new Cluster(options.Wire, topic, mayCreate: false);
        try
        {
            _cluster.Refresh();
            _metadataDue = Stopwatch.GetTimestamp() + Ticks(s_metadataAge);
        }
        catch (WireRefusedException)
        {
            _cluster.Dispose();
            throw;
        }
        catch (WireException e)
        {
            // Not up yet, or no such topic yet: asked again when there is a partition to fetch.
            Trouble(e.Message);
        }
    }

    /// <summary>Begins to fetch a partition, from this offset.</summary>
    public void Assign(int partition, long offset)
    {
        Unassign(partition);
        _partitions.Add(new FetchPartition(partition, offset));
    }

    /// <summary>Whether the partition is assigned.</summary>
    public bool Has(int partition) => Find(partition) != null;

    /// <summary>Delivers nothing more of a partition.</summary>
    public void Unassign(int partition)
    {
        if (Find(partition) is not { } found) return;
        _partitions.Remove(found);
        if (_current == found) _reader.Skip();
    }

    public void Pause(int partition, bool pause)
    {
        if (Find(partition) is { } found) found.Paused = pause;
    }

    /// <summary>The next record of the partition is the one at this offset.</summary>
    public void Seek(int partition, long offset)
    {
        if (Find(partition) is not { } found) return;
        if (_current == found) _reader.Skip();
        found.Position = found.FetchFrom = offset;
    }

    /// <summary>Offset behind the last record of the log; −1 while unknown.</summary>
    public long HighOffset(int partition) => Find(partition)?.High ?? -1;

    /// <summary>Whether everything up to the log's end, as the broker last said, has been delivered or passed over.</summary>
    public bool AtEnd(int partition) => Find(partition) is { High: >= 0 } found && found.Position >= found.High;

    /// <summary>Waits up to this long for the first records; those of the poll before are released.</summary>
    /// <exception cref="IngestException">What trying again does not get over; it names topic, partition and offset.</exception>
    public int Poll(Span<Record> records, int timeoutMs)
    {
        long started = Stopwatch.GetTimestamp();
        _reader.Release();
        while (true)
        {
            int count = Deliver(records);
            if (count > 0) return count;
            if (Receive()) continue;
            Ask();
            int left = timeoutMs - (int)Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            if (left <= 0) return 0;
            Await(left);
        }
    }

    public void Dispose()
    {
        foreach (FetchLink link in _links) link.Dispose();
        _cluster.Dispose();
        _reader.Dispose();
    }

    private FetchPartition? Find(int number)
    {
        foreach (FetchPartition partition in _partitions)
        {
            if (partition.Number == number) return partition;
        }

        return null;
    }

    /// <summary>Gives out what is left of the answer under way.</summary>
    private int Deliver(Span<Record> records)
    {
        int count = 0;
        while (count < records.Length)
        {
            if (_current is { } current)
            {
                if (!current.Paused) count += Read(records[count..], current);
                if (!current.Paused && !_reader.Done)
                {
                    if (count > 0) return count;
                    // Full of batches without a record to give out.
                    _reader.Release();
                    continue;
                }

                _reader.Skip();
                _current = null;
            }

            if (!_parts.TryNext(out FetchPart part)) return count;
            // Given up, sought elsewhere or paused since it was asked for: what is still wanted of it is asked for again.
            if (part.Partition.Paused || part.Partition.Position != part.From || !_partitions.Contains(part.Partition)) continue;
            _current = part.Partition;
            _reader.Open(part.Records, part.Length, part.Partition.Number, part.From, part.Aborted);
        }

        return count;
    }

    private int Read(Span<Record> records, FetchPartition current)
    {
        try
        {
            int count = _reader.Read(records);
            current.Position = _reader.Position;
            return count;
        }
        catch (RecordFormatException e)
        {
            throw new IngestException($"{_topic}[{current.Number}]@{e.Offset}: {e.Message}", e);
        }
    }

    /// <summary>Takes one answer that has come as a whole, and asks its broker for more before anything of it is decoded.</summary>
    private bool Receive()
    {
        for (int i = 0; i < _links.Count; i++)
        {
            FetchLink link = _links[i];
            if (!link.IsAsking) continue;
            try
            {
                if (!link.TryReceive(out WireReader answer)) continue;
                _parts.Read(ref answer, link);
                NoteParts();
                Ask(link);
                return true;
            }
            catch (WireException e)
            {
                Drop(link, e);
                return false;
            }
        }

        return false;
    }

    /// <summary>Takes note of ends and errors, and of where each part's next fetch begins.</summary>
    private void NoteParts()
    {
        for (int i = 0; i < _parts.Count; i++)
        {
            ref FetchPart part = ref _parts[i];
            FetchPartition partition = part.Partition;
            if (part.Error != BrokerError.None)
            {
                OnError(partition, part.Error, part.From);
                continue;
            }

            partition.High = part.High;
            partition.LastStable = part.LastStable;
            partition.FetchFrom = part.From == partition.Position && !partition.Paused
                ? RecordReader.NextOffset(part.Records, part.Length, part.From)
                : partition.Position;
        }
    }

    private void OnError(FetchPartition partition, short error, long from)
    {
        string where = $"{_topic}[{partition.Number}]@{from}";
        switch (error)
        {
            case BrokerError.OffsetOutOfRange when from == partition.Position && _partitions.Contains(partition):
                throw new IngestException($"{where}: the log no longer has this offset ({BrokerError.Text(error)}). It has expired, or the topic was made anew: reset the group's offsets, or take another group") { Gap = true };
            case BrokerError.TopicAuthorizationFailed or BrokerError.ClusterAuthorizationFailed:
                throw new IngestException($"{where}: {BrokerError.Text(error)}");
            case BrokerError.OffsetOutOfRange:
                break;
            default:
                // A new leader, a broker that starts, an error of its disk: asked elsewhere, or again.
                Trouble($"{where}: {BrokerError.Text(error)}");
                partition.RetryTicks = Stopwatch.GetTimestamp() + Ticks(_options.Wire.RetryBackoff);
                _metadataDue = Math.Min(_metadataDue, partition.RetryTicks);
                break;
        }

        partition.FetchFrom = partition.Position;
    }

    /// <summary>Sends a fetch to every broker that has none under way and something to be asked for.</summary>
    private void Ask()
    {
        long now = Stopwatch.GetTimestamp();
        if (now >= _metadataDue) RefreshMetadata(now);
        int[] leaders = _cluster.Known ? _cluster.View.Leaders : [];
        foreach (FetchPartition partition in _partitions)
        {
            if (!IsWanted(partition, now)) continue;
            // Nothing received is left undelivered when this is called.
            partition.FetchFrom = partition.Position;
            int leader = partition.Number < leaders.Length ? leaders[partition.Number] : -1;
            if (leader < 0)
            {
                partition.RetryTicks = now + Ticks(_options.Wire.RetryBackoff);
                _metadataDue = Math.Min(_metadataDue, partition.RetryTicks);
            }
            else if (Link(leader, now) is { IsAsking: false } link && !Ask(link))
            {
                // The list of links has changed; the rest comes with the next turn.
                return;
            }
        }
    }

    private bool IsWanted(FetchPartition partition, long now) => !partition.Paused && !partition.Asked && partition.RetryTicks <= now;

    private bool Ask(FetchLink link)
    {
        long now = Stopwatch.GetTimestamp();
        int[] leaders = _cluster.View.Leaders;
        _wanted.Clear();
        foreach (FetchPartition partition in _partitions)
        {
            if (partition.Number < leaders.Length && leaders[partition.Number] == link.Broker && IsWanted(partition, now)) _wanted.Add(partition);
        }

        try
        {
            link.Ask(_topic, _wanted, _cluster.View.LeaderEpochs);
            return true;
        }
        catch (WireException e)
        {
            Drop(link, e);
            return false;
        }
    }

    private FetchLink? Link(int broker, long now)
    {
        foreach (FetchLink link in _links)
        {
            if (link.Broker == broker) return link;
        }

        if (_connectAgain.GetValueOrDefault(broker) > now || !_cluster.View.Brokers.TryGetValue(broker, out BrokerAddress? address)) return null;
        try
        {
            var link = new FetchLink(broker, address, _options);
            _links.Add(link);
            return link;
        }
        catch (WireException e)
        {
            Trouble(e.Message);
            _connectAgain[broker] = now + Ticks(_options.Wire.RetryBackoff);
            _metadataDue = Math.Min(_metadataDue, _connectAgain[broker]);
            return null;
        }
    }

    private void Drop(FetchLink link, WireException reason)
    {
        Trouble(reason.Message);
        long retry = Stopwatch.GetTimestamp() + Ticks(_options.Wire.RetryBackoff);
        _connectAgain[link.Broker] = retry;
        _metadataDue = Math.Min(_metadataDue, retry);
        // What is being given out lies in the link's memory.
        if (_parts.Link == link)
        {
            if (_current != null) _reader.Skip();
            _current = null;
            _parts.Clear();
        }

        foreach ((FetchPartition partition, _) in link.Asked) partition.FetchFrom = partition.Position;
        _links.Remove(link);
        link.Dispose();
    }

    private void RefreshMetadata(long now)
    {
        _metadataDue = now + Ticks(s_metadataAge);
        try
        {
            _cluster.Refresh();
            _unknownSince = 0;
        }
        catch (WireRefusedException e)
        {
            throw new IngestException($"{e.Message}. The setting kafka.ingest librdkafka may do", e);
        }
        catch (WireException e)
        {
            if (e is UnknownTopicException && _unknownSince == 0) _unknownSince = now;
            if (e is UnknownTopicException && Stopwatch.GetElapsedTime(_unknownSince) > _options.Wire.RequestTimeout)
                throw new IngestException($"{e.Message}: fastiot topics create makes it", e);
            Trouble(e.Message);
            _metadataDue = now + Ticks(_options.Wire.RetryBackoff);
        }
    }

    /// <summary>Waits for an answer of any broker.</summary>
    private void Await(int timeoutMs)
    {
        PollHandle* handles = stackalloc PollHandle[Math.Min(_links.Count, 64) + 1];
        uint count = 0;
        foreach (FetchLink link in _links)
        {
            if (link.IsAsking && count < 64) handles[count++] = new PollHandle { Handle = (int)link.Handle, Wanted = PollHandle.Readable };
        }

        // With something to be tried again soon, or more brokers than are waited for, not longer than until then.
        bool all = count == _links.Count && _partitions.TrueForAll(p => p.Asked || p.Paused);
        Poll(handles, count, all ? timeoutMs : Math.Min(timeoutMs, (int)_options.Wire.RetryBackoff.TotalMilliseconds));
    }

    private void Trouble(string text)
    {
        if (text == _trouble) return;
        _trouble = text;
        LogTrouble(_log, text);
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(PollHandle* handles, nuint count, int timeoutMs);

    [LoggerMessage(Level = LogLevel.Warning, Message = "fetching: {text}; trying again")]
    private static partial void LogTrouble(ILogger log, string text);

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PollHandle
    {
        public const short Readable = 1;

        public int Handle;
        public short Wanted;
        public short Got;
    }
}
