using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using FastIot.Recovery;
using Microsoft.Extensions.Logging;

namespace FastIot.Emit;

/// <summary>
/// Writes the feature files and snapshots of slow state behind a bounded queue, on a thread of its own, in the order they come: so that a
/// slow store delays files, not alarms, and a snapshot is never there before the files up to it. What the store refuses is tried again
/// until it takes it; meanwhile the queue fills and the partitions pause.
/// </summary>
public sealed class FeatureFileWriter : IDisposable
{
    /// <summary>Rows that may wait in memory, all partitions together. A single file may be larger.</summary>
    public const long DefaultQueueBytes = 256L << 20;

    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(10);

    private readonly IObjectStore _store;
    private readonly string _configHash;
    private readonly ILogger _log;
    private readonly long _queueBytes;
    private readonly IFeatureFileEncoder _encoder;
    private readonly Queue<FileJob> _queue = new();
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _available = new(0);
    private readonly ManualResetEventSlim _idle = new(true);
    private readonly ConcurrentBag<FeatureRows> _rowsPool = [];
    private readonly ConcurrentBag<NativeArray<byte>> _bytesPool = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread? _thread;
    private long _queuedBytes;
    private long _files;
    private long _bytes;
    private long _rows;
    private long _retries;
    private long _rewrites;
    private long _differences;
    private long _snapshots;
    private long _snapshotBytes;
    private volatile Exception? _fault;

    /// <param name="store">Where the files go. Not disposed.</param>
    /// <param name="windowUs">Length of a window.</param>
    /// <param name="configHash">Part of every name, see <see cref="PipelineOptions.ConfigHash"/>.</param>
    public FeatureFileWriter(IObjectStore store, long windowUs, string configHash, ILogger log, long queueBytes = DefaultQueueBytes)
        : this(store, new FeatureFileEncoder(windowUs), configHash, log, queueBytes, ownThread: true)
    {
    }

    /// <param name="ownThread">False: whoever made it calls <see cref="Step"/>.</param>
    internal FeatureFileWriter(IObjectStore store, IFeatureFileEncoder encoder, string configHash, ILogger log, long queueBytes, bool ownThread)
    {
        _store = store;
        _configHash = configHash;
        _log = log;
        _queueBytes = queueBytes;
        _encoder = encoder;
        if (!ownThread) return;
        _thread = new Thread(Run) { Name = "feature-files", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Where snapshots are read from, too.</summary>
    public IObjectStore Store => _store;

    public string Location => _store.Location;

    public long FilesWritten => Volatile.Read(ref _files);

    public long BytesWritten => Volatile.Read(ref _bytes);

    public long RowsWritten => Volatile.Read(ref _rows);

    /// <summary>Files that were there already, after a replay.</summary>
    public long Rewrites => Volatile.Read(ref _rewrites);

    /// <summary>Rewrites that said something else than what was there, which was left: an alarm.</summary>
    public long Differences => Volatile.Read(ref _differences);

    /// <summary>Puts the store refused, each tried again.</summary>
    public long Retries => Volatile.Read(ref _retries);

    public long SnapshotsWritten => Volatile.Read(ref _snapshots);

    public long SnapshotBytesWritten => Volatile.Read(ref _snapshotBytes);

    public long QueuedBytes => Volatile.Read(ref _queuedBytes);

    /// <summary>Why no file can be written any more; null while all is well. A store that is away is no fault: it is waited for.</summary>
    public Exception? Fault => _fault;

    /// <summary>An empty row set, of earlier files where there are some.</summary>
    public FeatureRows Rent(int capacity)
    {
        FeatureRows rows = _rowsPool.TryTake(out FeatureRows? pooled) ? pooled : new FeatureRows(capacity);
        rows.EnsureCapacity(capacity);
        return rows;
    }

    /// <summary>Memory for a snapshot, of earlier ones where there is some.</summary>
    internal NativeArray<byte> RentBytes() => _bytesPool.TryTake(out NativeArray<byte>? pooled) ? pooled : new NativeArray<byte>(0);

    internal void Return(FeatureRows rows)
    {
        rows.Clear();
        _rowsPool.Add(rows);
    }

    internal void Return(NativeArray<byte> bytes) => _bytesPool.Add(bytes);

    /// <summary>Takes over a partition's next job.</summary>
    /// <returns>False when the queue is full: it stays the caller's.</returns>
    internal bool TryEnqueue(FileJob job)
    {
        lock (_lock)
        {
            if (_queuedBytes > 0 && _queuedBytes + job.Bytes > _queueBytes) return false;
            _queuedBytes += job.Bytes;
            _queue.Enqueue(job);
            _idle.Reset();
        }

        _available.Release();
        return true;
    }

    /// <summary>Waits until everything queued is stored.</summary>
    /// <exception cref="EmitException">It is not within the time, or a file could not be encoded.</exception>
    public void Flush(TimeSpan timeout)
    {
        var waited = Stopwatch.StartNew();
        while (!_idle.Wait(TimeSpan.FromMilliseconds(50)))
        {
            if (_fault != null) break;
            if (waited.Elapsed > timeout) throw new EmitException($"{Location} did not take the feature files within {timeout.TotalSeconds:0.#} s; they will be written again from the log");
        }

        if (_fault is { } fault) throw new EmitException($"feature rows could not be encoded: {fault.Message}", fault);
    }

    /// <summary>Ends at once; what waits is left to a replay. <see cref="Flush"/> first.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _thread?.Join();
        foreach (FileJob job in _queue) job.Release(this);
        foreach (FeatureRows rows in _rowsPool) rows.Dispose();
        foreach (NativeArray<byte> bytes in _bytesPool) bytes.Dispose();
        _encoder.Dispose();
        _stop.Dispose();
        _available.Dispose();
        _idle.Dispose();
    }

    /// <summary>Does the next job, with one try.</summary>
    /// <returns>False when the store refused: the job stays the next one. True when it is done, or there was none.</returns>
    internal bool Step()
    {
        FileJob? job;
        lock (_lock) _queue.TryPeek(out job);
        if (job == null) return true;
        try
        {
            if (!job.Progress.Abandoned) Do(job);
        }
        catch (ObjectStoreException e)
        {
            Volatile.Write(ref _retries, _retries + 1);
            FileLog.PutRefused(_log, e.Message);
            return false;
        }

        Finish(job);
        return true;
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                _available.Wait(_stop.Token);
                TimeSpan pause = s_firstPause;
                while (!Step())
                {
                    _stop.Token.WaitHandle.WaitOne(pause);
                    _stop.Token.ThrowIfCancellationRequested();
                    pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The end was asked for; what waits is disposed by who asked.
        }
        catch (Exception e)
        {
            _fault = e;
            FileLog.CannotEncode(_log, e);
        }
    }

    private void Do(FileJob job)
    {
        switch (job)
        {
            case RowsJob { Rows: var rows }:
                if (rows.Count > 0) Write(rows);
                job.Progress.StoredUs = Math.Max(job.Progress.StoredUs, rows.UpToUs);
                break;
            case SnapshotJob snapshot:
                Write(snapshot);
                job.Progress.Snapshot = new StoredSnapshot(snapshot.UpToUs, snapshot.Hash!);
                break;
            case SweepJob sweep:
                Sweep(sweep);
                break;
        }
    }

    private void Finish(FileJob job)
    {
        lock (_lock)
        {
            _queue.Dequeue();
            _queuedBytes -= job.Bytes;
            if (_queue.Count == 0) _idle.Set();
        }

        job.Release(this);
    }

    private void Write(FeatureRows rows)
    {
        ReadOnlyMemory<byte> content = _encoder.Encode(rows);
        string name = FeatureFileName.Of(rows, _configHash);
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(content.Span));
        FaultPoint.Hit(FaultPoint.FileBeforePut);
        StoredObject? there = _store.PutIfAbsentAsync(name, content, sha256, _stop.Token).GetAwaiter().GetResult();
        if (there is { } stored) Compare(name, content, sameBytes: stored.Sha256 == sha256);
        FaultPoint.Hit(FaultPoint.FileAfterPut);
        Volatile.Write(ref _files, _files + 1);
        Volatile.Write(ref _bytes, _bytes + content.Length);
        Volatile.Write(ref _rows, _rows + rows.Count);
    }

    /// <summary>What a replay writes is what is there already, or computing is not the function of the log that everything relies on.</summary>
    private void Compare(string name, ReadOnlyMemory<byte> content, bool sameBytes)
    {
        Volatile.Write(ref _rewrites, _rewrites + 1);
        if (sameBytes) return;
        byte[] stored = _store.GetAsync(name, _stop.Token).GetAwaiter().GetResult() ?? throw new ObjectStoreException($"{Location}/{name} was there a moment ago and is gone: somebody removes what is being written");
        if (_encoder.Difference(stored, content) is not { } difference) return;
        Volatile.Write(ref _differences, _differences + 1);
        FileLog.Different(_log, Location, name, difference);
    }

    private unsafe void Write(SnapshotJob snapshot)
    {
        byte* content = snapshot.Content.Pointer;
        snapshot.Hash ??= SlowStateSnapshot.Seal(new Span<byte>(content, snapshot.Length));
        FaultPoint.Hit(FaultPoint.SnapshotBeforePut);
        Wait(_store.PutAsync(snapshot.Name, new NativeMemoryManager(content, snapshot.Length).Memory, _stop.Token));
        FaultPoint.Hit(FaultPoint.SnapshotAfterPut);
        Volatile.Write(ref _snapshots, _snapshots + 1);
        Volatile.Write(ref _snapshotBytes, _snapshotBytes + snapshot.Length);
    }

    /// <summary>
    /// Looks what is there: of several snapshots between two commits only the last is ever named by one, and former owners may have left some.
    /// Those after the committed one are left: whoever replays writes them again.
    /// </summary>
    private void Sweep(SweepJob sweep)
    {
        Task<IReadOnlyList<string>> there = _store.ListAsync(sweep.Prefix, _stop.Token);
        Wait(there);
        foreach (string old in there.Result.Where(n => string.CompareOrdinal(n, sweep.Committed) < 0)) Wait(_store.DeleteAsync(old, _stop.Token));
    }

    private static void Wait(Task task) => task.GetAwaiter().GetResult();
}

/// <summary>Turns rows into a file's bytes.</summary>
internal interface IFeatureFileEncoder : IDisposable
{
    /// <param name="rows">At least one.</param>
    /// <returns>Valid until the next call.</returns>
    ReadOnlyMemory<byte> Encode(FeatureRows rows);

    /// <returns>Null where both say the same; else the first difference.</returns>
    string? Difference(ReadOnlyMemory<byte> stored, ReadOnlyMemory<byte> written);
}

internal static partial class FileLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "{why}; trying again")]
    public static partial void PutRefused(ILogger log, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "{location}/{name} was written before with other values; what is there stays. {difference}. Replays must compute the same: look for another model, program version or processor, then run fastiot verify")]
    public static partial void Different(ILogger log, string location, string name, string difference);

    [LoggerMessage(Level = LogLevel.Error, Message = "feature rows could not be encoded")]
    public static partial void CannotEncode(ILogger log, Exception exception);
}
