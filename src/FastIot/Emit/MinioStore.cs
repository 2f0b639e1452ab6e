using System.Buffers;
using System.Net;
using Minio;
using Minio.DataModel;
using Minio.DataModel.Args;
using Minio.Exceptions;

namespace FastIot.Emit;

/// <summary>Where a MinIO or S3 bucket is, and who may write it.</summary>
public sealed record MinioOptions
{
    /// <summary>URL, or host:port, which means http.</summary>
    public required string Endpoint { get; init; }

    public required string Bucket { get; init; }

    public string Region { get; init; } = "us-east-1";

    public required string AccessKey { get; init; }

    public required string SecretKey { get; init; }

    /// <summary>Bound of one request.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Without the keys.</summary>
    public override string ToString() => $"{Endpoint}/{Bucket}";
}

/// <summary>Objects in a bucket of MinIO or any S3. One try a call: who writes must decide how long to go on.</summary>
public sealed class MinioStore : IObjectStore
{
    private const string HashHeader = "x-amz-meta-sha256";

    private readonly MinioOptions _options;
    private readonly HttpClient _http;
    private readonly IMinioClient _client;

    public MinioStore(MinioOptions options)
    {
        _options = options;
        Uri endpoint = EndpointOf(options.Endpoint);
        _http = new HttpClient(new PutWatch { InnerHandler = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), ConnectTimeout = TimeSpan.FromSeconds(10) } }) { Timeout = options.Timeout };
        _client = new MinioClient()
            .WithEndpoint(endpoint.Host, endpoint.Port)
            .WithSSL(endpoint.Scheme == Uri.UriSchemeHttps)
            .WithRegion(options.Region)
            .WithCredentials(options.AccessKey, options.SecretKey)
            .WithHttpClient(_http, disposeHttpClient: false)
            .Build();
        Location = $"{endpoint.Scheme}://{endpoint.Authority}/{options.Bucket}";
    }

    public string Location { get; }

    /// <summary>Makes the bucket where there is none.</summary>
    public Task PrepareAsync(CancellationToken cancellation) => Guard("", "prepare", async () =>
    {
        if (await _client.BucketExistsAsync(new BucketExistsArgs().WithBucket(_options.Bucket), cancellation).ConfigureAwait(false)) return true;
        await _client.MakeBucketAsync(new MakeBucketArgs().WithBucket(_options.Bucket).WithLocation(_options.Region), cancellation).ConfigureAwait(false);
        return true;
    }, cancellation);

    public Task PutAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation) => PutAsync(name, content, null, cancellation);

    public async Task<StoredObject?> PutIfAbsentAsync(string name, ReadOnlyMemory<byte> content, string sha256, CancellationToken cancellation)
    {
        // Asked first: a replay rewrites what is there, and need not send it. The condition decides where two write at once.
        if (await HeadAsync(name, cancellation).ConfigureAwait(false) is { } there) return there;
        if (await PutAsync(name, content, sha256, cancellation).ConfigureAwait(false)) return null;
        return await HeadAsync(name, cancellation).ConfigureAwait(false) ?? throw new ObjectStoreException($"{Location}/{name} was there a moment ago and is gone: somebody removes what is being written");
    }

    /// <param name="sha256">Null: whatever is there is replaced.</param>
    /// <returns>False when there was one already.</returns>
    private Task<bool> PutAsync(string name, ReadOnlyMemory<byte> content, string? sha256, CancellationToken cancellation) => Guard(name, "write", async () =>
    {
        PutWatch.Outcome outcome = PutWatch.Begin(ifAbsent: sha256 != null);
        using MemoryHandle pin = content.Pin();
        using Stream stream = Stream(in pin, content.Length);
        PutObjectArgs put = new PutObjectArgs().WithBucket(_options.Bucket).WithObject(name).WithStreamData(stream).WithObjectSize(content.Length)
            .WithContentType(name.EndsWith(".parquet", StringComparison.Ordinal) ? "application/vnd.apache.parquet" : "application/octet-stream");
        if (sha256 != null) put = put.WithHeaders(new Dictionary<string, string> { [HashHeader] = sha256 });
        try
        {
            await _client.PutObjectAsync(put, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (outcome.Status == HttpStatusCode.PreconditionFailed && e is not OperationCanceledException)
        {
            return false;
        }

        // Whatever the library makes of an answer: stored is what the server has called stored.
        if (outcome.Status == HttpStatusCode.PreconditionFailed) return false;
        if (outcome.Status is { } status && (int)status is >= 200 and < 300) return true;
        throw new HttpRequestException(outcome.Text);
    }, cancellation);

    public Task<StoredObject?> HeadAsync(string name, CancellationToken cancellation) => Guard<StoredObject?>(name, "read", async () =>
    {
        PutWatch.Outcome outcome = PutWatch.Begin(ifAbsent: false);
        try
        {
            ObjectStat stat = await _client.StatObjectAsync(new StatObjectArgs().WithBucket(_options.Bucket).WithObject(name), cancellation).ConfigureAwait(false);
            if (outcome.Status == HttpStatusCode.NotFound) return null;
            if (outcome.Status is not { } status || (int)status is < 200 or >= 300) throw new HttpRequestException(outcome.Text);
            KeyValuePair<string, string> hash = stat.MetaData.FirstOrDefault(m => m.Key.EndsWith("meta-sha256", StringComparison.OrdinalIgnoreCase) || m.Key.Equals("sha256", StringComparison.OrdinalIgnoreCase));
            return new StoredObject(stat.Size, hash.Value);
        }
        catch (ObjectNotFoundException)
        {
            return null;
        }
    }, cancellation);

    public Task<byte[]?> GetAsync(string name, CancellationToken cancellation) => Guard(name, "read", async () =>
    {
        using var content = new MemoryStream();
        try
        {
            GetObjectArgs get = new GetObjectArgs().WithBucket(_options.Bucket).WithObject(name)
                .WithCallbackStream((stream, token) => stream.CopyToAsync(content, token));
            await _client.GetObjectAsync(get, cancellation).ConfigureAwait(false);
            return content.ToArray();
        }
        catch (ObjectNotFoundException)
        {
            return null;
        }
    }, cancellation);

    public Task<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellation) => Guard<IReadOnlyList<string>>(prefix, "list", async () =>
    {
        var names = new List<string>();
        ListObjectsArgs list = new ListObjectsArgs().WithBucket(_options.Bucket).WithPrefix(prefix).WithRecursive(true);
        await foreach (Item item in _client.ListObjectsEnumAsync(list, cancellation).ConfigureAwait(false)) names.Add(item.Key);
        names.Sort(StringComparer.Ordinal);
        return names;
    }, cancellation);

    public Task DeleteAsync(string name, CancellationToken cancellation) => Guard(name, "delete", async () =>
    {
        await _client.RemoveObjectAsync(new RemoveObjectArgs().WithBucket(_options.Bucket).WithObject(name), cancellation).ConfigureAwait(false);
        return true;
    }, cancellation);

    public void Dispose()
    {
        _client.Dispose();
        _http.Dispose();
    }

    /// <exception cref="ArgumentException">Neither a URL nor host:port.</exception>
    internal static Uri EndpointOf(string text)
    {
        string url = text.Contains("://", StringComparison.Ordinal) ? text : "http://" + text;
        if (Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) && uri.AbsolutePath == "/") return uri;
        throw new ArgumentException($"\"{text}\" is no endpoint of MinIO or S3: it must be host:port or http[s]://host[:port]");
    }

    private static unsafe UnmanagedMemoryStream Stream(in MemoryHandle pin, int length) => new((byte*)pin.Pointer, length);

    private async Task<T> Guard<T>(string name, string verb, Func<Task<T>> act, CancellationToken cancellation)
    {
        try
        {
            return await act().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (e is MinioException or HttpRequestException or IOException or OperationCanceledException or WebException or InvalidOperationException)
        {
            string hint = e switch
            {
                AccessDeniedException or AuthorizationException => "check the access key, the secret key and what they may do, and that this machine's clock is right: S3 refuses requests that are off by a quarter of an hour",
                OperationCanceledException => $"no answer within {_options.Timeout.TotalSeconds:0} s",
                _ => "check that the endpoint is right and the server is up",
            };
            throw new ObjectStoreException($"cannot {verb} {Location}/{name}: {e.Message} ({hint})", e);
        }
    }
}
