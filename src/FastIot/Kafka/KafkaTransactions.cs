using System.Diagnostics;
using FastIot.Ingest;
using Microsoft.Extensions.Logging;

namespace FastIot.Kafka;

/// <summary>What a failed call leaves behind.</summary>
internal enum TransactionState
{
    /// <summary>Nothing of the transaction will ever be seen, once it is aborted; the producer goes on.</summary>
    Abortable,

    /// <summary>Nobody knows whether it was committed, or the producer is fenced: it must be discarded, and what is committed read again.</summary>
    Unknown,
}

/// <summary>A call of a transaction failed; the message is the broker's or librdkafka's own.</summary>
internal sealed class TransactionException(string message, TransactionState state, int code) : Exception(message)
{
    public TransactionState State { get; } = state;

    /// <summary>librdkafka's code, see <see cref="KafkaError"/>.</summary>
    public int Code { get; } = code;
}

/// <summary>
/// The transactions of one producer, begun when the first record is. Every call is bounded in time; what librdkafka calls retriable is
/// called again with the same arguments until then. A time-out leaves the outcome open: then, and after a fatal error, the instance must
/// not be used any more, not even to abort (an abort could meet a commit that is still under way).
/// </summary>
/// <remarks>
/// The calls are made on a thread of its own: librdkafka's bounds do not always hold (its issue 5511: <c>send_offsets_to_transaction</c> waits for ever
/// when the group's coordinator goes away at the wrong moment). A call that does not come back is given up with its thread and its producer, whose
/// successor fences it; should it come back after all, it disposes of them.
/// </remarks>
internal sealed unsafe class KafkaTransactions : IDisposable
{
    private const int RetryPauseMs = 20;

    /// <summary>Calls that hang, of all instances together: more are no accident, and each holds memory.</summary>
    private const int MostHanging = 8;

    /// <summary>For an answer that is on its way when librdkafka's own time is up.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    /// <summary>How long one call may wait; what has not ended by then is called again, until the whole time is up. So a call that hangs is noticed soon.</summary>
    private static readonly TimeSpan s_turn = TimeSpan.FromSeconds(5);

    private static int s_hanging;

    private readonly KafkaProducer _producer;
    private readonly string _id;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _asked = new(0);
    private readonly SemaphoreSlim _answered = new(0);
    private readonly Lock _lock = new();
    private Func<KafkaProducer, Arguments, int, nint>? _call;
    private Arguments _arguments;
    private int _callMs;
    private nint _answer;
    private bool _givenUp;

    public KafkaTransactions(KafkaProducer producer, string id, ILogger log)
    {
        _producer = producer;
        _id = id;
        _log = log;
        new Thread(Serve) { Name = "transactions", IsBackground = true }.Start();
    }

    /// <summary>Whether a call has not come back: then the producer is not to be disposed of by anybody else.</summary>
    public bool Hangs => _givenUp;

    /// <summary>Whether a transaction is begun.</summary>
    public bool Open { get; private set; }

    /// <summary>
    /// Registers the id with its coordinator: fences whoever used it before, and ends what that one left open. Waits for the brokers up to
    /// the time-out.
    /// </summary>
    public void Initialise(TimeSpan timeout) => Call("init_transactions", static (p, _, ms) => NativeKafka.rd_kafka_init_transactions(p.Handle, ms), default, timeout);

    /// <summary>Begins a transaction where none is.</summary>
    public void Begin()
    {
        if (Open) return;
        Call("begin_transaction", static (p, _, _) => NativeKafka.rd_kafka_begin_transaction(p.Handle), default, TimeSpan.Zero);
        Open = true;
        FaultPoint.Hit(FaultPoint.TransactionBegun);
    }

    /// <summary>Adds the group's offsets to the transaction; the broker refuses them from a member whose generation has passed.</summary>
    /// <param name="groupMetadata">Taken from the consumer for this call: it ages.</param>
    public void SendOffsets(in OffsetList offsets, nint groupMetadata, TimeSpan timeout)
    {
        FaultPoint.Hit(FaultPoint.TransactionBeforeOffsets);
        Call("send_offsets_to_transaction", static (p, a, ms) => NativeKafka.rd_kafka_send_offsets_to_transaction(p.Handle, a.Offsets, a.Group, ms), new Arguments(offsets.List, groupMetadata), timeout);
        FaultPoint.Hit(FaultPoint.TransactionAfterOffsets);
    }

    /// <summary>Waits for the records' acknowledgements and commits.</summary>
    public void Commit(TimeSpan timeout)
    {
        FaultPoint.Hit(FaultPoint.TransactionBeforeCommit);
        Call("commit_transaction", static (p, _, ms) => NativeKafka.rd_kafka_commit_transaction(p.Handle, ms), default, timeout);
        Open = false;
        FaultPoint.Hit(FaultPoint.TransactionAfterCommit);
    }

    /// <summary>Drops what was written since <see cref="Begin"/>.</summary>
    public void Abort(TimeSpan timeout)
    {
        if (!Open) return;
        Call("abort_transaction", static (p, _, ms) => NativeKafka.rd_kafka_abort_transaction(p.Handle, ms), default, timeout);
        Open = false;
        _producer.ForgetFailure();
    }

    public void Dispose()
    {
        if (_givenUp) return;
        _call = null;
        _asked.Release();
    }

    private void Call(string name, Func<KafkaProducer, Arguments, int, nint> call, Arguments arguments, TimeSpan timeout)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            TimeSpan left = timeout - waited.Elapsed;
            nint error = Ask(name, call, arguments, (int)Math.Max(1, (left < s_turn ? left : s_turn).TotalMilliseconds));
            if (error == 0) return;
            int code = NativeKafka.rd_kafka_error_code(error);
            bool fatal = NativeKafka.rd_kafka_error_is_fatal(error) != 0, retriable = NativeKafka.rd_kafka_error_is_retriable(error) != 0;
            bool abortable = NativeKafka.rd_kafka_error_txn_requires_abort(error) != 0;
            string text = KafkaClient.Take(error)!;
            if (retriable && !fatal && waited.Elapsed < timeout)
            {
                KafkaLog.CallAgain(_log, _id, name, text);
                _producer.Poll(RetryPauseMs);
                continue;
            }

            string message = $"transactional.id {_id}, {name}: {text}" + (retriable ? $" (for {timeout.TotalSeconds:0.#} s)" : "");
            throw new TransactionException(message, abortable && !fatal ? TransactionState.Abortable : TransactionState.Unknown, code);
        }
    }

    /// <exception cref="TransactionException">It has not come back.</exception>
    private nint Ask(string name, Func<KafkaProducer, Arguments, int, nint> call, Arguments arguments, int timeoutMs)
    {
        (_call, _arguments, _callMs) = (call, arguments, timeoutMs);
        _asked.Release();
        TimeSpan patience = TimeSpan.FromMilliseconds(timeoutMs) + s_grace;
        if (_answered.Wait(patience)) return _answer;
        lock (_lock)
        {
            // It may have come back this very moment.
            if (_answered.Wait(0)) return _answer;
            _givenUp = true;
        }

        string hangs = $"transactional.id {_id}, {name}: librdkafka has not come back within {patience.TotalSeconds:0.#} s";
        if (Interlocked.Increment(ref s_hanging) > MostHanging) throw new IngestException($"{hangs}, and it was so {MostHanging} times before: something is wrong beyond what new connections mend. See whether the brokers are healthy, then start again");
        throw new TransactionException(hangs + ": the producer is given up", TransactionState.Unknown, KafkaError.TimedOut);
    }

    private void Serve()
    {
        while (true)
        {
            _asked.Wait();
            if (_call is not { } call) return;
            nint answer = call(_producer, _arguments, _callMs);
            lock (_lock)
            {
                if (!_givenUp)
                {
                    _answer = answer;
                    _answered.Release();
                    continue;
                }
            }

            if (answer != 0) KafkaClient.Take(answer);
            _producer.Dispose();
            Interlocked.Decrement(ref s_hanging);
            return;
        }
    }

    private readonly struct Arguments(KafkaPartitionList* offsets, nint group)
    {
        public KafkaPartitionList* Offsets { get; } = offsets;

        public nint Group { get; } = group;
    }
}

internal static partial class KafkaLog
{
    [LoggerMessage(Level = LogLevel.Debug, Message = "transactional.id {id}, {call}: {why}; calling again")]
    public static partial void CallAgain(ILogger log, string id, string call, string why);
}
