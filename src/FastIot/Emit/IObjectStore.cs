namespace FastIot.Emit;

/// <summary>
/// Objects by name ("features/date=…/x.parquet"): S3, MinIO or a local folder. A put is all or nothing: nobody ever sees half an object.
/// Methods may be called from several threads.
/// </summary>
public interface IObjectStore : IDisposable
{
    /// <summary>Shown to people: the folder, or endpoint and bucket; never a secret.</summary>
    string Location { get; }

    /// <summary>Checks that the store can be written, and makes the bucket or folder where it may.</summary>
    Task PrepareAsync(CancellationToken cancellation);

    /// <summary>Stores, or replaces, one object; retries what can be retried within a bounded time.</summary>
    /// <exception cref="ObjectStoreException"/>
    Task PutAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation);

    /// <summary>
    /// Stores one object unless there is one of that name. Two that try at once: one wins, whole.
    /// </summary>
    /// <param name="sha256">Of the content, hex: given back by <see cref="HeadAsync"/>.</param>
    /// <returns>Null when it was stored; else what is there.</returns>
    /// <exception cref="ObjectStoreException"/>
    Task<StoredObject?> PutIfAbsentAsync(string name, ReadOnlyMemory<byte> content, string sha256, CancellationToken cancellation);

    /// <returns>Null where there is no such object.</returns>
    Task<StoredObject?> HeadAsync(string name, CancellationToken cancellation);

    /// <returns>Null where there is no such object.</returns>
    Task<byte[]?> GetAsync(string name, CancellationToken cancellation);

    /// <summary>Names that start with the prefix, in ordinal order.</summary>
    Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellation);

    Task DeleteAsync(string name, CancellationToken cancellation);
}

/// <summary>An object that is there.</summary>
/// <param name="Sha256">Of its content, hex; null where the store was never told.</param>
public readonly record struct StoredObject(long Bytes, string? Sha256);

/// <summary>The message says which object, where, what the store answered and what to do.</summary>
public sealed class ObjectStoreException(string message, Exception? inner = null) : Exception(message, inner);
