using System.Diagnostics;
using FastIot.Ingest;
using FastIot.Kafka;
using FastIot.Observe;
using Microsoft.Extensions.Logging;

namespace FastIot.Emit;

/// <summary>
/// Records and the group's offsets in one Kafka transaction (KIP-447: fenced by the group's generation). What a failure has made useless is
/// dropped until the commit says so: the transaction it belongs to can never be seen.
/// </summary>
/// <remarks>
/// The transactional.id is this instance's own for as long as it lives, over restarts: a restart under the same id ends at once what the
/// former left open, while under another the group's offsets would stay undecided until <c>transaction.timeout.ms</c>.
/// </remarks>
public sealed class TransactionalKafkaSink : ITransactionalSink
{
    /// <summary>Bound of the first call, which waits for brokers, coordinators, and the end of what a predecessor left open.</summary>
    private static readonly TimeSpan s_initialise = TimeSpan.FromSeconds(60);

    private readonly KafkaOptions _options;
    private readonly KafkaProducer _producer;
    private readonly KafkaTransactions _transactions;
    private readonly KafkaSink _records;
    private readonly LatencyHistogram? _latency;
    private readonly List<long> _born = [];
    private CommitResult? _broken;

    /// <param name="transactionalId">Stable, and nobody else's.</param>
    /// <param name="latency">Told how long it took from an anomaly's birth to its commit: from when on others see it.</param>
    /// <exception cref="EmitException">The brokers do not answer, or refuse.</exception>
    public TransactionalKafkaSink(KafkaOptions options, string transactionalId, LatencyHistogram? latency, ILogger log)
    {
        _options = options;
        _latency = latency;
        _producer = new KafkaProducer(options, Defaults(transactionalId), latency: null, log);
        try
        {
            _records = new KafkaSink(options, _producer);
            _transactions = new KafkaTransactions(_producer, transactionalId, log);
            _transactions.Initialise(s_initialise);
        }
        catch (TransactionException e)
        {
            Dispose();
            throw new EmitException($"{options.Bootstrap}: {Hint(e)}", e);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public bool TryWriteAnomaly(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long bornTicks)
    {
        if (!Begin()) return true;
        try
        {
            if (!_records.TryWriteAnomaly(key, value, 0)) return false;
        }
        catch (EmitException e)
        {
            Break(CommitResult.Aborted(e.Message));
            return true;
        }

        if (bornTicks != 0) _born.Add(bornTicks);
        FaultPoint.Hit(FaultPoint.AnomalyQueued);
        return true;
    }

    public bool TryWriteReading(OutputTopic topic, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in Provenance provenance)
    {
        if (!Begin()) return true;
        try
        {
            return _records.TryWriteReading(topic, key, value, in provenance);
        }
        catch (EmitException e)
        {
            Break(CommitResult.Aborted(e.Message));
            return true;
        }
    }

    public void Poll() => _producer.Poll();

    /// <summary>Makes room. A failure shows at the commit: there it is known what has become of the transaction.</summary>
    public void Flush(TimeSpan timeout)
    {
        if (_broken != null) return;
        try
        {
            _producer.Flush(timeout);
        }
        catch (EmitException e)
        {
            Break(CommitResult.Aborted(e.Message));
        }
    }

    public CommitResult Commit(ReadOnlySpan<PartitionCommit> commits, IGroupMembership group, TimeSpan timeout)
    {
        var left = Stopwatch.StartNew();
        if (_broken is { } broken) return broken.Outcome == CommitOutcome.Unknown ? broken : AbortBecause(broken.Reason!, timeout);
        using var offsets = new OffsetList(_options.RawTopic, commits);
        try
        {
            _transactions.Begin();
            if (commits.Length > 0) _transactions.SendOffsets(in offsets, ((KafkaGroupMembership)group).Handle, timeout);
            _transactions.Commit(Left(timeout, left));
        }
        catch (TransactionException e)
        {
            string why = $"{Hint(e)} ({offsets.ToString()})";
            return e.State == TransactionState.Abortable ? AbortBecause(why, Left(timeout, left)) : Break(CommitResult.Unknown(why));
        }

        long now = Stopwatch.GetTimestamp();
        foreach (long born in _born) _latency?.Record(now - born);
        _born.Clear();
        return CommitResult.Committed;
    }

    public CommitResult Abort(TimeSpan timeout) =>
        _broken is { Outcome: CommitOutcome.Unknown } broken ? broken : AbortBecause("the end of the transaction was asked for", timeout);

    public void Dispose()
    {
        _transactions?.Dispose();

        // Disposing of it would wait for the call that hangs.
        if (_transactions is { Hangs: true }) return;

        // The producer is the records' own once they are there.
        if (_records != null) _records.Dispose();
        else _producer.Dispose();
    }

    private static IEnumerable<KeyValuePair<string, string>> Defaults(string transactionalId) =>
    [
        new("transactional.id", transactionalId),
        new("linger.ms", "2"),
        // Back to back, a transaction waits this long for the end of the one before.
        new("retry.backoff.ms", "5"),
        // How long a halted instance may hold up readers and its successor; longer than a broker takes to be replaced.
        new("transaction.timeout.ms", "20000"),
        new("delivery.timeout.ms", "15000"),
        // A dead letter is as large as the record it was, and its headers.
        new("message.max.bytes", "9437184"),
    ];

    private bool Begin()
    {
        if (_broken != null) return false;
        if (_transactions.Open) return true;
        try
        {
            _transactions.Begin();
            return true;
        }
        catch (TransactionException e)
        {
            Break(e.State == TransactionState.Abortable ? CommitResult.Aborted(Hint(e)) : CommitResult.Unknown(Hint(e)));
            return false;
        }
    }

    private CommitResult Break(CommitResult result)
    {
        _born.Clear();
        _broken = result;
        return result;
    }

    private CommitResult AbortBecause(string why, TimeSpan timeout)
    {
        _born.Clear();
        try
        {
            _transactions.Abort(timeout);
            _broken = null;
            return CommitResult.Aborted(why);
        }
        catch (TransactionException e)
        {
            return Break(CommitResult.Unknown($"{why}; {Hint(e)}"));
        }
    }

    private static TimeSpan Left(TimeSpan timeout, Stopwatch since) => timeout - since.Elapsed > TimeSpan.FromSeconds(1) ? timeout - since.Elapsed : TimeSpan.FromSeconds(1);

    private static string Hint(TransactionException e) => e.Code switch
    {
        KafkaError.Fenced or KafkaError.InvalidProducerEpoch => $"{e.Message}: another instance has taken over this transactional.id; if it still runs, give each its own pipeline.instance-id",
        KafkaError.IllegalGeneration or KafkaError.UnknownMemberId or KafkaError.FencedInstanceId => $"{e.Message}: the group has gone on without this member",
        _ => e.Message,
    };
}
