using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using ParquetSharp.IO;

namespace FastIot.Emit;

/// <summary>
/// Writes the feature files behind a bounded queue, on a thread of its own, in the order they come: so that a slow store delays files, not
/// alarms. What the store refuses is tried again until it takes it; meanwhile the queue fills and the partitions pause.
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
    private readonly FeatureFileEncoder _encoder;
    private readonly Queue<FeatureRows> _queue = new();
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _available = new(0);
    private readonly ManualResetEventSlim _idle = new(true);
    private readonly ConcurrentBag<FeatureRows> _pool = [];
    private readonly ConcurrentDictionary<int, long> _storedUs = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private long _queuedBytes;
    private long _files;
    private long _bytes;
    private long _rows;
    private long _retries;
    private volatile Exception? _fault;

    /// <param name="store">Where the files go. Not disposed.</param>
    /// <param name="windowUs">Length of a window.</param>
    /// <param name="configHash">Part of every name, see <see cref="PipelineOptions.ConfigHash"/>.</param>
    public FeatureFileWriter(IObjectStore store, long windowUs, string configHash, ILogger log, long queueBytes = DefaultQueueBytes)
    {
        _store = store;
        _configHash = configHash;
        _log = log;
        _queueBytes = queueBytes;
        _encoder = new FeatureFileEncoder(windowUs);
        _thread = new Thread(Run) { Name = "feature-files", IsBackground = true };
        _thread.Start();
    }

    public string Location => _store.Location;

    public long FilesWritten => Volatile.Read(ref _files);

    public long BytesWritten => Volatile.Read(ref _bytes);

    public long RowsWritten => Volatile.Read(ref _rows);

    /// <summary>Puts the store refused, each tried again.</summary>
    public long Retries => Volatile.Read(ref _retries);

    public long QueuedBytes => Volatile.Read(ref _queuedBytes);

    /// <summary>Why no file can be written any more; null while all is well. A store that is away is no fault: it is waited for.</summary>
    public Exception? Fault => _fault;

    /// <summary>An empty row set, of earlier files where there are some.</summary>
    public FeatureRows Rent(int capacity)
    {
        FeatureRows rows = _pool.TryTake(out FeatureRows? pooled) ? pooled : new FeatureRows(capacity);
        rows.EnsureCapacity(capacity);
        return rows;
    }

    /// <summary>Takes over a partition's next file; one without rows only moves the partition's bound.</summary>
    /// <returns>False when the queue is full: it stays the caller's.</returns>
    public bool TryEnqueue(FeatureRows rows)
    {
        lock (_lock)
        {
            if (_queuedBytes > 0 && _queuedBytes + rows.Bytes > _queueBytes) return false;
            _queuedBytes += rows.Bytes;
            _queue.Enqueue(rows);
            _idle.Reset();
        }

        _available.Release();
        return true;
    }

    /// <summary>Last window end up to which all files of the partition are in the store; <see cref="long.MinValue"/> = none.</summary>
    public long StoredUpToUs(int partition) => _storedUs.GetValueOrDefault(partition, long.MinValue);

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
        _thread.Join();
        foreach (FeatureRows rows in _queue) rows.Dispose();
        foreach (FeatureRows rows in _pool) rows.Dispose();
        _encoder.Dispose();
        _stop.Dispose();
        _available.Dispose();
        _idle.Dispose();
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                _available.Wait(_stop.Token);
                FeatureRows rows;
                lock (_lock) rows = _queue.Peek();
                if (rows.Count > 0) Write(rows);
                Finish(rows);
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

    private void Finish(FeatureRows rows)
    {
        if (rows.UpToUs != long.MinValue) _storedUs[rows.Partition] = rows.UpToUs;
        lock (_lock)
        {
            _queue.Dequeue();
            _queuedBytes -= rows.Bytes;
            if (_queue.Count == 0) _idle.Set();
        }

        rows.Clear();
        _pool.Add(rows);
    }

    private unsafe void Write(FeatureRows rows)
    {
        using ResizableBuffer buffer = _encoder.Encode(rows);
        int size = checked((int)buffer.Size);
        Put(FeatureFileName.Of(rows, _configHash), new NativeMemoryManager((byte*)buffer.Data, size).Memory);
        Volatile.Write(ref _files, _files + 1);
        Volatile.Write(ref _bytes, _bytes + size);
        Volatile.Write(ref _rows, _rows + rows.Count);
    }

    private void Put(string name, ReadOnlyMemory<byte> content)
    {
        TimeSpan pause = s_firstPause;
        while (true)
        {
            try
            {
                _store.PutAsync(name, content, _stop.Token).GetAwaiter().GetResult();
                return;
            }
            catch (ObjectStoreException e)
            {
                Volatile.Write(ref _retries, _retries + 1);
                FileLog.PutRefused(_log, e.Message, pause.TotalSeconds);
            }

            _stop.Token.WaitHandle.WaitOne(pause);
            _stop.Token.ThrowIfCancellationRequested();
            pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
        }
    }
}

internal static partial class FileLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "{why}; trying again in {seconds} s")]
    public static partial void PutRefused(ILogger log, string why, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "feature rows could not be encoded")]
    public static partial void CannotEncode(ILogger log, Exception exception);
}
